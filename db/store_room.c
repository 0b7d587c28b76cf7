/* SPDX-License-Identifier: MIT */
/* How much the database takes, and how much it may take. */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <sys/statvfs.h>

#include "daemon/base/api.h"
#include "daemon/base/clock.h"

/* The least that it may have, where the disk is nearly full: some hours of sampling. */
#define LEAST_BYTES (UINT64_C(16) << 20)
/* So many are moved at once when pages are given back to the disk: less than a millisecond. */
#define PAGES_AT_ONCE "16"

static int count_pages(struct store *store, uint64_t *ret_n, uint64_t *ret_free)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_COUNT_PAGES];
	int r = store_step(store, statement);

	if (r < 0)
		return r;
	*ret_n = sqlite3_column_int64(statement, 0);
	*ret_free = sqlite3_column_int64(statement, 1);
	return 0;
}

int store_get_room(struct store *store, struct store_room *ret)
{
	uint64_t n = 0, n_free = 0;
	struct statvfs fs;
	int r = count_pages(store, &n, &n_free);

	if (r < 0)
		return r;
	if (statvfs(store->directory, &fs) < 0)
		return -errno;
	assert(n_free <= n);
	*ret = (struct store_room){
		.used_bytes = (n - n_free) * STORE_PAGE_BYTES + store->log_bytes,
		.file_bytes = n * STORE_PAGE_BYTES + store->log_bytes,
		.free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize,
	};
	return 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t more(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Returns what the disk leaves to it. Where too little is free already, that is what it has at that
 * time, and stays so: who fills the disk shall not have the history of others deleted by it. */
static uint64_t find_disk_limit(const struct store_limits *limits, const struct store_room *room,
				uint64_t *held_bytes)
{
	if (!limits->keep_free_bytes)
		return UINT64_MAX;
	if (room->free_bytes >= limits->keep_free_bytes) {
		*held_bytes = 0;
		return more(LEAST_BYTES,
			    room->file_bytes + (room->free_bytes - limits->keep_free_bytes));
	}
	if (!*held_bytes)
		*held_bytes = more(LEAST_BYTES, room->file_bytes);
	return *held_bytes;
}

struct store_bounds store_find_bounds(const struct store_limits *limits,
				      const struct store_room *room, uint64_t *held_bytes)
{
	uint64_t disk = find_disk_limit(limits, room, held_bytes);
	uint64_t max = limits->max_bytes ?: UINT64_MAX;
	/* Beyond `max` nothing can be written, so what is above 90 % is for what comes until the
	 * oldest windows are gone; the disk has its reserve. */
	uint64_t high = less(max / 10 * 9, disk);

	return (struct store_bounds){
		.limit_bytes = less(max, disk),
		.high_bytes = high,
		.low_bytes = high / 9 * 8,
		.max_file_bytes = max / 10 * 9,
	};
}

/* Moves pages from the end of the file into free ones until the time is over. Returns 1 where there
 * may be more to move. */
static int vacuum_some(struct store *store, uint64_t max_file_bytes, uint64_t end_ns)
{
	uint64_t before = UINT64_MAX, n = 0, n_free = 0;

	for (;;) {
		int r = count_pages(store, &n, &n_free);

		/* A file from before there was a table of pages in it keeps its length. */
		if (r < 0 || !n_free || n == before ||
		    n * STORE_PAGE_BYTES + store->log_bytes <= max_file_bytes)
			return r;
		if (before != UINT64_MAX && clock_monotonic_ns() >= end_ns)
			return 1;
		before = n;
		r = store_execute(store, "PRAGMA incremental_vacuum(" PAGES_AT_ONCE ")");
		if (r < 0)
			return r;
	}
}

int store_vacuum_step(struct store *store, uint64_t max_file_bytes, uint64_t budget_usec)
{
	uint64_t end_ns = clock_monotonic_ns() + budget_usec * 1000;
	int r = store_begin_step(store);

	if (r < 0)
		return r;
	r = store_end_step(store, vacuum_some(store, max_file_bytes, end_ns));
	return r == 0 ? store_keep_limit(store) : r;
}

/* ---- since when ---- */

int store_find_oldest(struct store *store, uint64_t *ret_usec)
{
	int64_t t = store->oldest;
	int r = t ? 0 : store_fetch_id(store, store->statements[SQL_FIND_OLDEST], &t);

	if (r < 0)
		return r;
	if (t < 0)
		return 0;
	store->oldest = t;
	*ret_usec = (uint64_t)t * OX_WINDOW_USEC;
	return 1;
}
