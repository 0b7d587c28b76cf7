/* SPDX-License-Identifier: MIT */
/* Opens the DWARF of an ELF file, after checks that libdw does not make itself. */
#pragma once

#include <elfutils/libdw.h>
#include <stdint.h>

#define DWARF_FILE_UNPACKED_MAX (UINT64_C(1) << 30) /* all compressed sections */

/* Opens the DWARF. alt: the file to which dwz moved what is shared, -1 if there is none. Both
 * descriptors stay the caller's and have to stay open. *ret_alt is NULL where none is wanted.
 * Returns 0; -ENODATA if there is no DWARF, or it wants an alt that is not there; -EFBIG; -ENOMEM;
 * -EIO. */
int dwarf_file_open(int fd, int alt, Dwarf **ret, Dwarf **ret_alt);
/* Closes both, each of which may be NULL. */
void dwarf_file_close(Dwarf *dwarf, Dwarf *alt);
