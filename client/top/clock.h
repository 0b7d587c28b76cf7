/* SPDX-License-Identifier: MIT */
/* What top waits for: the next second, a key, a signal. */
#pragma once

#include <stdbool.h>

struct top_clock;

struct top_events {
	bool second;
	bool key; /* something can be read from the terminal */
	bool resize;
	bool end; /* asked to end by a signal, or the terminal is gone */
};

/* Blocks the signals that it waits for. 0 or negative errno. */
int top_clock_new(bool with_keys, struct top_clock **ret);
struct top_clock *top_clock_free(struct top_clock *clock);
/* Forgets that the user wanted to end by a key (SIGINT, SIGQUIT). Whether he did. */
bool top_clock_drop_interrupt(struct top_clock *clock);
/* Until something of it is the case. 0 or negative errno. */
int top_clock_wait(struct top_clock *clock, struct top_events *ret);
