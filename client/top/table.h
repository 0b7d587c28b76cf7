/* SPDX-License-Identifier: MIT */
/* The table of top as lines. A column has the same width whatever is in it, so that it stands still
 * from one second to the next; the name gets the rest. The caller frees a line; NULL: no memory. */
#pragma once

#include "client/top/model.h"

char *top_table_title(const char *by, size_t columns);
char *top_table_row(const char *by, const struct top_row *row, uint64_t samples, size_t columns);
