/* SPDX-License-Identifier: MIT */
/* The symbolizer's answers, each in a memfd as symbolizer_wire.h has it, sealed. */
#pragma once

#include "daemon/symbolizer/symbol_lookup.h"

/* All: 0; -ENOEXEC, -ENODATA, -EFBIG, -ENOMEM, -EIO. The new descriptor is the caller's. The files
 * stay his too. */
int reply_make_table(int file, int *ret_fd, uint32_t *ret_bytes);
int reply_make_elf_info(int file, int *ret_fd, uint32_t *ret_bytes);
int reply_make_python(int file, int *ret_fd, uint32_t *ret_bytes);
int reply_make_names(struct symbol_lookup *lookup, enum symbolizer_source source,
		     const int files[WIRE_FILES], const uint64_t *addresses, size_t n, int *ret_fd,
		     uint32_t *ret_bytes);
