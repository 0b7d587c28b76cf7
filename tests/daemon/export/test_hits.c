/* SPDX-License-Identifier: MIT */
#include "daemon/export/hits.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "daemon/base/cleanup.h"

define_cleanup(struct export_hits *, export_hits_free);

static void add(struct export_hits *hits, uint32_t node, uint32_t task, uint32_t slot, uint64_t n)
{
	struct export_hit hit = {node, task, slot, n};

	cr_assert_eq(export_hits_add(hits, &hit), 0);
}

Test(export_hits, are_added_up_and_in_order)
{
	_cleanup_(export_hits_free_p) struct export_hits *hits = export_hits_new();
	const struct export_hit *got;
	size_t n;

	cr_assert_eq(export_hits_get(hits, &got, &n), 0);
	cr_expect_eq(n, 0);
	add(hits, 2, 0, 0, 1);
	add(hits, 1, 2, 0, 2);
	add(hits, 1, 1, 2, 4);
	add(hits, 2, 0, 0, UINT64_C(1) << 40);
	add(hits, 1, 1, 1, 8);
	cr_assert_eq(export_hits_get(hits, &got, &n), 0);
	cr_assert_eq(n, 4);
	cr_expect(got[0].slot == 1 && got[0].n == 8);
	cr_expect(got[1].slot == 2 && got[1].n == 4);
	cr_expect(got[2].task == 2 && got[2].n == 2);
	cr_expect(got[3].node == 2 && got[3].n == 1 + (UINT64_C(1) << 40));
	/* Hits can be added after they were read. */
	add(hits, 0, 0, 0, 1);
	add(hits, 1, 2, 0, 3);
	cr_assert_eq(export_hits_get(hits, &got, &n), 0);
	cr_assert_eq(n, 5);
	cr_expect(got[0].node == 0 && got[3].n == 5);
}

/* Adds more hits than are sorted at once, and checks their sums. */
static void agree(unsigned n_added, unsigned n_keys)
{
	_cleanup_(export_hits_free_p) struct export_hits *hits = export_hits_new();
	uint64_t *sums = calloc(n_keys, sizeof(*sums));
	const struct export_hit *got;
	size_t n, distinct = 0;

	srandom(7);
	for (unsigned i = 0; i < n_added; i++) {
		unsigned key = (unsigned)random() % n_keys, many = 1 + (unsigned)random() % 3;

		sums[key] += many;
		add(hits, key / 100, key / 10 % 10, key % 10, many);
	}
	cr_assert_eq(export_hits_get(hits, &got, &n), 0);
	for (unsigned key = 0; key < n_keys; key++) {
		if (!sums[key])
			continue;
		cr_assert_lt(distinct, n);
		cr_assert_eq(got[distinct].node * 100 + got[distinct].task * 10 +
				     got[distinct].slot,
			     key);
		cr_assert_eq(got[distinct++].n, sums[key]);
	}
	cr_assert_eq(distinct, n);
	free(sums);
}

Test(export_hits, many)
{
	agree(1000000, 1000);
	agree(1000000, 600000);
}
