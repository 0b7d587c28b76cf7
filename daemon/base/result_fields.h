/* SPDX-License-Identifier: MIT */
/*
 * The fields of the answer to a query, once. The JSON object (daemon/query/result.c), the reply of
 * Query (daemon/bus/query.c), the keys that the client expects (client/bus/bus.c) and the columns
 * of CSV (client/render/csv.c) are made from these lists. A new field is a line here, a member in
 * daemon/query/result.h and the code that sets it.
 *
 * X(key, type, member). JSON and CSV have the fields in this order, the bus has them by type in the
 * order of enum result_type. The types, and what they are on the bus:
 *   TEXT   s, absent where it is "" (null in JSON)
 *   KNOWN  u, absent where it is 0 (null in JSON)
 *   NUMBER t, absent where it is 0 (null in JSON)
 *   COUNT  t
 *   SHARE  d, a COUNT divided by the samples of the answer
 *   FLAG   b
 *   STOPS  a{st}, samples by how their user stack ends: root, cut, no-table, broken, unreadable,
 *          no-rule, python-broken; samples without user frames are in none
 *   LOST   a{st}
 */
#pragma once

/* since, until: usec, UTC. restricted: only the caller's own processes are in the answer.
 * without_kernel: frames of the kernel are left out, the caller has no right to see them.
 * session: the only one that the answer is about; then state is that of this session. */
#define RESULT_SUMMARY_FIELDS(X)                  \
	X("state", TEXT, state)                   \
	X("since", COUNT, since_usec)             \
	X("until", COUNT, until_usec)             \
	X("interval_ns", COUNT, interval_ns)      \
	X("samples", COUNT, samples)              \
	X("distinct", COUNT, distinct)            \
	X("stacks", STOPS, stops)                 \
	X("lost", LOST, lost)                     \
	X("restricted", FLAG, restricted)         \
	X("without_kernel", FLAG, without_kernel) \
	X("session", NUMBER, session)

#define RESULT_ROW_FIELDS(X)          \
	X("name", TEXT, name)         \
	X("function", TEXT, function) \
	X("module", TEXT, module)     \
	X("file", TEXT, file)         \
	X("line", KNOWN, line)        \
	X("kind", TEXT, kind)         \
	X("pid", KNOWN, pid)          \
	X("tid", KNOWN, tid)          \
	X("self", COUNT, self)        \
	X("total", COUNT, total)      \
	X("self_share", SHARE, self)  \
	X("total_share", SHARE, total)

/* Makes an array of the keys from a list. */
#define RESULT_KEY(key, type, member) key,
