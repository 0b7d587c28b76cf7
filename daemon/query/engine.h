/* SPDX-License-Identifier: MIT */
/* Runs queries: reads the store, folds stacks, filters and sorts. Nothing of the bus is known
 * here. */
#pragma once

#include <stddef.h>

#include "daemon/query/query.h"
#include "daemon/query/result.h"
#include "db/store.h"

/* Keeps the stacks between queries, so that each query reads only the new ones. */
struct query_engine;

/* Borrows the store. Returns NULL where there is no memory. */
struct query_engine *query_engine_new(struct store *store);
struct query_engine *query_engine_free(struct query_engine *engine);
/* Drops the stacks that were read, so that the next query reads all of them. Must be called after
 * names have changed in the store (store_rename_frame()). Returns 0 or -ENOMEM. */
int query_engine_forget(struct query_engine *engine);

/*
 * Runs a query. Must not be called while a transaction of the store is open. Returns 0 and a result
 * that the caller clears with result_done(); -EINVAL if the filter is wrong or takes too much work,
 * and ret_why says why; or the store's error, and ret_why is "".
 *
 * `samples` and `distinct` are of all that the query is about, before its filter. A sample
 * without a stack is in `samples` and under its process, thread, unit and user, and under no
 * function. `distinct` stacks differ in a function or a line; frames that are left out make no
 * difference. Losses are those of the whole machine in that range.
 *
 * If the query asks for one kind of frames, a sample without any is in `samples`, in `stops` and in
 * no row, neither of a function nor of a stack nor of a process.
 */
int query_engine_run(struct query_engine *engine, const struct query *query, struct result *ret,
		     char *ret_why, size_t size);
