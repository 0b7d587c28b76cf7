/* SPDX-License-Identifier: MIT */
#include "client/top/model.h"

#include <errno.h>
#include <string.h>

#include "client/top/counts.h"
#include "client/top/items.h"
#include "client/top/model_internal.h"

define_cleanup(struct top_model *, top_model_free);

void top_tick_done(struct top_tick *tick)
{
	json_object_put(tick->lost);
	json_object_put(tick->stacks);
	free(tick->parts);
	*tick = (struct top_tick){0};
}

static void model_done(struct top_model *model)
{
	for (size_t i = 0; i < TOP_TICKS; i++)
		top_tick_done(&model->ticks[i]);
	top_tick_done(&model->last);
	top_tick_done(&model->all);
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

/* What the answer has more than the one before. -ERANGE: it has less of something. */
static int tick_subtract(struct top_tick *tick, struct json_object *answer,
			 const struct top_tick *before)
{
	uint64_t samples = tree_get_u64(answer, "samples");
	int r;

	if (samples < before->samples)
		return -ERANGE;
	tick->samples = samples - before->samples;
	r = top_counts_subtract(tree_get_object(answer, "lost"), before->lost, &tick->lost);
	return r < 0 ? r
		     : top_counts_subtract(tree_get_object(answer, "stacks"), before->stacks,
					   &tick->stacks);
}

/* The same of the items. -ERANGE likewise. */
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
	top_tick_done(&model->last);
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
	int r = top_counts_add(model->all.lost, tick->lost);

	r = r < 0 ? r : top_counts_add(model->all.stacks, tick->stacks);
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

/* Takes what is in the tick. */
static void keep_tick(struct top_model *model, struct top_tick *tick)
{
	struct top_part *fitting = realloc(tick->parts, (tick->n + 1) * sizeof(*fitting));

	if (fitting)
		tick->parts = fitting;
	model->newest = (model->newest + 1) % TOP_TICKS;
	top_tick_done(&model->ticks[model->newest]);
	model->ticks[model->newest] = *tick;
	*tick = (struct top_tick){0};
}

static int start_over(struct top_model *model, struct json_object *answer)
{
	int r;

	model_done(model);
	r = model_init(model);
	r = r < 0 ? r : top_items_read(model->items, answer);
	if (r >= 0)
		remember(model, answer);
	return r < 0 ? r : 1;
}

int top_model_add(struct top_model *model, struct json_object *answer, double seconds)
{
	_cleanup_(top_tick_done) struct top_tick tick = {.seconds = seconds};
	int r = top_items_read(model->items, answer);

	if (r < 0)
		return r;
	if (top_items_count_names(model->items) > TOP_NAMES_MAX)
		return start_over(model, answer);
	if (!model->has_last) {
		bool began = model->began;

		remember(model, answer);
		return began;
	}
	r = tick_subtract(&tick, answer, &model->last);
	r = r < 0 ? r : tick_add_parts(&tick, model->items);
	r = r < 0 ? r : sum_up(model, &tick);
	if (r == -ERANGE) {
		remember(model, answer);
		return 1;
	}
	if (r < 0)
		return r;
	keep_tick(model, &tick);
	remember(model, answer);
	return 0;
}

/* The answer is a part of the last one; what is left of that is the last one from now on. */
static int take_off(struct top_model *model, struct json_object *answer)
{
	struct top_tick *last = &model->last;
	_cleanup_tree_ struct json_object *lost = NULL, *stacks = NULL;
	uint64_t samples = tree_get_u64(answer, "samples");
	int r = samples > last->samples ? -ERANGE : 0;

	r = r < 0 ? r : top_counts_subtract(last->lost, tree_get_object(answer, "lost"), &lost);
	r = r < 0 ? r
		  : top_counts_subtract(last->stacks, tree_get_object(answer, "stacks"), &stacks);
	for (uint32_t i = 0; r >= 0 && i < top_items_count(model->items); i++) {
		struct top_item *item = top_items_get(model->items, i);

		if (counter_is_below(item->last, item->next))
			return -ERANGE;
		item->last.self -= item->next.self;
		item->last.total -= item->next.total;
	}
	if (r < 0)
		return r;
	samples = last->samples - samples;
	top_tick_done(last);
	*last = (struct top_tick){
		.samples = samples, .lost = take_ptr(lost), .stacks = take_ptr(stacks)};
	return 0;
}

int top_model_move(struct top_model *model, struct json_object *answer)
{
	int r = top_items_read(model->items, answer);

	r = r < 0 ? r : take_off(model, answer);
	if (r >= 0)
		return 0;
	/* Some may be taken off already. */
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
