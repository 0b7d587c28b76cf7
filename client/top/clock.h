/* SPDX-License-Identifier: MIT */
/* Waits for the next event of top: a second, a key or a signal. */
#pragma once

#include <stdbool.h>

struct top_clock;

struct top_events {
	bool second;
	bool key; /* something can be read from the terminal */
	bool resize;
	bool end; /* a signal asks top to end, or the terminal is gone */
};

/* Blocks the signals that the clock reads, until top_clock_free(). Returns 0 or a negative errno.
 */
int top_clock_new(bool with_keys, struct top_clock **ret);
struct top_clock *top_clock_free(struct top_clock *clock);
/* Drops pending signals of the keys that end a program (SIGINT, SIGQUIT). Returns true if there was
 * one. */
bool top_clock_drop_interrupt(struct top_clock *clock);
/* Waits until an event happens. Returns 0 or a negative errno. */
int top_clock_wait(struct top_clock *clock, struct top_events *ret);
