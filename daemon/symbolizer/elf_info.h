/* SPDX-License-Identifier: MIT */
/*
 * What an ELF file says of itself: where its code is, its build-id, and which debug files it names.
 * The formats of the links: gdb's manual, "Debugging Information in Separate Files", and DWARF 5,
 * 7.3.6 (".gnu_debugaltlink" is what that became of). Nothing is believed: it is copied out, and
 * what is too long or no name is left out.
 */
#pragma once

#include "daemon/base/symbolizer_wire.h"

/* 0; -ENOEXEC: no program, library or debug file of this machine; -ENOMEM; -EIO. */
int elf_info_read(int fd, struct elf_info *ret);
