/* SPDX-License-Identifier: MIT */
#include "client/web/timeline.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/json.h"

#define SLOTS_MAX 400u

struct web_timeline {
	uint64_t *hits; /* by the number of the slot */
	size_t size;
};

struct timeline_slot {
	uint64_t start_usec;
	uint64_t end_usec;
	uint64_t observed_usec;
	uint64_t hits;
};

struct web_timeline *web_timeline_new(void)
{
	return calloc(1, sizeof(struct web_timeline));
}

struct web_timeline *web_timeline_free(struct web_timeline *timeline)
{
	if (timeline)
		free(timeline->hits);
	free(timeline);
	return NULL;
}

/* Returns how much of the session lies in the given time, in microseconds. */
static uint64_t measure(struct json_object *session, uint64_t since_usec, uint64_t until_usec,
			uint64_t now_usec)
{
	uint64_t from = tree_get_u64(session, "started");
	uint64_t to = tree_has(session, "ended") ? tree_get_u64(session, "ended") : now_usec;

	from = from > since_usec ? from : since_usec;
	to = to < until_usec ? to : until_usec;
	return from <= to ? to - from + 1 : 0;
}

uint64_t web_timeline_choose_step(struct json_object *sessions, uint64_t since_usec,
				  uint64_t until_usec, int64_t session, uint64_t now_usec)
{
	size_t n = sessions ? json_object_array_length(sessions) : 0;
	uint64_t usec = 0, windows;

	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(sessions, i);

		if (!session || tree_get_u64(row, "id") == (uint64_t)session)
			usec += measure(row, since_usec, until_usec, now_usec);
	}
	windows = (usec + OX_WINDOW_USEC - 1) / OX_WINDOW_USEC;
	return (windows + SLOTS_MAX - 1) / SLOTS_MAX * OX_WINDOW_USEC;
}

int web_timeline_add(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct web_timeline *timeline = userdata;
	int r = array_reserve(timeline->hits, timeline->size, (size_t)hit->slot + 1);

	if (r < 0)
		return r;
	timeline->hits[hit->slot] += hit->n;
	return 0;
}

static int compare_slots(const void *a, const void *b)
{
	const struct timeline_slot *one = a, *other = b;

	return (one->start_usec > other->start_usec) - (one->start_usec < other->start_usec);
}

/* Lists the slots with hits, by time. Returns their number. */
static size_t list_slots(const struct web_timeline *timeline, const struct profile *profile,
			 struct timeline_slot *ret)
{
	size_t n = 0;

	for (uint32_t i = 1; i <= profile_count_slots(profile) && i < timeline->size; i++) {
		const struct profile_slot *slot = profile_slot(profile, i);

		if (timeline->hits[i])
			ret[n++] = (struct timeline_slot){
				.start_usec = slot->start_usec,
				.end_usec = slot->end_usec,
				.observed_usec = slot->usec,
				.hits = timeline->hits[i],
			};
	}
	qsort(ret, n, sizeof(*ret), compare_slots);
	return n;
}

/* Joins neighbours where there are too many slots, since each session has at least one. Returns the
 * number that is left. */
static size_t merge_slots(struct timeline_slot *slots, size_t n)
{
	size_t each = (n + SLOTS_MAX - 1) / SLOTS_MAX;

	/* The slots are sorted by time. */
	assert(n < 2 || slots[0].start_usec <= slots[n - 1].start_usec);
	for (size_t i = 0; i < n; i++) {
		struct timeline_slot *to = &slots[i / each];

		if (i % each == 0) {
			*to = slots[i];
			continue;
		}
		to->end_usec = slots[i].end_usec;
		to->observed_usec += slots[i].observed_usec;
		to->hits += slots[i].hits;
	}
	return each ? (n + each - 1) / each : 0;
}

static void write_column(struct json *json, const char *key, const struct timeline_slot *slots,
			 size_t n, size_t offset)
{
	json_open(json, key, '[');
	for (size_t i = 0; i < n; i++)
		json_add_u64(json, NULL, *(const uint64_t *)((const char *)&slots[i] + offset));
	json_close(json, ']');
}

static int write_slots(struct json *json, const struct web_timeline *timeline,
		       const struct profile *profile)
{
	_cleanup_free_ struct timeline_slot *slots = calloc(timeline->size + 1, sizeof(*slots));
	size_t n;

	if (!slots)
		return -ENOMEM;
	n = profile ? merge_slots(slots, list_slots(timeline, profile, slots)) : 0;
	write_column(json, "start", slots, n, offsetof(struct timeline_slot, start_usec));
	write_column(json, "end", slots, n, offsetof(struct timeline_slot, end_usec));
	write_column(json, "observed_usec", slots, n,
		     offsetof(struct timeline_slot, observed_usec));
	write_column(json, "hits", slots, n, offsetof(struct timeline_slot, hits));
	return 0;
}

static void write_sessions(struct json *json, const struct profile_summary *summary)
{
	json_open(json, "sessions", '[');
	for (size_t i = 0; summary && i < summary->n_sessions; i++) {
		const struct profile_session *session = &summary->sessions[i];

		json_open(json, NULL, '{');
		json_add_u64(json, "id", (uint64_t)session->id);
		json_add_u64(json, "started", session->started_usec);
		if (session->ended_usec)
			json_add_u64(json, "ended", session->ended_usec);
		else
			json_add_null(json, "ended");
		json_close(json, '}');
	}
	json_close(json, ']');
}

int web_timeline_write(const struct web_timeline *timeline, const struct profile *profile,
		       FILE *out)
{
	const struct profile_summary *summary = profile ? profile_summary(profile) : NULL;
	struct json json = {out, 1};
	int r;

	json_open(&json, NULL, '{');
	json_add_u64(&json, "since", summary ? summary->since_usec : 0);
	json_add_u64(&json, "until", summary ? summary->until_usec : 0);
	json_add_u64(&json, "samples", summary ? summary->samples : 0);
	json_add_bool(&json, "restricted", summary && summary->restricted);
	r = write_slots(&json, timeline, profile);
	write_sessions(&json, summary);
	json_close(&json, '}');
	return r;
}
