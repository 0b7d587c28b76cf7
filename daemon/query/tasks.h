/* SPDX-License-Identifier: MIT */
/* The threads that a query is about, each with the name under which its hits are counted. */
#pragma once

#include <stdint.h>

#include "daemon/query/query.h"

/* A process, a thread, a unit or a user, as the query asks. pid, tid: 0 where it has none. */
struct tasks_group {
	const char *name; /* borrowed from the tasks */
	uint32_t pid;
	uint32_t tid;
};

struct tasks;

/* Reads them from the store, all anew: a process may have learnt its unit since. 0 or the store's
 * error. */
int tasks_read(struct store *store, const struct query *query, struct tasks **ret);
struct tasks *tasks_free(struct tasks *tasks);

/* 0 and its group (always 0 where the query is not by process, thread, unit or user); -ENOENT:
 * the query is not about this task. */
int tasks_find_group(const struct tasks *tasks, int64_t id, uint32_t *ret_group);
uint32_t tasks_count_groups(const struct tasks *tasks);
struct tasks_group tasks_get_group(const struct tasks *tasks, uint32_t group);
