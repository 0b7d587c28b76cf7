/* SPDX-License-Identifier: MIT */
#include "tests/support/made/load.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct made_load made_load(uint64_t seed)
{
	return (struct made_load){.state = seed * UINT64_C(0x9e3779b97f4a7c15)};
}

/* Returns a random number above 0 and below 1, by splitmix64 (Steele, Lea, Flood 2014). */
static double made_random(struct made_load *load)
{
	uint64_t z = load->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return ((double)((z ^ z >> 31) >> 11) + 0.5) / 9007199254740992.;
}

double made_load_chi_squared(struct made_load *load, int freedom)
{
	double sum = 0;

	for (int i = 0; i < freedom / 2; i++)
		sum -= 2 * log(made_random(load));
	return sum;
}

static size_t made_below(struct made_load *load, size_t n)
{
	return (size_t)(made_random(load) * (double)n);
}

void made_load_share(struct made_load *load, size_t phase)
{
	double *sums = load->sums[phase], sum = 0, rest = 0;
	size_t n = load->n_functions;

	for (size_t i = 0; i < n; i++)
		sums[i] = 1. / (double)(i + 1);
	for (size_t i = n; phase > 0 && i-- > 1;) {
		size_t k = made_below(load, i + 1);
		double held = sums[i];

		sums[i] = sums[k];
		sums[k] = held;
	}
	for (size_t i = 1; i < n; i++)
		rest += sums[i];
	for (size_t i = 0; i < n && phase == 0; i++)
		sums[i] = i ? sums[i] * (1 - load->first_share) / rest : load->first_share;
	for (size_t i = 0; i < n; i++)
		sums[i] = sum += sums[i];
}

static size_t made_pick(struct made_load *load, size_t phase)
{
	const double *sums = load->sums[phase];
	double at = made_random(load) * sums[load->n_functions - 1];
	size_t low = 0, high = load->n_functions - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (sums[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static size_t made_step_thread(struct made_load *load, size_t tick, double now)
{
	size_t thread = tick % MADE_THREADS;

	if (now >= load->until[thread]) {
		load->until[thread] = now - log(made_random(load)) * (0.05 + 0.3 * (double)thread);
		load->threads[thread] = made_pick(load, 0);
	}
	return load->threads[thread];
}

/* Returns the function that runs at this tick, or SIZE_MAX where none does. */
static size_t made_tick(struct made_load *load, size_t tick)
{
	double now = (double)tick / MADE_HZ;

	switch (load->kind) {
	case MADE_CHANGING:
		if (now >= load->change) {
			load->change = now + 1 + 29 * made_random(load);
			load->phase =
				(load->phase + 1 + made_below(load, MADE_PHASES - 1)) % MADE_PHASES;
		}
		return made_pick(load, load->phase);
	case MADE_LOCKED:
		return made_step_thread(load, tick, now);
	case MADE_IDLE:
		if (now >= load->change) {
			load->change = now - 5 * log(made_random(load));
			load->phase = !load->phase;
		}
		return load->phase ? SIZE_MAX : made_pick(load, 0);
	case MADE_BURST:
		if (now >= load->burst_from && now < load->burst_to)
			return 2;
		return made_pick(load, 0);
	default:
		return made_pick(load, 0);
	}
}

static void made_begin(struct made_load *load)
{
	memset(load->until, 0, sizeof(load->until));
	load->phase = made_below(load, load->kind == MADE_IDLE ? 2 : MADE_PHASES);
	load->change = made_random(load) * (1 + 29 * made_random(load));
	load->burst_from = made_random(load) * load->seconds;
	load->burst_to = load->burst_from + 1 + 29 * made_random(load);
}

size_t made_load_slots(const struct made_load *load)
{
	return (size_t)ceil(load->seconds / MADE_SLOT_SECONDS);
}

size_t made_load_functions(const struct made_load *load)
{
	return load->n_functions + load->n_functions / 4;
}

uint64_t *made_load_hits(struct made_load *load)
{
	size_t n_slots = made_load_slots(load), n_ticks = (size_t)(load->seconds * MADE_HZ);
	uint64_t *hits = calloc(made_load_functions(load) * n_slots, sizeof(*hits));

	cr_assert_not_null(hits);
	made_begin(load);
	for (size_t tick = 0; tick < n_ticks; tick++) {
		size_t function = made_tick(load, tick);
		size_t slot = tick / (MADE_HZ * MADE_SLOT_SECONDS);

		if (function == SIZE_MAX)
			continue;
		hits[function * n_slots + slot]++;
		if (function / 4 < load->n_functions / 4)
			hits[(load->n_functions + function / 4) * n_slots + slot]++;
	}
	return hits;
}
