/* SPDX-License-Identifier: MIT */
/*
 * Makes the unwinding table of an ELF file from .eh_frame by libdw. For the symbolizer process
 * alone: each byte is an attacker's, and libdw is not trusted to survive it.
 *
 * Where the format is written down: Linux Standard Base 5.0, core, 10.6; DWARF 5, 6.4.
 */
#pragma once

#include "daemon/base/symbolizer_wire.h"

struct eh_rows;

/* Reads the table. The descriptor stays the caller's. Returns 0; -ENOEXEC if the file is no program
 * or library of this machine; -ENODATA if there is no usable .eh_frame in it; -EFBIG; -ENOMEM;
 * -EIO. */
int eh_rows_read(int fd, struct eh_rows **ret);
struct eh_rows *eh_rows_free(struct eh_rows *rows);
/* Gets the table, borrowed until the rows are freed. It has at least one row; the addresses rise,
 * and no row has the rule of the one before it. The last rule is OX_RULE_GAP. */
void eh_rows_get(const struct eh_rows *rows, struct symbolizer_table *ret);
