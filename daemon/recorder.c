/* SPDX-License-Identifier: MIT */
/*
 * Invariants:
 * 1. Every sample that the kernel counted is in `pending`, in the database, or in a loss.
 * 2. pending is empty after a write that succeeded; a write that failed changed nothing on disk.
 * 3. The side band is read after the arenas were swapped: what a sample may need is known then.
 * 4. Indexes of frames, nodes, tasks and processes live until all of them are forgotten together,
 *    which happens only while nothing is pending.
 */
#include "daemon/recorder_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/api.h"
#include "daemon/array.h"
#include "daemon/cleanup.h"
#include "daemon/clock.h"
#include "daemon/parse.h"
#include "daemon/process.h"

/* How long an ended process is remembered: its last samples may be in the next drain. */
#define FORGET_NS UINT64_C(3000000000)

int rows_intern(struct rows *rows, const void *key, size_t length, uint32_t *ret_index)
{
	int r = table_intern(rows->table, key, length, ret_index);

	if (r <= 0)
		return r;
	r = array_fit(rows->ids, rows->size, table_count(rows->table));
	return r < 0 ? r : 1;
}

static void rows_done(struct rows *rows)
{
	table_free(rows->table);
	free(rows->ids);
}

void known_done(struct known_process *known)
{
	free(known->comm);
	free(known->exe);
	free(known->cmdline);
	free(known->unit);
	free(known->cgroup);
	*known = (struct known_process){0};
}

struct recorder *recorder_new(struct store *store, const char *proc)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		return NULL;
	recorder->store = store;
	recorder->proc = strdup(proc);
	recorder->images = images_new(proc);
	recorder->resolver = resolver_new(proc);
	recorder->processes.table = table_new();
	recorder->tasks.table = table_new();
	recorder->nodes.table = table_new();
	recorder->pending = table_new();
	if (!recorder->proc || !recorder->images || !recorder->resolver ||
	    !recorder->processes.table || !recorder->tasks.table || !recorder->nodes.table ||
	    !recorder->pending)
		return recorder_free(recorder);
	return recorder;
}

/* Everything that can be read again: names, tables of indexes, rows. Nothing is pending. */
static void forget(struct recorder *recorder)
{
	struct rows *all[] = {&recorder->processes, &recorder->tasks, &recorder->frames,
			      &recorder->nodes};

	for (size_t i = 0; i < recorder->known_size; i++)
		known_done(&recorder->known[i]);
	for (size_t i = 0; i < array_length(all); i++) {
		if (all[i]->table)
			table_clear(all[i]->table);
		free(take_ptr(all[i]->ids));
		all[i]->size = 0;
	}
	resolver_clear(recorder->resolver);
}

struct recorder *recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return NULL;
	if (recorder->processes.table)
		for (size_t i = 0; i < recorder->known_size; i++)
			known_done(&recorder->known[i]);
	rows_done(&recorder->processes);
	rows_done(&recorder->tasks);
	rows_done(&recorder->frames);
	rows_done(&recorder->nodes);
	table_free(recorder->pending);
	images_free(recorder->images);
	resolver_free(recorder->resolver);
	ksyms_free(recorder->ksyms);
	free(recorder->known);
	free(recorder->counts);
	free(recorder->proc);
	free(recorder);
	return NULL;
}

static int take_event(void *userdata, const struct sideband_event *event)
{
	struct recorder *recorder = userdata;

	return images_apply(recorder->images, event);
}

int recorder_drain_sideband(struct recorder *recorder)
{
	return sideband_drain(recorder->sideband, take_event, recorder,
			      &recorder->lost[OX_LOST_MAPPINGS]);
}

/* What the counters grew by since we last looked. */
static void take_counters(struct recorder *recorder)
{
	struct recorder_totals *totals = &recorder->totals;
	struct sampler_counters now, *seen = &recorder->seen;

	sampler_read_counters(recorder->sampler, &now);
	totals->samples += now.samples - seen->samples;
	totals->timed_ns += now.timed_ns - seen->timed_ns;
	totals->timed_n += now.timed_n - seen->timed_n;
	totals->gap_n += now.gap_n - seen->gap_n;
	totals->gap_sum_ns += now.gap_sum_ns - seen->gap_sum_ns;
	totals->gap_squares_ns += now.gap_squares_ns - seen->gap_squares_ns;
	for (unsigned i = 0; i < OX_N_KERNEL_LOSSES; i++)
		recorder->lost[i] += now.lost[i] - seen->lost[i];
	*seen = now;
}

int recorder_drain(struct recorder *recorder, uint64_t now_usec)
{
	int full, r;

	sampler_swap(recorder->sampler);
	r = recorder_drain_sideband(recorder);
	/* A drain just at a border belongs to the window that ends there. */
	if (now_usec > recorder->started_usec)
		recorder->window = (now_usec - recorder->started_usec - 1) / OX_WINDOW_USEC;
	full = sampler_drain(recorder->sampler, recorder_take, recorder);
	take_counters(recorder);
	images_sweep(recorder->images, clock_monotonic_ns() - FORGET_NS);
	r = r < 0 ? r : full;
	if (r >= 0) {
		int written = recorder_write(recorder);

		r = written < 0 ? written : full;
	}
	if (!table_count(recorder->pending) &&
	    table_bytes(recorder->nodes.table) + resolver_bytes(recorder->resolver) >
		    RECORDER_BYTES_MAX)
		forget(recorder);
	return r;
}

static int read_ksyms(void *userdata, const char *text, size_t length)
{
	return ksyms_parse(userdata, text, length);
}

/* Modules come and go, so the names are read anew in each session; since that costs as much as
 * minutes of sampling, not before there is a kernel stack to name. Without them kernel frames are
 * "[unknown]"; the samples are good all the same. */
void recorder_refresh_ksyms(struct recorder *recorder)
{
	struct ksyms *ksyms;

	if (recorder->ksyms_session == recorder->totals.session)
		return;
	recorder->ksyms_session = recorder->totals.session;
	ksyms = ksyms_new();
	if (!ksyms || sampler_read_ksyms(recorder->sampler, read_ksyms, ksyms) < 0) {
		ksyms_free(ksyms);
		return;
	}
	ksyms_sort(ksyms);
	ksyms_free(recorder->ksyms);
	recorder->ksyms = ksyms;
	resolver_forget_kernel(recorder->resolver);
}

static int begin_session(struct recorder *recorder, const struct store_session *session)
{
	int64_t id = 0;
	int r = store_begin(recorder->store);

	r = r < 0 ? r : store_add_session(recorder->store, session, &id);
	r = r < 0 ? r : store_commit(recorder->store);
	if (r < 0) {
		store_rollback(recorder->store);
		return r;
	}
	recorder->totals =
		(struct recorder_totals){.session = id, .interval_ns = session->interval_ns};
	recorder->started_usec = session->started_usec;
	recorder->window = 0;
	return 0;
}

int recorder_begin(struct recorder *recorder, struct sampler *sampler, struct sideband *sideband,
		   const struct store_session *session, bool follow_all)
{
	int r;

	recorder->sampler = sampler;
	recorder->sideband = sideband;
	r = begin_session(recorder, session);
	if (r < 0)
		return r;
	sampler_read_counters(sampler, &recorder->seen);
	images_clear(recorder->images);
	images_follow_all(recorder->images, follow_all);
	return 0;
}

void recorder_expect(struct recorder *recorder, uint32_t pid)
{
	(void)images_find(recorder->images, pid, clock_monotonic_ns());
}

int recorder_end(struct recorder *recorder, uint64_t now_usec)
{
	int r = recorder_drain(recorder, now_usec), ended;

	ended = store_begin(recorder->store);
	ended = ended < 0 ? ended
			  : store_end_session(recorder->store, recorder->totals.session, now_usec);
	ended = ended < 0 ? ended : store_commit(recorder->store);
	if (ended < 0)
		store_rollback(recorder->store);
	images_clear(recorder->images);
	return r < 0 ? r : ended < 0 ? ended : 0;
}

void recorder_get_totals(const struct recorder *recorder, struct recorder_totals *ret)
{
	*ret = recorder->totals;
	for (unsigned i = 0; i < OX_N_LOSSES; i++)
		ret->lost[i] += recorder->lost[i];
}
