/* SPDX-License-Identifier: MIT */
/* The database: how it is opened, and begun anew when it has gone. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"

/* ---- opening ---- */

/* Returns how large the file system is on which the database is or will be; 0: not known. */
static uint64_t find_disk_bytes(const char *path)
{
	_cleanup_free_ char *directory = strdup(path);
	char *slash = directory ? strrchr(directory, '/') : NULL;
	struct statvfs fs;

	if (!slash)
		return 0;
	slash[slash == directory] = '\0';
	return statvfs(directory, &fs) < 0 ? 0 : (uint64_t)fs.f_blocks * fs.f_frsize;
}

static void tell_damage(const struct manager *manager, const char *aside)
{
	log_error("The database %s was damaged. It was set aside as %s; a new one is begun.",
		  manager->config.database, aside);
}

int manager_open_database(struct manager *manager, struct failure *failure)
{
	_cleanup_free_ char *aside = NULL, *why = NULL;
	uint64_t disk_bytes = find_disk_bytes(manager->config.database);
	int r;

	manager->limits = (struct store_limits){
		.max_bytes = config_size_bytes(&manager->config.max_size, disk_bytes),
		.keep_free_bytes = config_size_bytes(&manager->config.keep_free, disk_bytes),
	};
	r = store_open(manager->config.database, manager->limits.max_bytes, &manager->store, &aside,
		       &why);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_DATABASE, "%s", why ?: strerror(-r));
	if (r > 0)
		tell_damage(manager, aside);
	r = store_end_left_sessions(manager->store);
	if (r < 0 && r != -ENOSPC)
		return failure_set(failure, r, OX_ERROR_DATABASE, "%s",
				   store_error(manager->store));
	return 0;
}

/* ---- beginning anew ---- */

struct moves {
	struct recorder_move moves[OX_SESSIONS_MAX];
	size_t n;
};

static void on_carried(void *userdata, int64_t from_id, int64_t to_id)
{
	struct moves *moves = userdata;

	if (moves->n < array_length(moves->moves))
		moves->moves[moves->n++] = (struct recorder_move){from_id, to_id};
}

static void tell_anew(struct manager *manager)
{
	char now[CLOCK_TEXT_BYTES];

	clock_format_local(clock_realtime_usec(), now);
	snprintf(manager->database_notice, sizeof(manager->database_notice),
		 "the database was deleted, moved or replaced while it was in use; a new one was "
		 "begun at %s",
		 now);
	log_error("%s: %s.", manager->config.database, manager->database_notice);
}

/* Lets all that knows the old database know the new one. Nothing can go on without it; the next
 * start goes on with the sessions. */
static void move_all(struct manager *manager, const struct moves *moves)
{
	if (recorder_move(manager->recorder, manager->store, moves->moves, moves->n) == 0)
		return;
	log_error("No memory to begin the database anew; the daemon restarts.");
	exit(EXIT_FAILURE);
}

/* Returns 0 or a negative errno, and then the store is as it was. */
static int reopen(struct manager *manager)
{
	_cleanup_free_ char *aside = NULL, *why = NULL;
	struct moves moves = {0};
	int r;

	/* None of them may have the file open. */
	manager->leave_database(manager);
	manager_stop_retention(manager);
	if (manager->worker)
		worker_close(manager->worker);
	r = store_reopen(&manager->store, on_carried, &moves, &aside, &why);
	if (manager->worker)
		worker_open(manager->worker);
	if (r < 0 && manager->store)
		return r;
	if (r < 0) {
		log_error("The database was deleted, moved or replaced, and cannot be begun anew: "
			  "%s. The daemon restarts.",
			  why ?: strerror(-r));
		exit(EXIT_FAILURE);
	}
	move_all(manager, &moves);
	if (r > 0)
		tell_damage(manager, aside);
	return 0;
}

void manager_check_database(struct manager *manager)
{
	if (store_check_file(manager->store) < 0 && reopen(manager) == 0)
		tell_anew(manager);
}

/* ---- what people see of it ---- */

const char *manager_database(const struct manager *manager)
{
	return manager->config.database;
}

uint64_t manager_database_bytes(const struct manager *manager)
{
	return store_bytes(manager->store);
}

uint64_t manager_database_limit(const struct manager *manager)
{
	uint64_t limit = manager->retention.limit_bytes ?: manager->limits.max_bytes;

	return limit == UINT64_MAX ? 0 : limit;
}

uint64_t manager_history_since(const struct manager *manager)
{
	uint64_t usec;

	return store_find_oldest(manager->store, &usec) > 0 ? usec : 0;
}
