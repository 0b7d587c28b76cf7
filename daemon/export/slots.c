/* SPDX-License-Identifier: MIT */
#include "daemon/export/slots.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"

/* A stretch of time, from `start` to below `end`. */
struct span {
	uint64_t start;
	uint64_t end;
};

struct export_slots {
	struct span range; /* whole windows */
	uint64_t now_usec;
	uint64_t slot_usec;
	struct export_session *sessions; /* the oldest one first */
	size_t n, sessions_size;
	struct span *spans; /* when any of them sampled in the range: apart, in order */
	size_t n_spans, spans_size;
	struct table *numbers; /* uint64_t: the slots that were found */
	uint64_t last_slot;   /* of the last number that was found, as rows come in order of time */
	uint32_t last_number; /* 0: none yet */
};

define_cleanup(struct export_slots *, export_slots_free);

struct export_slots *export_slots_free(struct export_slots *slots)
{
	if (!slots)
		return NULL;
	free(slots->sessions);
	free(slots->spans);
	table_free(slots->numbers);
	free(slots);
	return NULL;
}

static uint64_t at_least(uint64_t value, uint64_t least)
{
	return value > least ? value : least;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static struct span span_cut(struct span span, struct span by)
{
	return (struct span){at_least(span.start, by.start), at_most(span.end, by.end)};
}

static uint64_t span_usec(struct span span)
{
	return span.end > span.start ? span.end - span.start : 0;
}

/* Returns the windows that overlap the range, as the queries of the store count them. */
static struct span whole_windows(const struct store_range *range)
{
	uint64_t rest = range->until_usec % OX_WINDOW_USEC;
	uint64_t more = rest ? OX_WINDOW_USEC - rest : 0;

	return (struct span){
		range->since_usec - range->since_usec % OX_WINDOW_USEC,
		range->until_usec + at_most(more, UINT64_MAX - range->until_usec),
	};
}

/* ---- the sessions ---- */

static struct span session_span(const struct export_slots *slots,
				const struct export_session *session)
{
	return span_cut((struct span){session->started_usec, session->end_usec}, slots->range);
}

static int on_session(void *userdata, const struct store_session *row)
{
	struct export_slots *slots = userdata;
	struct export_session session = {
		.id = row->id,
		.started_usec = row->started_usec,
		.ended_usec = row->ended_usec,
		.interval_ns = row->interval_ns,
		.samples = row->samples,
		.end_usec = row->ended_usec ? row->ended_usec : slots->now_usec,
	};
	int r = array_reserve(slots->sessions, slots->sessions_size, slots->n + 1);

	if (r < 0)
		return r;
	session.observed_usec = span_usec(session_span(slots, &session));
	slots->sessions[slots->n++] = session;
	return 0;
}

static void slots_reverse(struct export_slots *slots)
{
	for (size_t i = 0; i < slots->n / 2; i++) {
		struct export_session session = slots->sessions[i];

		slots->sessions[i] = slots->sessions[slots->n - 1 - i];
		slots->sessions[slots->n - 1 - i] = session;
	}
}

/* Adds a span that begins no earlier than those that are there. */
static int slots_unite(struct export_slots *slots, struct span span)
{
	struct span *last = slots->n_spans ? &slots->spans[slots->n_spans - 1] : NULL;
	int r;

	if (!span_usec(span))
		return 0;
	assert(!last || span.start >= last->start);
	if (last && span.start <= last->end) {
		last->end = at_least(last->end, span.end);
		return 0;
	}
	r = array_reserve(slots->spans, slots->spans_size, slots->n_spans + 1);
	if (r < 0)
		return r;
	slots->spans[slots->n_spans++] = span;
	return 0;
}

int export_slots_new(struct store *store, const struct store_range *range, uint64_t windows,
		     uint64_t now_usec, struct export_slots **ret)
{
	_cleanup_(export_slots_free_p) struct export_slots *slots = calloc(1, sizeof(*slots));
	int r;

	assert(windows > 0);
	if (!slots)
		return -ENOMEM;
	slots->numbers = table_new();
	if (!slots->numbers)
		return -ENOMEM;
	slots->range = whole_windows(range);
	slots->now_usec = now_usec;
	slots->slot_usec =
		windows <= UINT64_MAX / OX_WINDOW_USEC ? windows * OX_WINDOW_USEC : UINT64_MAX;
	r = store_foreach_session(store, range, on_session, slots);
	if (r < 0)
		return r;
	slots_reverse(slots);
	for (size_t i = 0; i < slots->n; i++) {
		r = slots_unite(slots, session_span(slots, &slots->sessions[i]));
		if (r < 0)
			return r;
	}
	*ret = take_ptr(slots);
	return 0;
}

const struct export_session *export_slots_sessions(const struct export_slots *slots, size_t *ret_n)
{
	*ret_n = slots->n;
	return slots->sessions;
}

/* ---- the slots ---- */

/* Returns how much of a span was observed, and cuts it to the part in which that lies. */
static uint64_t slots_measure(const struct export_slots *slots, struct span *span)
{
	struct span whole = *span;
	size_t i = array_upper_bound(slots->spans, slots->n_spans, .start, whole.start);
	uint64_t usec = 0;

	for (i = i ? i - 1 : 0; i < slots->n_spans && slots->spans[i].start < whole.end; i++) {
		struct span part = span_cut(whole, slots->spans[i]);

		if (!span_usec(part))
			continue;
		if (!usec)
			span->start = part.start;
		span->end = part.end;
		usec += span_usec(part);
	}
	return usec;
}

uint64_t export_slots_observed_usec(const struct export_slots *slots)
{
	struct span range = slots->range;

	return slots_measure(slots, &range);
}

int export_slots_find(struct export_slots *slots, uint64_t slot, uint32_t *ret_number)
{
	uint32_t index;
	int r;

	if (!slots->last_number || slots->last_slot != slot) {
		r = table_intern(slots->numbers, &slot, sizeof(slot), &index);
		if (r < 0)
			return r;
		slots->last_slot = slot;
		slots->last_number = index + 1;
	}
	*ret_number = slots->last_number;
	return 0;
}

uint32_t export_slots_count(const struct export_slots *slots)
{
	return table_count(slots->numbers);
}

void export_slots_get(const struct export_slots *slots, uint32_t number, uint64_t *ret_start_usec,
		      uint64_t *ret_end_usec, uint64_t *ret_usec)
{
	const uint64_t *slot = table_get_key(slots->numbers, number - 1, NULL);
	struct span span;

	assert(number > 0 && number <= table_count(slots->numbers));
	span.start = *slot * slots->slot_usec;
	span.end = span.start + at_most(slots->slot_usec, UINT64_MAX - span.start);
	span = span_cut(span, slots->range);
	*ret_usec = slots_measure(slots, &span);
	if (!*ret_usec)
		*ret_usec = span_usec(span);
	*ret_start_usec = span.start;
	*ret_end_usec = span.end;
}
