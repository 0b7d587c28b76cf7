/* SPDX-License-Identifier: MIT */
/* Drains an arena once a second: swaps it away, names its samples, makes rows and writes them. */
#include <assert.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/clock.h"
#include "daemon/recorder/internal.h"
#include "daemon/sampler/events.h"

/* An ended process is kept for so long: its last samples may be in the next drain. */
#define FORGET_NS UINT64_C(3000000000)
/* Samples wait for their names at most so long, and until the other arena is so full (percent). */
#define HOLD_NS   UINT64_C(5000000000)
#define HOLD_FILL 40
/* The event loop waits so long for names that may come at once. */
#define PAUSE_USEC UINT64_C(10000)
/* The kernel's names are read no more often than this. */
#define KSYMS_NS UINT64_C(60000000000)
/* One transaction goes on for no longer than this: the loop has others to serve. What is new in a
 * first second may take much longer than that second. */
#define WRITE_NS UINT64_C(100000000)
/* A drain returns this where rows are left: the next one has to come soon. */
#define BEHIND_FILL 51
/* The clock was set where it is so far from what it was; it is corrected by less all the time. */
#define JUMP_USEC UINT64_C(1000000)

static void take_part(void *userdata, const struct ox_fragment *part, size_t size)
{
	struct recorder *recorder = userdata;

	(void)resolver_add_part(recorder->resolver, part, size);
}

void recorder_read_definitions(struct recorder *recorder)
{
	sampler_read_definitions(recorder->sampler, take_part, recorder);
}

struct update {
	struct recorder *recorder;
	uint64_t as_of_ns;
};

static void update_changed(void *userdata, uint32_t pid)
{
	struct update *update = userdata;
	const struct image *image = images_find(update->recorder->images, pid, update->as_of_ns);

	if (!image)
		/* Its end was told before its beginning was handled. */
		unwinder_forget(update->recorder->unwinder, pid);
	else if (!unwinder_is_current(update->recorder->unwinder, image))
		(void)unwinder_update(update->recorder->unwinder, image, update->as_of_ns);
}

/* Gives the kernel side the ranges of processes that have mapped more without an event. */
static void update_processes(struct recorder *recorder, uint64_t as_of_ns)
{
	struct update update = {recorder, as_of_ns};

	unwinder_foreach(recorder->unwinder, update_changed, &update);
	unwinder_retry(recorder->unwinder);
	symbolizer_check(recorder->table_symbolizer);
	symbolizer_check(recorder->name_symbolizer);
}

struct ksyms_reading {
	struct recorder *recorder;
	struct ksyms *ksyms;
};

/* Parses a piece of the text. All of it takes a tenth of a second, and new processes must not wait
 * so long for their tables: so their events are read in between. */
static int read_ksyms(void *userdata, const char *text, size_t length)
{
	struct ksyms_reading *reading = userdata;

	recorder_read_events(reading->recorder);
	return ksyms_parse(reading->ksyms, text, length);
}

/* Reads the kernel's names again when a session has begun, since modules come and go; but not
 * before there is a kernel stack to name, and not again at once, since reading costs as much as
 * minutes of sampling. Without the names kernel frames are "[unknown]", and the samples still
 * count. */
static void refresh_ksyms(struct recorder *recorder)
{
	struct ksyms_reading reading = {recorder, NULL};

	if (recorder->ksyms &&
	    (!recorder->is_ksyms_old || clock_monotonic_ns() - recorder->ksyms_ns < KSYMS_NS))
		return;
	recorder->ksyms_ns = clock_monotonic_ns();
	recorder->is_ksyms_old = false;
	reading.ksyms = ksyms_new();
	if (!reading.ksyms || sampler_read_ksyms(recorder->sampler, read_ksyms, &reading) < 0) {
		ksyms_free(reading.ksyms);
		return;
	}
	ksyms_sort(reading.ksyms);
	ksyms_free(recorder->ksyms);
	recorder->ksyms = reading.ksyms;
	resolver_forget_kernel(recorder->resolver);
}

/* Finds the window that is over or runs now, on the grid of all sessions. A drain just at a border
 * belongs to the window that ends there. */
static void find_window(struct recorder *recorder)
{
	uint64_t since_boot_usec = clock_boottime_ns() / 1000, now_usec = clock_realtime_usec();
	uint64_t expected_usec = recorder->grid_usec + since_boot_usec;

	if (now_usec > expected_usec + JUMP_USEC || expected_usec > now_usec + JUMP_USEC)
		recorder->grid_usec = now_usec - since_boot_usec;
	recorder->window = (uint32_t)((recorder->grid_usec + since_boot_usec - 1) / OX_WINDOW_USEC);
}

/* Swaps the arenas and announces all addresses that were sampled: the symbolizer is another process
 * and is asked for all of them together. Returns 0 or the error of the side band. */
static int swap_arena(struct recorder *recorder)
{
	uint64_t as_of_ns;
	int r;

	assert(!recorder->is_held);
	sampler_swap(recorder->sampler);
	as_of_ns = clock_monotonic_ns();
	recorder->held_since_ns = as_of_ns;
	recorder->is_held = true;
	recorder_read_counters(recorder);
	recorder_read_definitions(recorder);
	r = recorder_drain_sideband(recorder);
	update_processes(recorder, as_of_ns);
	find_window(recorder);
	recorder->wants_ksyms = false;
	(void)sampler_foreach(recorder->sampler, recorder_want, recorder);
	if (recorder->wants_ksyms)
		refresh_ksyms(recorder);
	return r;
}

/* Makes the samples of the arena pending and clears it. Returns how full it was, in percent, or the
 * first error. */
static int take_arena(struct recorder *recorder)
{
	int full;

	assert(recorder->is_held);
	full = sampler_foreach(recorder->sampler, recorder_add_sample, recorder);

	sampler_clear(recorder->sampler);
	recorder->is_held = false;
	recorder->settled_ns = recorder->held_since_ns;
	recorder_pass_arena(recorder);
	if (recorder->is_to_expire)
		resolver_expire(recorder->resolver);
	recorder->is_to_expire = false;
	images_sweep(recorder->images, recorder->held_since_ns - FORGET_NS);
	return full;
}

/* True if the samples may stay in their arena until their names come, while the kernel writes to
 * the other one. A large debug file that is read for the first time takes long. */
static bool may_hold(const struct recorder *recorder)
{
	return symbolizer_count_open(recorder->name_symbolizer) > 0 &&
	       clock_monotonic_ns() - recorder->held_since_ns < HOLD_NS &&
	       sampler_fill(recorder->sampler) < HOLD_FILL;
}

/* Asks for the names and makes the samples of the arena pending, unless it may be held. until_ns is
 * when the caller's patience ends; 0: the caller does not wait. */
static int finish_arena(struct recorder *recorder, uint64_t until_ns)
{
	uint64_t now_ns = clock_monotonic_ns();

	resolver_ask(recorder->resolver, until_ns > now_ns + PAUSE_USEC * 1000
						 ? (until_ns - now_ns) / 1000
						 : PAUSE_USEC);
	if (!until_ns && may_hold(recorder))
		return sampler_fill(recorder->sampler);
	return take_arena(recorder);
}

/* Returns the bytes of all that grows with each new process and each new stack. */
static size_t count_bytes(const struct recorder *recorder)
{
	return table_bytes(recorder->processes.table) + table_bytes(recorder->tasks.table) +
	       table_bytes(recorder->nodes.table) + recorder->known_bytes +
	       recorder->known_size * sizeof(*recorder->known) + resolver_bytes(recorder->resolver);
}

static bool is_to_forget(const struct recorder *recorder)
{
	return recorder->is_to_forget || files_count(recorder->files) > FILES_MAX ||
	       count_bytes(recorder) > RECORDER_BYTES_MAX;
}

/* Writes for one step, or as long as the caller's patience lasts, or until all is written. */
static int write_pending(struct recorder *recorder, uint64_t until_ns, bool all)
{
	int r;

	do {
		uint64_t step_ns = clock_monotonic_ns() + WRITE_NS;

		r = recorder_write(recorder, step_ns > until_ns ? step_ns : until_ns);
	} while (all && !r && table_count(recorder->pending));
	if (!recorder->is_held && !table_count(recorder->pending) && is_to_forget(recorder))
		recorder_forget(recorder);
	return r;
}

static int drain(struct recorder *recorder, uint64_t patience_usec, bool all)
{
	uint64_t until_ns = patience_usec ? clock_monotonic_ns() + patience_usec * 1000 : 0;
	int full = 0, r;

	assert(recorder->sampler && recorder->sideband);
	if (recorder->is_held) {
		full = finish_arena(recorder, until_ns);
		if (full < 0)
			return full;
	}
	if (!recorder->is_held) {
		r = swap_arena(recorder);
		/* The swapped arena is read all the same. */
		full = finish_arena(recorder, until_ns);
		if (r < 0)
			return r;
		if (full < 0)
			return full;
	}
	r = write_pending(recorder, until_ns, all);
	if (r < 0)
		return r;
	return table_count(recorder->pending) && full < BEHIND_FILL ? BEHIND_FILL : full;
}

int recorder_drain(struct recorder *recorder, uint64_t patience_usec)
{
	return drain(recorder, patience_usec, false);
}

int recorder_settle(struct recorder *recorder, uint64_t asked_ns, uint64_t until_ns)
{
	int full, r = 0;

	assert(recorder->sampler && recorder->sideband);
	/* The second round is for what was sampled since the arena of the first one was swapped. */
	while (recorder->settled_ns < asked_ns) {
		if (!recorder->is_held)
			r = swap_arena(recorder);
		resolver_ask(recorder->resolver, 0);
		if (clock_monotonic_ns() < until_ns && may_hold(recorder))
			return 0;
		full = take_arena(recorder);
		if (full < 0)
			return full;
	}
	if (r < 0)
		return r;
	r = write_pending(recorder, 0, false);
	return r < 0 ? r : 1;
}

int recorder_end(struct recorder *recorder, uint64_t patience_usec)
{
	int r = drain(recorder, patience_usec, true), ended;

	/* The timers are stopped: nothing comes any more, also where the drain failed. */
	while (r < 0 && recorder_has_open_arenas(recorder))
		recorder_pass_arena(recorder);
	/* Where the last samples could not be written, the rows of the sessions end all the same:
	 * the reserve of the disk has room for that. */
	ended = recorder_write_endings(recorder);
	recorder_free_slots(recorder);
	unwinder_forget_all(recorder->unwinder);
	images_clear(recorder->images);
	/* While paused no symbolizer runs and no file is open. Tables and names stay. */
	symbolizer_stop_if_idle(recorder->table_symbolizer);
	symbolizer_stop_if_idle(recorder->name_symbolizer);
	inspector_stop_if_idle(recorder->inspector);
	return r < 0 ? r : ended;
}
