/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/base/json_tree.h"

/*
 * Prints the records of a query as RFC 4180 has it: a row of names, then one for each record, ended
 * by CR and LF; what is not known is empty. The columns are the same whatever a record stands for.
 * A text that begins with =, +, -, @, a tab or CR has a ' in front, since a spreadsheet would take
 * it for a formula; no other cell is changed. Returns 0; errors of writing stay in the FILE.
 */
int csv_print(struct json_object *answer, FILE *out);
