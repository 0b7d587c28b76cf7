/* SPDX-License-Identifier: MIT */
/* What an export is of, in the words of the answer to a query. */
#pragma once

#include "client/base/json_tree.h"
#include "client/graph/graph.h"
#include "client/profile/profile.h"
#include "daemon/base/json.h"

/* The fields below a table (render_footer()), but for "distinct", which is not known of an export.
 * Of a profile that was read to its end. The caller owns *ret. 0 or -ENOMEM. */
int summary_make_tree(const struct profile_summary *summary, struct json_object **ret);
/* "lost: 12 late, 3 store" behind `before`; no loss: "". The caller frees. NULL: no memory. */
char *summary_describe_losses(const struct profile_summary *summary, const char *before);
/* For how much time a hit stands: the interval of the sessions that were observed, where they have
 * different ones (*ret_mixed) their mean by time; without such a session that of the profiler. 0:
 * not known. */
double summary_find_interval_ns(const struct profile_summary *summary, bool *ret_mixed);
/* "state", "since", "until", "interval_ns", "observed_usec", "samples", "stacks", "lost",
 * "restricted", "without_kernel" into an object that is open; unknown is null. */
void summary_write(const struct profile_summary *summary, struct json *json);
/* "name", "function", "module", "file", "line", "kind", as of a record of query. */
void summary_write_function(const struct graph_function *function, struct json *json);
