/* SPDX-License-Identifier: MIT */
/*
 * The threads that a query is about, each with the name under which its hits are counted. A task is
 * read from the store when its first hit is met, with some neighbours: one by one takes some five
 * times as long where most of them are met.
 */
#pragma once

#include <stdint.h>

#include "daemon/query/query.h"

/* A process, a thread, a unit or a user, as the query groups. pid and tid are 0 if the group is no
 * process or no thread. */
struct tasks_group {
	const char *name; /* borrowed from the tasks */
	uint32_t pid;
	uint32_t tid;
};

struct tasks;

/* Borrows both. Each query makes a new struct tasks, since the unit of a process may have become
 * known. Returns NULL where there is no memory. */
struct tasks *tasks_new(struct store *store, const struct query *query);
struct tasks *tasks_free(struct tasks *tasks);
/* Returns the bytes held. */
size_t tasks_bytes(const struct tasks *tasks);

/* Finds the group of a task (always 0 where the query is not by process, thread, unit or user).
 * Returns 1, 0 if the query is not about this task, or the store's error. */
int tasks_find_group(struct tasks *tasks, int64_t id, uint32_t *ret_group);
/* Returns how many groups were found so far. */
uint32_t tasks_count_groups(const struct tasks *tasks);
struct tasks_group tasks_get_group(const struct tasks *tasks, uint32_t group);
