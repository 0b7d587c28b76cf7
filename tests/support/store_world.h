/* SPDX-License-Identifier: MIT */
/* A store in a directory of its own and a small world in it, for the tests of the store. */
#pragma once

#include <stdint.h>

#include "db/store.h"

#define START UINT64_C(1760000000000000) /* 2025-10-09 08:53:20 UTC */

extern struct store_world {
	char directory[256];
	char path[300]; /* of the database */
} store_world;

/* Makes the directory; there is no database yet. */
void store_world_set_up(void);

/* Removes it, with the files in it. */
void store_world_tear_down(void);

/* Opens the database, which must go well. The caller closes it. */
struct store *store_world_open(void);

/* Opens the database with a limit to its size, which must go well. The caller closes it. */
struct store *store_world_open_limited(uint64_t max_bytes);

/* Returns the errno of a store_open() that must fail, with a sentence that names the path or its
 * part. */
int store_world_open_fails(const char *where, const char *what);

/* ---- SQL ---- */

/* Asks through another connection, as a member of the group has it. It ends before the store does.
 * Returns the rows, '|' between columns; the caller frees them. */
char *store_world_ask(int flags, const char *sql);

/* Expects these rows. */
void assert_answer(const char *sql, const char *expected);

/* Runs a statement through another connection. */
void store_world_execute(const char *sql);

/* ---- a small world ---- */

/* The range of everything. */
#define STORE_WORLD_ALL .until_usec = UINT64_MAX, .owner = UINT32_MAX

/* Adds one each, and returns its id. A task's process is its user's own. */
int64_t store_world_add_session(struct store *store, uint64_t started_usec);
int64_t store_world_add_session_of(struct store *store, uint64_t started_usec, uint32_t owner);
int64_t store_world_add_task(struct store *store, uint32_t pid, uint32_t uid);
int64_t store_world_add_frame(struct store *store, const char *function, enum frame_kind kind);
int64_t store_world_add_node(struct store *store, int64_t parent, const char *function);

/* Returns the window on the grid: `window` counts from that in which the session began. */
uint32_t store_world_window(int64_t session, uint32_t window);

/* Adds n samples of a stack in a window of the session, which took them alone. */
void store_world_add_sample(struct store *store, int64_t session, uint32_t window, int64_t task,
			    int64_t node, uint64_t n);

/* Adds a session: main > work > main (again) > leaf, and a sample without a stack. Returns its
 * id. */
int64_t store_world_fill(struct store *store);
