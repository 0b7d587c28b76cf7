/* SPDX-License-Identifier: MIT */
/* Calls that may need a password, which is asked for on the terminal. */
#pragma once

#include "client/bus/bus.h"

/* Makes one call of bus.h. Returns a negative errno where it fails. */
typedef int (*question_fn)(struct bus *bus, const struct request *request, void *userdata);

/* Makes the call, and once more with a question where it was refused only for want of a password
 * and a person is at the terminal: nothing is done twice, and no needless question is asked.
 * Returns the result of the call, -EKEYREJECTED where no password was accepted, or -EINPROGRESS
 * where another thread waits for one. Threads may call it, each with a bus of its own. */
int question_call(struct bus *bus, const struct request *request, question_fn fn, void *userdata);

/* ---- the halves of question_call(), for callers that make room for the question ---- */

/* True if the call that failed needs a password, and a person may be asked. */
bool question_is_possible(const struct bus *bus, const struct request *request);
/* Makes the call with the question. Returns as question_call(). */
int question_ask(struct bus *bus, const struct request *request, question_fn fn, void *userdata);
