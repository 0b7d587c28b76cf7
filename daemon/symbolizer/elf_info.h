/* SPDX-License-Identifier: MIT */
/*
 * Reads what an ELF file says of itself: where its code is, its build-id, and which debug files it
 * names. The formats of the links: gdb's manual, "Debugging Information in Separate Files", and
 * DWARF 5, 7.3.6 (what ".gnu_debugaltlink" became there). Nothing is believed: everything is copied
 * out, and what is too long or no name is left out.
 */
#pragma once

#include "daemon/base/symbolizer_wire.h"

/* Reads the file into *ret. Returns 0; -ENOEXEC if it is no program, library or debug file of this
 * machine; -ENOMEM; -EIO. */
int elf_info_read(int fd, struct elf_info *ret);
