/* SPDX-License-Identifier: MIT */
/* Queries of the history: what they can ask for, and whose samples they are about. */
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
	QUERY_BY_STACK, /* folded: root first, frames divided by ';'; a ';' in a name becomes ':' */
	QUERY_BY_PROCESS,
	QUERY_BY_THREAD,
	QUERY_BY_UNIT,
	QUERY_BY_USER,
	N_QUERY_BY,
};

enum query_sort {
	QUERY_SORT_TOTAL, /* by hits anywhere on the stack, as ox_profile sorts by "most hits" */
	QUERY_SORT_SELF,
	QUERY_SORT_NAME,
};

/* The kind of frames that a query shows; frames of other kinds are taken out of every stack. */
enum query_kind {
	QUERY_KIND_ALL,
	QUERY_KIND_PYTHON,
	QUERY_KIND_NATIVE, /* without the kernel's */
};

/* Parses the words of the bus, such as "function" and "total"; a kind is "python" or "native".
 * Returns 0, or -EINVAL for any other text. */
int query_by_parse(const char *text, enum query_by *ret);
int query_sort_parse(const char *text, enum query_sort *ret);
int query_kind_parse(const char *text, enum query_kind *ret);

struct query {
	const char *filter; /* regular expression, searched in each row's name; NULL: all rows */
	uint32_t max;       /* of rows; 0: all */
	struct store_range range;
	const struct target *targets; /* a process that any of them matches is counted; none: all */
	size_t n_targets;
	enum query_sort sort; /* ties: by total, self and name, so that the order is fixed */
	enum query_by by;
	enum query_kind kind;
	/* Only what was this user's own process at the sample; UINT32_MAX: everybody's.
	 * range.owner is then the same, so that losses and the cover tell nothing of others. */
	uint32_t only_uid;
	bool without_kernel; /* kernel frames are left out; their hits are their callers' */
};

/* True if frames of some kind are taken out of the stacks. */
bool query_prunes(const struct query *query);
/* True if frames of that kind stay in the stacks. */
bool query_wants_kind(const struct query *query, enum frame_kind kind);
/* True if the result depends on which process was sampled. Otherwise no task need be read. */
bool query_needs_tasks(const struct query *query);
/* True if the query is about the task: its owner is wanted, and its process matches a target, if
 * there is one. A user is matched by name and by uid, a pid by each process that had the pid; a
 * cgroup, and a unit that is a slice, include everything below them; "all" matches everything. */
bool query_wants_task(const struct query *query, const struct store_task *task);
