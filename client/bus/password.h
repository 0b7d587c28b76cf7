/* SPDX-License-Identifier: MIT */
/* Calls that may need a password, which is asked for on the terminal. */
#pragma once

#include "client/bus/bus.h"

/* One call of bus.h; a negative errno is its failure. */
typedef int (*question_fn)(struct bus *bus, const struct request *request, void *userdata);

/* Makes the call, and once more if it was refused only because nobody could be asked and here is
 * somebody: nothing is done twice, and nobody is asked without need. What the call returned, or
 * -EKEYREJECTED: a password was asked for, and none was accepted; -EINPROGRESS: another thread
 * waits for one. For any thread, of a bus each. */
int question_call(struct bus *bus, const struct request *request, question_fn fn, void *userdata);

/* The two halves of it, for who has to make room for the question. After a call that failed: was it
 * for that, and may somebody be asked? */
bool question_is_possible(const struct bus *bus, const struct request *request);
/* The call with the question. */
int question_ask(struct bus *bus, const struct request *request, question_fn fn, void *userdata);
