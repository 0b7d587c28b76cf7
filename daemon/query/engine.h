/* SPDX-License-Identifier: MIT */
/* Runs queries: reads the store, folds stacks, filters and sorts. Nothing of the bus is known
 * here. */
#pragma once

#include <stddef.h>

#include "daemon/query/query.h"
#include "daemon/query/result.h"
#include "db/store.h"

/* The memory that a query may take. What it reads and adds up may take half of it, since what is
 * made of that takes as much again at most. */
#define QUERY_BYTES_MAX (UINT64_C(256) << 20)

/*
 * Runs a query. Reads the hits of its range, and of processes and stacks those that the hits refer
 * to. Must not be called while a transaction of the store is open. Returns 0 and a result that the
 * caller clears with result_done(); -EINVAL if the filter is wrong or takes too much work, or
 * -EOVERFLOW if more than max_bytes of memory would be needed, and ret_why says why; or the store's
 * error, and ret_why is "".
 *
 * `samples` and `distinct` are of all that the query is about, before its filter. A sample
 * without a stack is in `samples` and under its process, thread, unit and user, and under no
 * function. `distinct` stacks differ in a function or a line; frames that are left out make no
 * difference. Losses are those of the whole machine in that range.
 *
 * If the query asks for one kind of frames, a sample without any is in `samples`, in `stops` and in
 * no row, neither of a function nor of a stack nor of a process.
 */
int query_engine_run(struct store *store, const struct query *query, uint64_t max_bytes,
		     struct result *ret, char *ret_why, size_t size);
