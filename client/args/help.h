/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/args/verb.h"

/* Prints the help of the program, made from the tables of verb.h. */
void help_print(FILE *out);
/* Prints the help of one verb, with its options alone. */
void help_print_verb(enum verb verb, FILE *out);
