/* SPDX-License-Identifier: MIT */
/* Whose samples an export is about, found out task by task as they are met. */
#pragma once

#include <stdint.h>

#include "daemon/query/query.h"
#include "db/store.h"

struct export_tasks;

/* Borrows both. NULL: no memory. */
struct export_tasks *export_tasks_new(struct store *store, const struct query *query);
struct export_tasks *export_tasks_free(struct export_tasks *tasks);

/* 1: the query is about this task, 0: it is not, or the store's error. */
int export_tasks_want(struct export_tasks *tasks, int64_t id);
