/* SPDX-License-Identifier: MIT */
/* The summary of an export, with the fields of the answer to a query. */
#pragma once

#include "client/base/json_tree.h"
#include "client/graph/graph.h"
#include "client/profile/profile.h"
#include "daemon/base/json.h"

/* Makes the tree for render_footer(), without "distinct", which an export does not tell. The
 * profile must have been read to its end. The caller owns *ret. Returns 0 or -ENOMEM. */
int summary_make_tree(const struct profile_summary *summary, struct json_object **ret);
/* Returns `before` and "lost: 12 late, 3 store", or "" where there are no losses. The caller frees
 * it. NULL: no memory. */
char *summary_describe_losses(const struct profile_summary *summary, const char *before);
/* Returns the time that a hit stands for: the interval of the sessions that were observed. Where
 * they differ *ret_mixed is set, and it is their mean by time; without such a session it is the
 * interval of the profiler. 0: not known. */
double summary_find_interval_ns(const struct profile_summary *summary, bool *ret_mixed);
/* Writes "state", "since", "until", "interval_ns", "observed_usec", "samples", "stacks", "lost",
 * "restricted", "without_kernel" and "session" into an object that is open; null where they are not
 * known. */
void summary_write(const struct profile_summary *summary, struct json *json);
/* Writes "name", "function", "module", "file", "line" and "kind" as a record of query has them. */
void summary_write_function(const struct graph_function *function, struct json *json);
