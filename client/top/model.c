/* SPDX-License-Identifier: MIT */
#include "client/top/model.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "client/top/items.h"

/* An answer comes at most once a second, so a tick for each second is enough. */
#define TOP_TICKS TOP_SPAN_MAX

struct top_part {
	uint32_t item;
	uint64_t self;
	uint64_t total;
};

/* The counts between two answers. */
struct top_tick {
	double seconds; /* 0: the tick is empty */
	uint64_t samples;
	struct json_object *lost;
	struct json_object *stacks;
	struct top_part *parts; /* of items with hits */
	size_t n;
};

struct top_model {
	struct top_items *items;
	struct top_tick ticks[TOP_TICKS]; /* a ring */
	size_t newest;
	struct top_tick all;  /* the sum of all ticks so far; its parts are in the items */
	struct top_tick last; /* the counts of the previous answer; its parts are in the items */
	bool has_last;
	bool began; /* an answer was added */
	bool filtered;
};

define_cleanup(struct top_model *, top_model_free);

/* ---- counts by word, {"REASON":N}, for losses and for how stacks end; NULL: no counts ---- */

static int add_one(struct json_object *counts, const char *word, uint64_t n)
{
	return tree_add(counts, word, json_object_new_uint64(tree_get_u64(counts, word) + n));
}

/* Adds `more` to the counts. Returns 0, or -ENOMEM, and then a part may be added. */
static int counts_add(struct json_object *counts, struct json_object *more)
{
	int r = 0;

	if (!more)
		return 0;
	json_object_object_foreach(more, word, value)
	{
		(void)value;
		r = add_one(counts, word, tree_get_u64(more, word));
		if (r < 0)
			return r;
	}
	return 0;
}

/* True if a count is smaller in `later`, where a missing word counts as 0. */
static bool has_less(struct json_object *later, struct json_object *earlier)
{
	if (!earlier)
		return false;
	json_object_object_foreach(earlier, word, value)
	{
		(void)value;
		if (tree_get_u64(earlier, word) > (later ? tree_get_u64(later, word) : 0))
			return true;
	}
	return false;
}

/* Sets *ret to a new object with the growth of each count, without words whose count is the same.
 * Returns 0, -ENOMEM, or -ERANGE where a count is smaller in `later`. */
static int counts_subtract(struct json_object *later, struct json_object *earlier,
			   struct json_object **ret)
{
	_cleanup_tree_ struct json_object *left = json_object_new_object();

	if (!left)
		return -ENOMEM;
	if (has_less(later, earlier))
		return -ERANGE;
	if (later) {
		json_object_object_foreach(later, word, value)
		{
			uint64_t before = earlier ? tree_get_u64(earlier, word) : 0;
			uint64_t n = tree_get_u64(later, word);

			(void)value;
			if (n > before && add_one(left, word, n - before) < 0)
				return -ENOMEM;
		}
	}
	*ret = take_ptr(left);
	return 0;
}

/* ---- the model ---- */

static void tick_done(struct top_tick *tick)
{
	json_object_put(tick->lost);
	json_object_put(tick->stacks);
	free(tick->parts);
	*tick = (struct top_tick){0};
}

static void model_done(struct top_model *model)
{
	for (size_t i = 0; i < TOP_TICKS; i++)
		tick_done(&model->ticks[i]);
	tick_done(&model->last);
	tick_done(&model->all);
	top_items_free(model->items);
	*model = (struct top_model){0};
}

static int model_init(struct top_model *model)
{
	*model = (struct top_model){.items = top_items_new(),
				    .all.lost = json_object_new_object(),
				    .all.stacks = json_object_new_object()};
	return model->items && model->all.lost && model->all.stacks ? 0 : -ENOMEM;
}

struct top_model *top_model_new(void)
{
	_cleanup_(top_model_free_p) struct top_model *model = calloc(1, sizeof(*model));

	return model && model_init(model) >= 0 ? take_ptr(model) : NULL;
}

struct top_model *top_model_free(struct top_model *model)
{
	if (model)
		model_done(model);
	free(model);
	return NULL;
}

/* ---- answers ---- */

static bool counter_is_below(struct top_counter a, struct top_counter b)
{
	return a.self < b.self || a.total < b.total;
}

/* Fills the tick with the growth of samples, losses and stacks since `before`. Returns 0, -ENOMEM,
 * or -ERANGE where a count went down. */
static int tick_subtract(struct top_tick *tick, struct json_object *answer,
			 const struct top_tick *before)
{
	uint64_t samples = tree_get_u64(answer, "samples");
	int r;

	if (samples < before->samples)
		return -ERANGE;
	tick->samples = samples - before->samples;
	r = counts_subtract(tree_get_object(answer, "lost"), before->lost, &tick->lost);
	if (r < 0)
		return r;
	return counts_subtract(tree_get_object(answer, "stacks"), before->stacks, &tick->stacks);
}

/* Fills the tick with the growth of each item. Returns 0, -ENOMEM, or -ERANGE likewise. */
static int tick_add_parts(struct top_tick *tick, const struct top_items *items)
{
	uint32_t n = top_items_count(items);

	tick->parts = calloc((size_t)n + 1, sizeof(*tick->parts));
	if (!tick->parts)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct top_item *item = top_items_get(items, i);
		struct top_part *part = &tick->parts[tick->n];

		if (counter_is_below(item->next, item->last))
			return -ERANGE;
		*part = (struct top_part){i, item->next.self - item->last.self,
					  item->next.total - item->last.total};
		tick->n += part->total || part->self;
	}
	return 0;
}

static void remember(struct top_model *model, struct json_object *answer)
{
	tick_done(&model->last);
	model->last.samples = tree_get_u64(answer, "samples");
	model->last.lost = json_object_get(tree_get_object(answer, "lost"));
	model->last.stacks = json_object_get(tree_get_object(answer, "stacks"));
	for (uint32_t i = 0; i < top_items_count(model->items); i++) {
		struct top_item *item = top_items_get(model->items, i);

		item->last = item->next;
	}
	model->has_last = model->began = true;
}

static int sum_up(struct top_model *model, const struct top_tick *tick)
{
	int r = counts_add(model->all.lost, tick->lost);

	if (r < 0)
		return r;
	r = counts_add(model->all.stacks, tick->stacks);
	if (r < 0)
		return r;
	model->all.seconds += tick->seconds;
	model->all.samples += tick->samples;
	for (size_t i = 0; i < tick->n; i++) {
		struct top_item *item = top_items_get(model->items, tick->parts[i].item);

		item->all.self += tick->parts[i].self;
		item->all.total += tick->parts[i].total;
	}
	return 0;
}

/* Moves the tick into the ring and leaves *tick empty. */
static void keep_tick(struct top_model *model, struct top_tick *tick)
{
	struct top_part *fitting;

	assert(tick->parts && model->newest < TOP_TICKS);
	fitting = realloc(tick->parts, (tick->n + 1) * sizeof(*fitting));
	if (fitting)
		tick->parts = fitting;
	model->newest = (model->newest + 1) % TOP_TICKS;
	tick_done(&model->ticks[model->newest]);
	model->ticks[model->newest] = *tick;
	*tick = (struct top_tick){0};
}

static int start_over(struct top_model *model, struct json_object *answer)
{
	int r;

	model_done(model);
	r = model_init(model);
	if (r < 0)
		return r;
	r = top_items_read(model->items, answer);
	if (r < 0)
		return r;
	remember(model, answer);
	return 1;
}

/* Counts what the answer has more than the last one. Returns 0, -ENOMEM, or -ERANGE where it has
 * less of something. */
static int count_growth(struct top_model *model, struct json_object *answer, double seconds)
{
	_cleanup_(tick_done) struct top_tick tick = {.seconds = seconds};
	int r = tick_subtract(&tick, answer, &model->last);

	if (r < 0)
		return r;
	r = tick_add_parts(&tick, model->items);
	if (r < 0)
		return r;
	r = sum_up(model, &tick);
	if (r < 0)
		return r;
	keep_tick(model, &tick);
	return 0;
}

int top_model_add(struct top_model *model, struct json_object *answer, double seconds)
{
	int r;

	assert(model && seconds >= 0);
	r = top_items_read(model->items, answer);
	if (r < 0)
		return r;
	if (top_items_count_names(model->items) > TOP_NAMES_MAX)
		return start_over(model, answer);
	if (!model->has_last) {
		bool began = model->began;

		remember(model, answer);
		return began;
	}
	r = count_growth(model, answer, seconds);
	if (r < 0 && r != -ERANGE)
		return r;
	remember(model, answer);
	return r == -ERANGE;
}

/* Subtracts the answer from the counts of the last one. Returns 0, -ENOMEM, or -ERANGE where the
 * answer is not a part of the last one. */
static int take_off(struct top_model *model, struct json_object *answer)
{
	struct top_tick *last = &model->last;
	_cleanup_tree_ struct json_object *lost = NULL, *stacks = NULL;
	uint64_t samples = tree_get_u64(answer, "samples");
	int r;

	if (samples > last->samples)
		return -ERANGE;
	r = counts_subtract(last->lost, tree_get_object(answer, "lost"), &lost);
	if (r < 0)
		return r;
	r = counts_subtract(last->stacks, tree_get_object(answer, "stacks"), &stacks);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < top_items_count(model->items); i++) {
		struct top_item *item = top_items_get(model->items, i);

		if (counter_is_below(item->last, item->next))
			return -ERANGE;
		item->last.self -= item->next.self;
		item->last.total -= item->next.total;
	}
	samples = last->samples - samples;
	tick_done(last);
	*last = (struct top_tick){
		.samples = samples, .lost = take_ptr(lost), .stacks = take_ptr(stacks)};
	return 0;
}

int top_model_move(struct top_model *model, struct json_object *answer)
{
	int r = top_items_read(model->items, answer);

	if (r >= 0)
		r = take_off(model, answer);
	if (r >= 0)
		return 0;
	/* A part may be subtracted already, so these counts are no base any more. */
	model->has_last = false;
	return r == -ERANGE ? 1 : r;
}

/* ---- the filter ---- */

void top_model_forget_filter(struct top_model *model)
{
	model->filtered = false;
	for (uint32_t i = 0; i < top_items_count(model->items); i++)
		top_items_get(model->items, i)->match = TOP_MATCH_UNKNOWN;
}

bool top_model_needs_filter(const struct top_model *model)
{
	for (uint32_t i = 0; i < top_items_count(model->items); i++)
		if (top_items_get(model->items, i)->match == TOP_MATCH_UNKNOWN)
			return true;
	return false;
}

int top_model_filter(struct top_model *model, struct json_object *answer)
{
	int r = top_items_read(model->items, answer);

	if (r < 0)
		return r;
	model->filtered = true;
	for (uint32_t i = 0; i < top_items_count(model->items); i++) {
		struct top_item *item = top_items_get(model->items, i);

		if (item->next.total)
			item->match = TOP_MATCH_YES;
		else if (item->match == TOP_MATCH_UNKNOWN)
			item->match = TOP_MATCH_NO;
	}
	return 0;
}

/* ---- what is shown of the last seconds: summed up and sorted ---- */

void top_sum_done(struct top_sum *sum)
{
	json_object_put(sum->lost);
	json_object_put(sum->stacks);
	free(sum->rows);
	*sum = (struct top_sum){0};
}

/* Returns how many of the newest ticks make up that time to half a second, since a tick is seldom
 * exactly a second long. */
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
	int r = counts_add(sum->lost, tick->lost);

	sum->seconds += tick->seconds;
	sum->samples += tick->samples;
	for (size_t i = 0; i < tick->n; i++) {
		struct top_row *row = &sum->rows[tick->parts[i].item];

		row->self += tick->parts[i].self;
		row->total += tick->parts[i].total;
	}
	return r < 0 ? r : counts_add(sum->stacks, tick->stacks);
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

	if (seconds == 0) {
		int r = add_tick(sum, &model->all);

		add_items(sum, model->items);
		return r;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = (model->newest + TOP_TICKS - i) % TOP_TICKS;
		int r = add_tick(sum, &model->ticks[at]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Keeps only the rows with hits that the filter does not hide. */
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

	assert(sort < N_TOP_SORTS);
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
