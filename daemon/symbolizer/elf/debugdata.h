/* SPDX-License-Identifier: MIT */
/*
 * .gnu_debugdata: a small ELF file in the file, packed with xz: the symbols that some distributions
 * keep of stripped programs. gdb's manual, "Debugging information in a special section".
 */
#pragma once

#include "daemon/symbolizer/elf/file.h"

/* 0, then *ret ends with elf_file_done(), and *ret_data, which it is read from, is the caller's;
 * -ENODATA: there is none; else what elf_file_read_section(), xz_unpack() or elf_file_open_memory()
 * say. */
int debugdata_open(const struct elf_file *elf, struct elf_file *ret, char **ret_data);
