/* SPDX-License-Identifier: MIT */
/* What can be asked of the history, and whose samples a query is about. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/frame.h"
#include "daemon/base/target.h"
#include "db/store.h"

enum query_by {
	QUERY_BY_FUNCTION,
	QUERY_BY_MODULE,
	QUERY_BY_FILE,
	QUERY_BY_LINE,
	QUERY_BY_STACK, /* folded: root first, ';' between; a ';' in a name becomes ':' */
	QUERY_BY_PROCESS,
	QUERY_BY_THREAD,
	QUERY_BY_UNIT,
	QUERY_BY_USER,
	N_QUERY_BY,
};

enum query_sort {
	QUERY_SORT_TOTAL, /* "most hits": ox_profile's hits are totals */
	QUERY_SORT_SELF,
	QUERY_SORT_NAME,
};

/* Frames of other kinds are taken out of every stack. */
enum query_kind {
	QUERY_KIND_ALL,
	QUERY_KIND_PYTHON,
	QUERY_KIND_NATIVE, /* without the kernel's */
};

int query_by_parse(const char *text, enum query_by *ret);     /* 0, -EINVAL */
int query_sort_parse(const char *text, enum query_sort *ret); /* 0, -EINVAL */
/* "python", "native". 0, -EINVAL */
int query_kind_parse(const char *text, enum query_kind *ret);

struct query {
	const char *filter; /* searched in each row's name; NULL: all */
	uint32_t max;       /* 0: all */
	struct store_range range;
	const struct target *targets; /* samples of processes that match any; none: all */
	size_t n_targets;
	enum query_sort sort; /* ties: total, self, name, so that the order is fixed */
	enum query_by by;
	enum query_kind kind;
	uint32_t only_uid;   /* UINT32_MAX: everybody's processes */
	bool without_kernel; /* kernel frames are left out, their hits are their callers' */
};

/* True if frames of some kind are taken out of the stacks. */
bool query_prunes(const struct query *query);
/* True if frames of that kind stay in the stacks. */
bool query_wants_kind(const struct query *query, enum frame_kind kind);
/* Whether the result depends on who was sampled: else no task need be read. */
bool query_needs_tasks(const struct query *query);
/* A user target is matched by name and by uid; a pid target by any process that had the pid; a
 * cgroup target, and a unit that is a slice, with everything below it; "all" by everything. */
bool query_wants_task(const struct query *query, const struct store_task *task);
