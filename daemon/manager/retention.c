/* SPDX-License-Identifier: MIT */
/*
 * Keeps the database to its size: deletes the oldest windows, then what nothing refers to any more,
 * as often as it takes, and gives the disk back what the file has beyond its limit. All of it is
 * done in steps of some milliseconds when the event loop has nothing else to do, with pauses that
 * leave it most of the time.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"
#include "db/finder.h"

#define STEP_USEC UINT64_C(2000)
/* A step takes one part of so many of the time; where the limit is near, every second one. */
#define SHARE       10
#define SHARE_URGED 2
/* Another program writes, or the disk is full. */
#define RETRY_USEC UINT64_C(200000)
/* The least part of the limit that is deleted before what nothing refers to is looked for: that
 * reads all samples. */
#define ROUND_PART 32
/* The most of the time that is deleted before that: stacks may take much more than samples. */
#define ROUND_PERCENT 6
#define CHECK_NS      UINT64_C(1000000000)
/* Where everything was deleted and it was not enough, as with one window that is too large. */
#define FUTILE_NS UINT64_C(60000000000)
#define TELL_NS   UINT64_C(3600000000000)

static void stop_work(struct managed_retention *self)
{
	self->trim = store_trim_free(self->trim);
	self->finder = finder_free(self->finder);
	self->garbage = store_garbage_free(self->garbage);
	self->step = sd_event_source_disable_unref(self->step);
	self->found = sd_event_source_disable_unref(self->found);
	self->phase = RETENTION_IDLE;
}

void manager_stop_retention(struct manager *manager)
{
	stop_work(&manager->retention);
	if (manager->store)
		store_end_garbage(manager->store);
}

static int get_bounds(struct manager *manager, struct store_room *ret_room,
		      struct store_bounds *ret_bounds)
{
	int r = store_get_room(manager->store, ret_room);

	if (r < 0)
		return r;
	*ret_bounds = store_find_bounds(&manager->limits, ret_room, &manager->retention.held_bytes);
	manager->retention.limit_bytes = ret_bounds->limit_bytes;
	return 0;
}

/* ---- telling ---- */

static void tell(struct manager *manager)
{
	struct managed_retention *self = &manager->retention;
	char since[CLOCK_TEXT_BYTES] = "now";
	uint64_t oldest_usec, now_ns = clock_monotonic_ns();

	if (self->told_ns && now_ns - self->told_ns < TELL_NS)
		return;
	self->told_ns = now_ns;
	if (store_find_oldest(manager->store, &oldest_usec) > 0)
		clock_format_local(oldest_usec, since);
	log_info("The database has reached its limit of %" PRIu64 " MiB%s: its oldest windows are "
		 "deleted. The history begins at %s now.",
		 self->limit_bytes >> 20,
		 self->held_bytes ? " (the file system has less free than KeepFree= asks for)" : "",
		 since);
}

/* ---- phases ---- */

static int begin_round(struct manager *manager, const struct store_room *room)
{
	struct managed_retention *self = &manager->retention;
	uint64_t part = (room->used_bytes - self->low_bytes) / 2;

	assert(!self->trim && room->used_bytes > self->low_bytes);
	if (part < self->limit_bytes / ROUND_PART)
		part = self->limit_bytes / ROUND_PART;
	self->round_bytes = room->used_bytes > part ? room->used_bytes - part : 0;
	self->trim = store_trim_new(manager->store);
	self->phase = RETENTION_TRIM;
	return self->trim ? 1 : -ENOMEM;
}

static int on_found(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* Begins to look for what nothing refers to. From here on the store notes what is in use; the
 * recorder has to ask it for each row again. */
static int begin_find(struct manager *manager)
{
	struct managed_retention *self = &manager->retention;
	int r = store_begin_garbage(manager->store);

	self->trim = store_trim_free(self->trim);
	if (r < 0)
		return r;
	recorder_forget_rows(manager->recorder);
	r = finder_new(manager->config.database, &self->finder);
	if (r < 0)
		return r;
	self->phase = RETENTION_FIND;
	return sd_event_add_io(manager->event, &self->found, finder_fd(self->finder), EPOLLIN,
			       on_found, manager);
}

static int trim(struct manager *manager)
{
	struct managed_retention *self = &manager->retention;
	struct store_bounds bounds;
	struct store_room room;
	int r = store_trim_step(self->trim, STEP_USEC);

	if (r < 0)
		return r;
	self->is_futile = r == 0;
	r = r > 0 ? get_bounds(manager, &room, &bounds) : 0;
	if (r < 0)
		return r;
	if (!self->is_futile &&
	    (!store_trim_is_whole(self->trim) || (room.used_bytes > self->round_bytes &&
						  store_trim_percent(self->trim) < ROUND_PERCENT)))
		return 1;
	tell(manager);
	return begin_find(manager);
}

static int delete (struct manager *manager)
{
	struct managed_retention *self = &manager->retention;
	struct store_bounds bounds;
	struct store_room room;
	int r = store_garbage_step(manager->store, self->garbage, STEP_USEC);

	if (r != 0)
		return r;
	self->garbage = store_garbage_free(self->garbage);
	store_end_garbage(manager->store);
	r = get_bounds(manager, &room, &bounds);
	if (r < 0)
		return r;
	if (!self->is_futile && room.used_bytes > self->low_bytes)
		return begin_round(manager, &room);
	if (room.used_bytes > bounds.high_bytes)
		self->next_ns = clock_monotonic_ns() + FUTILE_NS;
	self->phase = RETENTION_VACUUM;
	return 1;
}

static int vacuum(struct manager *manager)
{
	struct managed_retention *self = &manager->retention;
	int r = store_vacuum_step(manager->store, self->max_file_bytes, STEP_USEC);

	if (r != 0)
		return r;
	store_cut_log(manager->store);
	stop_work(self);
	return 0;
}

/* Does a step of the phase. Returns 1 where another one is due, 0 where none is, or a negative
 * errno. */
static int do_step(struct manager *manager)
{
	switch (manager->retention.phase) {
	case RETENTION_TRIM:
		return trim(manager);
	case RETENTION_DELETE:
		return delete (manager);
	case RETENTION_VACUUM:
		return vacuum(manager);
	case RETENTION_FIND:
	case RETENTION_IDLE:
		break;
	}
	return 0;
}

/* Returns the pause after a step that took so long. */
static uint64_t find_pause(struct manager *manager, uint64_t took_usec)
{
	struct managed_retention *self = &manager->retention;
	struct store_bounds bounds;
	struct store_room room;
	bool urged = get_bounds(manager, &room, &bounds) == 0 &&
		     room.used_bytes >
			     bounds.high_bytes + (bounds.limit_bytes - bounds.high_bytes) / 4 &&
		     !self->held_bytes;

	return took_usec * ((urged ? SHARE_URGED : SHARE) - 1);
}

static int on_step(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *manager = userdata;
	uint64_t began_ns = clock_monotonic_ns(), pause_usec = RETRY_USEC;
	int r = do_step(manager);
	if (r < 0 && r != -EBUSY) {
		/* Drains meet the same failure and tell it. */
		manager_stop_retention(manager);
		return 0;
	}
	if (r == 0)
		return 0;
	if (r > 0)
		pause_usec = find_pause(manager, (clock_monotonic_ns() - began_ns) / 1000);
	(void)sd_event_source_set_time_relative(source, pause_usec);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int start_steps(struct manager *manager)
{
	struct managed_retention *self = &manager->retention;
	int r;

	self->step = sd_event_source_disable_unref(self->step);
	r = sd_event_add_time_relative(manager->event, &self->step, CLOCK_MONOTONIC, 0, 1, on_step,
				       manager);
	/* Samples and queries go first. */
	return r < 0 ? r : sd_event_source_set_priority(self->step, SD_EVENT_PRIORITY_IDLE);
}

static int on_found(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;
	struct managed_retention *self = &manager->retention;
	int r = finder_take(self->finder, &self->garbage);

	assert(self->phase == RETENTION_FIND);
	self->found = sd_event_source_disable_unref(self->found);
	self->finder = finder_free(self->finder);
	self->phase = RETENTION_DELETE;
	if (r >= 0)
		r = start_steps(manager);
	if (r < 0)
		manager_stop_retention(manager);
	return 0;
}

/* ---- beginning ---- */

static int begin(struct manager *manager)
{
	struct managed_retention *self = &manager->retention;
	struct store_bounds bounds;
	struct store_room room;
	int r = get_bounds(manager, &room, &bounds);

	if (r < 0)
		return r;
	self->low_bytes = bounds.low_bytes;
	self->max_file_bytes = bounds.max_file_bytes;
	if (room.used_bytes > bounds.high_bytes)
		r = begin_round(manager, &room);
	else if (room.file_bytes > bounds.max_file_bytes && room.file_bytes > room.used_bytes)
		self->phase = RETENTION_VACUUM;
	else
		return 0;
	return r < 0 ? r : start_steps(manager);
}

void manager_check_room(struct manager *manager)
{
	struct managed_retention *self = &manager->retention;
	uint64_t now_ns = clock_monotonic_ns();

	if (self->phase != RETENTION_IDLE || now_ns < self->next_ns)
		return;
	self->next_ns = now_ns + CHECK_NS;
	if (begin(manager) < 0)
		manager_stop_retention(manager);
}
