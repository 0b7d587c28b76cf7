/* SPDX-License-Identifier: MIT */
/*
 * Sessions: which of them took a sample, what each of them counts, and when its row may end.
 * A session that has ended keeps its slot until the arenas that were written to before that have
 * been read: until then a sample with its bit may come.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/clock.h"
#include "daemon/recorder/internal.h"

/* ---- beginning and end ---- */

static int find_slot(const struct recorder *recorder, uint32_t owner)
{
	unsigned n = OX_SESSIONS_MAX - (owner ? OX_SLOTS_FOR_ROOT : 0);

	for (unsigned slot = 0; slot < n; slot++)
		if (!recorder->slots[slot])
			return (int)slot;
	return -EMFILE;
}

/* Adds the session in one transaction, which the caller rolls back on failure. */
static int add_row(struct recorder *recorder, const struct store_session *session, int64_t *ret_id)
{
	int r = store_begin(recorder->store);

	if (r < 0)
		return r;
	r = store_add_session(recorder->store, session, ret_id);
	return r < 0 ? r : store_commit(recorder->store);
}

int recorder_begin_session(struct recorder *recorder, const struct store_session *session,
			   struct recorder_session **ret)
{
	int slot = find_slot(recorder, session->owner);
	struct recorder_session *fresh = slot < 0 ? NULL : calloc(1, sizeof(*fresh));
	struct sampler_counters counters;
	int64_t id = 0;
	int r;

	assert(recorder->sampler);
	if (!fresh)
		return slot < 0 ? slot : -ENOMEM;
	r = add_row(recorder, session, &id);
	if (r < 0) {
		store_rollback(recorder->store);
		free(fresh);
		return r;
	}
	sampler_clear_slot(recorder->sampler, (unsigned)slot);
	sampler_read_counters(recorder->sampler, &counters);
	*fresh = (struct recorder_session){
		.slot = (unsigned)slot,
		.started_usec = session->started_usec,
		.began_ns = clock_boottime_ns(),
		.timed_ns = counters.timed_ns,
		.timed_n = counters.timed_n,
		.totals = {.session = id, .interval_ns = session->interval_ns},
	};
	recorder->slots[slot] = fresh;
	recorder->set_mask = 0;
	recorder->is_ksyms_old = true;
	*ret = fresh;
	return 0;
}

unsigned recorder_session_get_slot(const struct recorder_session *session)
{
	return session->slot;
}

static int write_targets(struct recorder *recorder, int64_t session, const char *targets)
{
	int r = store_begin(recorder->store);

	if (r < 0)
		return r;
	r = store_set_session_targets(recorder->store, session, targets);
	return r < 0 ? r : store_commit(recorder->store);
}

int recorder_session_set_targets(struct recorder *recorder, struct recorder_session *session,
				 const char *targets)
{
	int r = write_targets(recorder, session->totals.session, targets);

	if (r < 0)
		store_rollback(recorder->store);
	return r;
}

void recorder_end_session(struct recorder *recorder, struct recorder_session *session)
{
	assert(recorder->slots[session->slot] == session && !session->ended_ns);
	session->ended_ns = clock_boottime_ns();
	/* That which the kernel writes to, and that which waits for names. */
	session->n_arenas = recorder->is_held ? 2 : 1;
}

void recorder_release_session(struct recorder *recorder, struct recorder_session *session)
{
	if (!session)
		return;
	assert(session->ended_ns);
	session->is_released = true;
	if (recorder->slots[session->slot] != session)
		free(session);
}

void recorder_pass_arena(struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++) {
		struct recorder_session *session = recorder->slots[i];

		if (session && session->ended_ns && session->n_arenas)
			session->n_arenas--;
	}
}

bool recorder_has_open_arenas(const struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++)
		if (recorder->slots[i] && recorder->slots[i]->n_arenas)
			return true;
	return false;
}

static bool is_ending(const struct recorder_session *session)
{
	return session && session->ended_ns && !session->n_arenas;
}

bool recorder_has_endings(const struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++)
		if (is_ending(recorder->slots[i]))
			return true;
	return false;
}

int recorder_write_endings(struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++) {
		struct recorder_session *session = recorder->slots[i];
		uint64_t ran_usec;
		int r;

		if (!is_ending(session))
			continue;
		/* The time that the session lasted is right, also where the clock was set
		 * meanwhile. */
		ran_usec = (session->ended_ns - session->began_ns) / 1000;
		r = store_end_session(recorder->store, session->totals.session,
				      session->started_usec + ran_usec);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

void recorder_free_slots(struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++) {
		struct recorder_session *session = recorder->slots[i];

		if (!is_ending(session))
			continue;
		recorder->slots[i] = NULL;
		recorder->set_mask = 0;
		if (session->is_released)
			free(session);
	}
}

/* ---- counting ---- */

/* Adds the growth of the counters of one session since they were last read. */
static void read_pace(struct recorder *recorder, struct recorder_session *session)
{
	struct recorder_totals *totals = &session->totals;
	struct sampler_pace now, *seen = &session->seen;

	sampler_read_pace(recorder->sampler, session->slot, &now);
	totals->gap_n += now.gap_n - seen->gap_n;
	totals->gap_sum_ns += now.gap_sum_ns - seen->gap_sum_ns;
	totals->gap_squares_ns += now.gap_squares_ns - seen->gap_squares_ns;
	for (unsigned i = 0; i < OX_N_KERNEL_LOSSES; i++)
		session->lost[i] += now.lost[i] - seen->lost[i];
	*seen = now;
}

void recorder_read_counters(struct recorder *recorder)
{
	struct sampler_counters counters;

	sampler_read_counters(recorder->sampler, &counters);
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++) {
		struct recorder_session *session = recorder->slots[i];

		if (!session)
			continue;
		read_pace(recorder, session);
		session->totals.timed_ns = counters.timed_ns - session->timed_ns;
		session->totals.timed_n = counters.timed_n - session->timed_n;
	}
}

void recorder_count_loss(struct recorder *recorder, const struct sampler_sample *sample,
			 enum ox_loss loss)
{
	foreach_session (recorder, sample, session)
		session->lost[loss] += sample->count;
}

void recorder_count_common_loss(struct recorder *recorder, enum ox_loss loss, uint64_t n)
{
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++)
		if (recorder->slots[i] && !recorder->slots[i]->ended_ns)
			recorder->slots[i]->lost[loss] += n;
}

/* Returns the number of the target of one session; 0: not known. The sample names a target that
 * matched, which may be one of a session that did not take it. */
static uint32_t find_target(const struct recorder *recorder, const struct sampler_sample *sample,
			    unsigned slot, const char *cgroup)
{
	return recorder->find_target
		       ? recorder->find_target(recorder->target_userdata, slot, sample->id, cgroup)
		       : sample->id->target;
}

int recorder_count_sample(struct recorder *recorder, const struct sampler_sample *sample,
			  const char *cgroup)
{
	foreach_session (recorder, sample, session) {
		uint32_t target = find_target(recorder, sample, session->slot, cgroup);
		int r = array_reserve(recorder->shares, recorder->shares_size, (size_t)target + 1);

		session->totals.samples += sample->count;
		if (r < 0)
			return r;
		recorder->shares[target].samples += sample->count;
	}
	return 0;
}

void recorder_count_end(struct recorder *recorder, const struct sampler_sample *sample,
			enum ox_stop end, const char *cgroup)
{
	assert(end < OX_N_STOPS);
	foreach_session (recorder, sample, session) {
		uint32_t target = find_target(recorder, sample, session->slot, cgroup);

		session->totals.stops[end] += sample->count;
		if (target < recorder->shares_size)
			recorder->shares[target].stops[end] += sample->count;
	}
}

void recorder_get_share(const struct recorder *recorder, uint32_t target,
			struct recorder_share *ret)
{
	*ret = target < recorder->shares_size ? recorder->shares[target]
					      : (struct recorder_share){};
}

void recorder_clear_share(struct recorder *recorder, uint32_t target)
{
	if (target < recorder->shares_size)
		recorder->shares[target] = (struct recorder_share){};
}

void recorder_on_target(struct recorder *recorder, recorder_target_fn fn, void *userdata)
{
	recorder->find_target = fn;
	recorder->target_userdata = userdata;
}

void recorder_session_get_totals(const struct recorder *recorder,
				 const struct recorder_session *session,
				 struct recorder_totals *ret)
{
	uint64_t ended_ns = session->ended_ns ?: clock_boottime_ns();

	*ret = session->totals;
	ret->running_usec = (ended_ns - session->began_ns) / 1000;
	for (unsigned i = 0; i < OX_N_LOSSES; i++)
		ret->lost[i] += session->lost[i];
}

/* ---- sets ---- */

static int compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int recorder_find_set(struct recorder *recorder, const struct sampler_sample *sample,
		      uint32_t *ret_index)
{
	int64_t ids[OX_SESSIONS_MAX];
	size_t n = 0;
	int r;

	*ret_index = recorder->set_index;
	if (recorder->set_mask == sample->id->sessions && recorder->set_mask)
		return 0;
	foreach_session (recorder, sample, session)
		ids[n++] = session->totals.session;
	/* The kernel side takes samples for sessions alone that have a slot. */
	if (!n)
		return -ESTALE;
	qsort(ids, n, sizeof(ids[0]), compare_ids);
	r = rows_intern(&recorder->sets, ids, n * sizeof(ids[0]), ret_index);
	if (r < 0)
		return r;
	recorder->set_mask = sample->id->sessions;
	recorder->set_index = *ret_index;
	return 0;
}
