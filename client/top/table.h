/* SPDX-License-Identifier: MIT */
/* The table of top as lines. Columns are as wide whatever is in them, so that they stand still from
 * one second to the next; the name gets the rest. The caller frees; NULL: no memory. */
#pragma once

#include "client/top/model.h"

char *top_table_title(const char *by, size_t columns);
char *top_table_row(const char *by, const struct top_row *row, uint64_t samples, size_t columns);
