/* SPDX-License-Identifier: MIT */
/*
 * Loads as a sampler sees them, made from random numbers of a fixed seed: hits of functions in
 * slots of ten seconds, at 99 Hz on one CPU. Functions have shares as in a real profile (1, 1/2,
 * 1/3 ...), the first 10 % or what is said; each four of them have a caller in common.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MADE_HZ            99
#define MADE_SLOT_SECONDS  10
#define MADE_FUNCTIONS_MAX 500
#define MADE_PHASES        3
#define MADE_THREADS       4

enum made_kind {
	MADE_STEADY,   /* the same at all times */
	MADE_CHANGING, /* now it does one thing for 1 to 30 s, now another */
	MADE_LOCKED,   /* threads in turn, each at one function for 0.05 to 1 s on average */
	MADE_IDLE,     /* steady, with pauses of 5 s on average */
	MADE_BURST,    /* steady, with one function alone for 1 to 30 s, once */
};

struct made_load {
	uint64_t state;
	enum made_kind kind;
	double seconds;
	size_t n_functions; /* without callers */
	double first_share;
	double sums[MADE_PHASES][MADE_FUNCTIONS_MAX]; /* of shares, by phase */
	size_t threads[MADE_THREADS];                 /* what they are at */
	double until[MADE_THREADS];
	double change, burst_from, burst_to; /* seconds */
	size_t phase;
};

/* Returns a load with that seed, of which the test says the rest. */
struct made_load made_load(uint64_t seed);

/* Returns a random number of that distribution; its freedom is even. */
double made_load_chi_squared(struct made_load *load, int freedom);

/* Gives the functions their shares in a phase: in a random order, but for the first phase, where
 * the first function has its share. */
void made_load_share(struct made_load *load, size_t phase);

/* Returns the number of slots. */
size_t made_load_slots(const struct made_load *load);

/* Returns the number of functions, with the callers. */
size_t made_load_functions(const struct made_load *load);

/* Returns the hits of one span, [function * slots + slot]; the caller frees. */
uint64_t *made_load_hits(struct made_load *load);
