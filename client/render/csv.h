/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/base/json_tree.h"

/*
 * Prints the records of a query as RFC 4180 has it: a row of names, then one for each record, ended
 * by CR and LF; what is not known is empty. The columns are the same whatever a record stands for.
 * Cells are not changed: one that begins with "=" or "+" (as the name of a function without a
 * symbol does) stays as programs need it, though a spreadsheet may take it for a formula. Returns
 * 0; errors of writing stay in the FILE.
 */
int csv_print(struct json_object *answer, FILE *out);
