/* SPDX-License-Identifier: MIT */
/*
 * A file that is deleted, moved or replaced while it is open: what is written goes on to where
 * nobody looks for it. It is noticed, left in a whole state, and begun anew with the sessions that
 * run.
 */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"

/* ---- the sessions that run ---- */

struct carried {
	struct store_session *sessions; /* their texts are owned */
	size_t n, size;
};

static void carried_done(struct carried *carried)
{
	for (size_t i = 0; i < carried->n; i++) {
		free((char *)carried->sessions[i].mode);
		free((char *)carried->sessions[i].targets);
	}
	free(carried->sessions);
}

static int carry(void *userdata, const struct store_session *session)
{
	struct carried *carried = userdata;
	struct store_session copy = *session;

	if (array_reserve(carried->sessions, carried->size, carried->n + 1) < 0)
		return -ENOMEM;
	copy.mode = strdup(session->mode);
	copy.targets = strdup(session->targets);
	carried->sessions[carried->n++] = copy;
	return copy.mode && copy.targets ? 0 : -ENOMEM;
}

static int restore(struct store *store, const struct store_session *session, int64_t *ret_id)
{
	sqlite3_stmt *resume = store->statements[SQL_RESUME_SESSION];
	sqlite3_stmt *add = store->statements[SQL_RESTORE_SESSION];
	sqlite3_stmt *both[] = {resume, add};
	int r;

	for (size_t i = 0; i < array_length(both); i++) {
		sqlite3_bind_int64(both[i], 1, session->id);
		sqlite3_bind_int64(both[i], 2, session->started_usec);
		sqlite3_bind_int64(both[i], 3, session->owner);
	}
	store_bind_text(add, 4, session->mode);
	sqlite3_bind_int64(add, 5, session->interval_ns);
	store_bind_text(add, 6, session->targets);
	r = store_fetch(store, resume, ret_id);
	if (r == 0)
		return store_fetch_id(store, add, ret_id);
	sqlite3_clear_bindings(add);
	return r < 0 ? r : 0;
}

static int restore_all(struct store *store, const struct carried *carried, store_carried_fn fn,
		       void *userdata)
{
	int r = 0;

	for (size_t i = 0; i < carried->n && r >= 0; i++) {
		int64_t id = 0;

		r = restore(store, &carried->sessions[i], &id);
		if (r >= 0)
			fn(userdata, carried->sessions[i].id, id);
	}
	return r;
}

/* ---- beginning anew ---- */

/* Tries what can be tried beside the file that is open: a failure here changes nothing. */
static int try_path(struct store *store, char **ret_why)
{
	_cleanup_free_ char *path = NULL, *directory = NULL;
	bool check;
	int r = store_file_resolve(store->path, &path, &directory, ret_why);

	/* To open and close the very file would take away sqlite's locks on it. */
	if (r < 0 || !store_is_moved(store))
		return r;
	r = store_file_probe(path, &check, ret_why);
	return r == -EUCLEAN ? 0 : r;
}

int store_reopen(struct store **store, store_carried_fn fn, void *userdata, char **ret_aside,
		 char **ret_why)
{
	_cleanup_(carried_done) struct carried carried = {};
	_cleanup_free_ char *path = strdup((*store)->path);
	uint64_t max_bytes = (*store)->max_bytes;
	int r = path ? try_path(*store, ret_why) : -ENOMEM, restored;

	assert(sqlite3_get_autocommit((*store)->db) && fn);
	if (r < 0)
		return r;
	/* Where it is damaged they may not be readable; the history of these then ends here. */
	(void)store_foreach_running(*store, carry, &carried);
	*store = store_free(*store);
	r = store_open(path, max_bytes, store, ret_aside, ret_why);
	if (r < 0)
		return r;
	restored = store_end_left_sessions(*store);
	if (restored >= 0)
		restored = restore_all(*store, &carried, fn, userdata);
	return restored < 0 ? store_explain(ret_why, restored, "%s", store_error(*store)) : r;
}
