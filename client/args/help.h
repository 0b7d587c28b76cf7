/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/args/verb.h"

/* Both are made from the tables of verb.h. */
void help_print(FILE *out);
void help_print_verb(enum verb verb, FILE *out);
