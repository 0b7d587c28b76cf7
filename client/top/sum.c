/* SPDX-License-Identifier: MIT */
/* What the model shows of its last seconds: summed up and sorted. */
#include <errno.h>
#include <string.h>

#include "client/top/counts.h"
#include "client/top/model_internal.h"

void top_sum_done(struct top_sum *sum)
{
	json_object_put(sum->lost);
	json_object_put(sum->stacks);
	free(sum->rows);
	*sum = (struct top_sum){0};
}

/* How many of the newest ticks make up that time; a tick is seldom a second to the hair. */
static size_t count_ticks(const struct top_model *model, unsigned int seconds)
{
	double time = 0;
	size_t n = 0;

	if (seconds == TOP_NEWEST)
		return model->ticks[model->newest].seconds > 0;
	while (n < TOP_TICKS && time + 0.5 < seconds) {
		double one = model->ticks[(model->newest + TOP_TICKS - n) % TOP_TICKS].seconds;

		if (one <= 0)
			break;
		time += one;
		n++;
	}
	return n;
}

static int add_tick(struct top_sum *sum, const struct top_tick *tick)
{
	int r = top_counts_add(sum->lost, tick->lost);

	sum->seconds += tick->seconds;
	sum->samples += tick->samples;
	for (size_t i = 0; i < tick->n; i++) {
		struct top_row *row = &sum->rows[tick->parts[i].item];

		row->self += tick->parts[i].self;
		row->total += tick->parts[i].total;
	}
	return r < 0 ? r : top_counts_add(sum->stacks, tick->stacks);
}

static void add_items(struct top_sum *sum, const struct top_items *items)
{
	for (uint32_t i = 0; i < top_items_count(items); i++) {
		const struct top_item *item = top_items_get(items, i);

		sum->rows[i].self = item->all.self;
		sum->rows[i].total = item->all.total;
	}
}

static int add_up(struct top_sum *sum, const struct top_model *model, unsigned int seconds)
{
	size_t n = count_ticks(model, seconds);
	int r = 0;

	if (seconds == 0) {
		r = add_tick(sum, &model->all);
		add_items(sum, model->items);
	}
	for (size_t i = 0; i < n && r >= 0; i++)
		r = add_tick(sum, &model->ticks[(model->newest + TOP_TICKS - i) % TOP_TICKS]);
	return r;
}

/* Leaves the rows that are shown: with hits, not refused by the filter. */
static void choose(struct top_sum *sum, const struct top_model *model)
{
	uint32_t n = top_items_count(model->items);

	for (uint32_t i = 0; i < n; i++) {
		const struct top_item *item = top_items_get(model->items, i);
		struct top_row row = sum->rows[i];

		if (!row.total || !item->name || (model->filtered && item->match != TOP_MATCH_YES))
			continue;
		row.name = item->name;
		row.item = i;
		sum->rows[sum->n++] = row;
	}
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_names(const struct top_row *a, const struct top_row *b)
{
	int r = strcmp(a->name->name, b->name->name);

	r = r ? r : strcmp(a->name->file, b->name->file);
	return r ? r : compare_u64(a->item, b->item);
}

static int compare_by_self(const void *left, const void *right)
{
	const struct top_row *a = left, *b = right;
	int r = compare_u64(b->self, a->self);

	r = r ? r : compare_u64(b->total, a->total);
	return r ? r : compare_names(a, b);
}

static int compare_by_total(const void *left, const void *right)
{
	const struct top_row *a = left, *b = right;
	int r = compare_u64(b->total, a->total);

	r = r ? r : compare_u64(b->self, a->self);
	return r ? r : compare_names(a, b);
}

static int compare_by_name(const void *left, const void *right)
{
	return compare_names(left, right);
}

void top_sum_sort(struct top_sum *sum, enum top_sort sort)
{
	static int (*const compare[N_TOP_SORTS])(const void *, const void *) = {
		[TOP_SORT_SELF] = compare_by_self,
		[TOP_SORT_TOTAL] = compare_by_total,
		[TOP_SORT_NAME] = compare_by_name,
	};

	if (sum->n)
		qsort(sum->rows, sum->n, sizeof(*sum->rows), compare[sort]);
}

int top_model_sum(const struct top_model *model, unsigned int seconds, enum top_sort sort,
		  struct top_sum *ret)
{
	_cleanup_(top_sum_done) struct top_sum sum = {
		.lost = json_object_new_object(),
		.stacks = json_object_new_object(),
		.rows = calloc((size_t)top_items_count(model->items) + 1, sizeof(*sum.rows)),
	};
	int r;

	if (!sum.lost || !sum.stacks || !sum.rows)
		return -ENOMEM;
	r = add_up(&sum, model, seconds);
	if (r < 0)
		return r;
	choose(&sum, model);
	top_sum_sort(&sum, sort);
	*ret = sum;
	sum = (struct top_sum){0};
	return 0;
}
