/* SPDX-License-Identifier: MIT */
/* Prints findings for people and for programs; errors of writing stay in the FILE. */
#pragma once

#include <stdio.h>

#include "client/base/screen.h"
#include "client/doctor/finding.h"

/* Prints a line with a mark for each finding, and below it what to do. */
void findings_print(const struct findings *findings, const struct screen *screen, FILE *out);
/* Prints {"can_profile":true,"kernel":"6.1.0","findings":[{"id":"btf","verdict":"ok","text":"...",
 * "advice":null},...]}; kernel "": not known. Returns 0 or -ENOMEM. */
int findings_print_json(const struct findings *findings, const char *kernel, FILE *out);
