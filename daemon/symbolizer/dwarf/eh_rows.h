/* SPDX-License-Identifier: MIT */
/*
 * The unwinding table of an ELF file, made from .eh_frame by libdw: for the symbolizer process
 * alone, each byte is an attacker's and libdw is trusted with none.
 *
 * Where the format is written down: Linux Standard Base 5.0, core, 10.6; DWARF 5, 6.4.
 */
#pragma once

#include "daemon/base/symbolizer_wire.h"

struct eh_rows;

/* The descriptor stays the caller's. 0; -ENOEXEC: not a program or library of this machine;
 * -ENODATA: no usable .eh_frame in it; -EFBIG; -ENOMEM; -EIO. */
int eh_rows_read(int fd, struct eh_rows **ret);
struct eh_rows *eh_rows_free(struct eh_rows *rows);
/* Borrowed until the rows are freed. At least one row, rising addresses, none equal to its
 * neighbour in its rule; the last is OX_RULE_GAP. */
void eh_rows_get(const struct eh_rows *rows, struct symbolizer_table *ret);
