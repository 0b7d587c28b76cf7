/* SPDX-License-Identifier: MIT */
/* Makes the symbolizer's replies, each in a sealed memfd as symbolizer_wire.h has it. */
#pragma once

#include "daemon/symbolizer/symbol_lookup.h"

/* Makes a reply, in a new descriptor, which is the caller's; the files stay the caller's too.
 * Returns, as all of these do, 0, -ENOEXEC, -ENODATA, -EFBIG, -ENOMEM or -EIO. */
int reply_make_table(int file, int *ret_fd, uint32_t *ret_bytes);
int reply_make_elf_info(int file, int *ret_fd, uint32_t *ret_bytes);
int reply_make_python(int file, int *ret_fd, uint32_t *ret_bytes);
int reply_make_names(struct symbol_lookup *lookup, enum symbolizer_source source,
		     const int files[WIRE_FILES], const uint64_t *addresses, size_t n, int *ret_fd,
		     uint32_t *ret_bytes);
