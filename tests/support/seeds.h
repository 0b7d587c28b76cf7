/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzzer over its stored seeds (tests/fuzz/seeds/NAME; tests run in tests/), whole, cut
 * short and with numbers that parsers trip over written into them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef int (*seeds_fn)(const uint8_t *data, size_t size);

/* Runs the fuzzer over each seed of that name and so many changes of each; each run must return 0.
 */
void seeds_run(seeds_fn fn, const char *name, int n_mutations);
