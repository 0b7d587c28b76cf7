/* SPDX-License-Identifier: MIT */
/* The DWARF of an ELF file, once it was looked at whether libdw may have it. */
#pragma once

#include <elfutils/libdw.h>
#include <stdint.h>

#define DWARF_FILE_UNPACKED_MAX (UINT64_C(1) << 30) /* of all compressed sections together */

/* alt: the file that dwz put apart, -1: none. Both descriptors stay the caller's and have to stay
 * open. *ret_alt: NULL where none is wanted. 0; -ENODATA: there is no DWARF, or it wants an alt
 * that is not there; -EFBIG; -ENOMEM; -EIO. */
int dwarf_file_open(int fd, int alt, Dwarf **ret, Dwarf **ret_alt);
/* Both may be NULL. */
void dwarf_file_close(Dwarf *dwarf, Dwarf *alt);
