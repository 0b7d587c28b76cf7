/* SPDX-License-Identifier: MIT */
#include "daemon/export/slots.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

struct export_slots {
	const struct store_range *range; /* NULL after the sessions were read */
	uint64_t now_usec;
	uint64_t windows;
	uint32_t count;
	struct export_session *sessions;
	size_t n;
	size_t size;
	size_t at; /* the session that was found last, since rows come session by session */
};

define_cleanup(struct export_slots *, export_slots_free);

struct export_slots *export_slots_free(struct export_slots *slots)
{
	if (slots)
		free(slots->sessions);
	free(slots);
	return NULL;
}

static uint64_t window_usec(const struct export_session *session, uint64_t window)
{
	return session->started_usec + window * OX_WINDOW_USEC;
}

/* Finds the windows that overlap the range, as the queries of the store count them, up to the end
 * of the session. */
static void session_measure(struct export_session *session, const struct store_range *range)
{
	uint64_t since = range->since_usec, until = range->until_usec, end;

	until = until < session->end_usec ? until : session->end_usec;
	if (since > session->started_usec)
		session->first = (since - session->started_usec) / OX_WINDOW_USEC;
	if (until > session->started_usec)
		session->last =
			(until - session->started_usec + OX_WINDOW_USEC - 1) / OX_WINDOW_USEC;
	if (session->last <= session->first)
		session->last = session->first + 1;
	end = window_usec(session, session->last);
	end = end < session->end_usec ? end : session->end_usec;
	if (end > window_usec(session, session->first))
		session->observed_usec = end - window_usec(session, session->first);
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
	int r = array_reserve(slots->sessions, slots->size, slots->n + 1);

	if (r < 0)
		return r;
	session_measure(&session, slots->range);
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

static int slots_number(struct export_slots *slots)
{
	uint64_t n = 0;

	for (size_t i = 0; i < slots->n; i++) {
		struct export_session *session = &slots->sessions[i];

		session->base = n;
		n += (session->last - 1) / slots->windows - session->first / slots->windows + 1;
		if (n > UINT32_MAX)
			return -EOVERFLOW;
	}
	slots->count = (uint32_t)n;
	return 0;
}

int export_slots_new(struct store *store, const struct store_range *range, uint32_t only_uid,
		     uint64_t windows, uint64_t now_usec, struct export_slots **ret)
{
	_cleanup_(export_slots_free_p) struct export_slots *slots = calloc(1, sizeof(*slots));
	int r;

	assert(windows > 0);
	if (!slots)
		return -ENOMEM;
	slots->range = range;
	slots->now_usec = now_usec;
	slots->windows = windows;
	r = store_foreach_session(store, range, only_uid, on_session, slots);
	if (r < 0)
		return r;
	slots->range = NULL;
	slots_reverse(slots);
	r = slots_number(slots);
	if (r < 0)
		return r;
	*ret = take_ptr(slots);
	return 0;
}

const struct export_session *export_slots_sessions(const struct export_slots *slots, size_t *ret_n)
{
	*ret_n = slots->n;
	return slots->sessions;
}

uint32_t export_slots_count(const struct export_slots *slots)
{
	return slots->count;
}

uint32_t export_slots_find(struct export_slots *slots, int64_t id, uint64_t slot)
{
	for (size_t i = 0; i < slots->n; i++, slots->at++) {
		const struct export_session *session;
		uint64_t first, last;

		if (slots->at >= slots->n)
			slots->at = 0;
		session = &slots->sessions[slots->at];
		if (session->id != id)
			continue;
		/* If the clock was set while the session ran, a slot may lie outside: it counts as
		 * the first or last one. */
		first = session->first / slots->windows;
		last = (session->last - 1) / slots->windows;
		slot = slot < first ? first : slot > last ? last : slot;
		return (uint32_t)(session->base + slot - first + 1);
	}
	return 0;
}

static const struct export_session *find_session(const struct export_slots *slots, uint32_t number)
{
	size_t n;

	assert(number > 0 && number <= slots->count);
	/* The first slot of a session has the number base + 1. */
	n = array_upper_bound(slots->sessions, slots->n, .base, number - 1);
	return &slots->sessions[n ? n - 1 : 0];
}

void export_slots_get(const struct export_slots *slots, uint32_t number, uint64_t *ret_start_usec,
		      uint64_t *ret_usec)
{
	const struct export_session *session = find_session(slots, number);
	uint64_t slot = session->first / slots->windows + number - session->base - 1;
	uint64_t first = slot * slots->windows, last = first + slots->windows, start, end;

	start = window_usec(session, first < session->first ? session->first : first);
	end = window_usec(session, last > session->last ? session->last : last);
	end = end < session->end_usec ? end : session->end_usec;
	*ret_start_usec = start;
	*ret_usec = end > start ? end - start : 0;
}
