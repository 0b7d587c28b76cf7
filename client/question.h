/* SPDX-License-Identifier: MIT */
/* Calls that may need a password, which is asked for on the terminal. */
#pragma once

#include "client/bus.h"

/* One call of bus.h; a negative errno is its failure. */
typedef int (*question_fn)(struct bus *bus, const struct request *request, void *userdata);

/* Makes the call, and once more if it was refused only because nobody could be asked and here is
 * somebody: nothing is done twice, and nobody is asked without need. What the call returned. */
int question_call(struct bus *bus, const struct request *request, question_fn fn, void *userdata);
