/* SPDX-License-Identifier: MIT */
/*
 * Invariants:
 * 1. Every sample that the kernel counted is in an arena, in `pending`, in the database, or in a
 *    loss.
 * 2. A pending row before n_written has a count only for what came after it was written; a write
 * that failed changed nothing on disk.
 * 3. The side band is read after the arenas were swapped, so that it has all mappings that the
 *    samples need.
 * 4. Indexes of sets, frames, nodes, tasks and processes live until all of them are forgotten
 * together, which happens only while nothing is pending and no arena is held.
 */
#include "daemon/recorder/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/sampler/events.h"

#define SETTLE_USEC UINT64_C(100000)

int rows_intern(struct rows *rows, const void *key, size_t length, uint32_t *ret_index)
{
	int r = table_intern(rows->table, key, length, ret_index);

	if (r < 0)
		return r;
	/* Where memory ran out the first time, an old key has no room yet either. */
	if (array_reserve(rows->ids, rows->size, *ret_index + 1) < 0)
		return -ENOMEM;
	return r;
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

static void warn_of_table(void *userdata, const char *path, int error)
{
	struct recorder *recorder = userdata;
	char text[512];

	snprintf(text, sizeof(text),
		 "cannot read the unwinding table of %s: %s; its frames are followed by frame "
		 "pointers",
		 path, error == -EBADMSG ? "the file is damaged" : strerror(-error));
	recorder->warn(recorder->userdata, text);
}

static int open_symbolizers(struct recorder *recorder, const char *program, const char *deputy)
{
	int r = symbolizer_new(program, &recorder->table_symbolizer);

	if (r < 0)
		return r;
	r = symbolizer_new(program, &recorder->name_symbolizer);
	return r < 0 ? r : inspector_new(program, deputy, &recorder->inspector);
}

struct recorder *recorder_new(struct store *store, const char *proc, const char *program,
			      const char *deputy, recorder_warn_fn warn, void *userdata)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	assert(store && warn);
	if (!recorder)
		return NULL;
	recorder->store = store;
	recorder->booted_usec = clock_realtime_usec() - clock_boottime_ns() / 1000;
	recorder->grid_usec = recorder->booted_usec;
	recorder->warn = warn;
	recorder->userdata = userdata;
	recorder->proc = strdup(proc);
	recorder->images = images_new(proc);
	if (open_symbolizers(recorder, program, deputy) < 0)
		return recorder_free(recorder);
	recorder->files = files_new(proc, recorder->inspector);
	if (!recorder->files)
		return recorder_free(recorder);
	recorder->interpreters = interpreters_new(recorder->files);
	if (!recorder->interpreters)
		return recorder_free(recorder);
	recorder->unwinder = unwinder_new(recorder->files, recorder->interpreters,
					  recorder->table_symbolizer, warn_of_table, recorder);
	recorder->resolver =
		resolver_new(proc, recorder->files, recorder->inspector, recorder->name_symbolizer,
			     recorder->warn, recorder->userdata);
	recorder->sets.table = table_new();
	recorder->processes.table = table_new();
	recorder->tasks.table = table_new();
	recorder->nodes.table = table_new();
	recorder->pending = table_new();
	recorder->budget = budget_new();
	if (!recorder->proc || !recorder->images || !recorder->resolver || !recorder->unwinder ||
	    !recorder->sets.table || !recorder->processes.table || !recorder->tasks.table ||
	    !recorder->nodes.table || !recorder->pending || !recorder->budget)
		return recorder_free(recorder);
	return recorder;
}

void recorder_forget(struct recorder *recorder)
{
	struct rows *all[] = {&recorder->sets, &recorder->processes, &recorder->tasks,
			      &recorder->frames, &recorder->nodes};

	assert(!recorder->is_held && !table_count(recorder->pending));
	for (size_t i = 0; i < recorder->known_size; i++)
		known_done(&recorder->known[i]);
	for (size_t i = 0; i < array_length(all); i++) {
		if (all[i]->table)
			table_clear(all[i]->table);
		free(take_ptr(all[i]->ids));
		all[i]->size = 0;
	}
	recorder->set_mask = 0;
	free(take_ptr(recorder->paid));
	recorder->paid_size = 0;
	free(take_ptr(recorder->known));
	recorder->known_size = recorder->known_bytes = 0;
	resolver_clear(recorder->resolver);
	if (files_count(recorder->files) > FILES_MAX) {
		unwinder_clear(recorder->unwinder);
		interpreters_clear(recorder->interpreters);
		files_clear(recorder->files);
	}
	if (recorder->sampler)
		sampler_forget_definitions(recorder->sampler);
	recorder->is_to_expire = true;
	recorder->is_to_forget = false;
}

struct recorder *recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return NULL;
	if (recorder->processes.table)
		for (size_t i = 0; i < recorder->known_size; i++)
			known_done(&recorder->known[i]);
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++)
		free(recorder->slots[i]);
	rows_done(&recorder->sets);
	rows_done(&recorder->processes);
	rows_done(&recorder->tasks);
	rows_done(&recorder->frames);
	rows_done(&recorder->nodes);
	table_free(recorder->pending);
	/* The symbolizers go first: they call back the unwinder and the resolver a last time. */
	symbolizer_free(recorder->table_symbolizer);
	symbolizer_free(recorder->name_symbolizer);
	unwinder_free(recorder->unwinder);
	resolver_free(recorder->resolver);
	interpreters_free(recorder->interpreters);
	files_free(recorder->files);
	inspector_free(recorder->inspector);
	images_free(recorder->images);
	budget_free(recorder->budget);
	free(recorder->paid);
	free(recorder->shares);
	free(recorder->events);
	ksyms_free(recorder->ksyms);
	free(recorder->known);
	free(recorder->counts);
	free(recorder->proc);
	free(recorder);
	return NULL;
}

int recorder_fd(const struct recorder *recorder, unsigned n)
{
	assert(n < RECORDER_FDS);
	switch (n) {
	case 0:
		return symbolizer_fd(recorder->table_symbolizer);
	case 1:
		return symbolizer_fd(recorder->name_symbolizer);
	default:
		return inspector_fd(recorder->inspector);
	}
}

void recorder_dispatch(struct recorder *recorder)
{
	symbolizer_dispatch(recorder->table_symbolizer);
	symbolizer_dispatch(recorder->name_symbolizer);
	inspector_dispatch(recorder->inspector);
}

struct inspector *recorder_inspector(const struct recorder *recorder)
{
	return recorder->inspector;
}

void recorder_begin(struct recorder *recorder, struct sampler *sampler, struct sideband *sideband)
{
	assert(sampler && sideband);
	if (recorder->sampler != sampler) {
		unwinder_attach(recorder->unwinder, sampler);
		resolver_forget_python(recorder->resolver);
	}
	recorder->sampler = sampler;
	recorder->sideband = sideband;
	inspector_prepare(recorder->inspector);
	recorder->is_held = false;
	images_clear(recorder->images);
	interpreters_clear(recorder->interpreters);
}

void recorder_follow_all(struct recorder *recorder, bool all)
{
	images_follow_all(recorder->images, all);
}

void recorder_expect(struct recorder *recorder, uint32_t pid)
{
	uint64_t now_ns = clock_monotonic_ns();
	const struct image *image = images_find(recorder->images, pid, now_ns);

	if (image)
		unwinder_expect(recorder->unwinder, image, now_ns);
}

void recorder_wait_names(struct recorder *recorder)
{
	(void)symbolizer_wait(recorder->table_symbolizer, SETTLE_USEC);
}

void recorder_unload(struct recorder *recorder)
{
	unwinder_attach(recorder->unwinder, NULL);
	recorder->sampler = NULL;
	recorder->sideband = NULL;
}

void recorder_forget_names(struct recorder *recorder)
{
	recorder->is_to_forget = true;
	if (!recorder->is_held && !table_count(recorder->pending))
		recorder_forget(recorder);
}

void recorder_get_tables(const struct recorder *recorder, struct unwinder_state *ret)
{
	unwinder_get_state(recorder->unwinder, ret);
}
