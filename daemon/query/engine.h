/* SPDX-License-Identifier: MIT */
/*
 * Queries and their results: reads the store, folds stacks, filters, sorts. Knows no bus.
 */
#pragma once

#include <stddef.h>

#include "daemon/query/query.h"
#include "daemon/query/result.h"
#include "db/store.h"

struct query_engine; /* keeps what it has read of the growing tables between queries */

struct query_engine *query_engine_new(struct store *store); /* borrows the store */
struct query_engine *query_engine_free(struct query_engine *engine);
/* Names have changed in the store (store_rename_frame()): all is read anew. 0 or -ENOMEM. */
int query_engine_forget(struct query_engine *engine);

/*
 * 0 and a result to be cleared by result_done(); -EINVAL: the pattern, ret_why says why; else the
 * store's error, ret_why is "". Not while a transaction of the store is open.
 *
 * `samples` and `distinct` are of all that the query is about, before its filter. A sample
 * without a stack is in `samples` and under its process, thread, unit and user, and under no
 * function. `distinct` stacks differ in a function or a line; frames that are left out make no
 * difference. Losses are those of the whole machine in that range.
 *
 * Where one kind of frames is asked for, a sample without any is in `samples`, in `stops` and in no
 * row, be it of a function, a stack or a process.
 */
int query_engine_run(struct query_engine *engine, const struct query *query, struct result *ret,
		     char *ret_why, size_t size);
