/* SPDX-License-Identifier: MIT */
#include "client/top/stream.h"

#include <errno.h>

#include "daemon/base/clock.h"
#include "daemon/base/json.h"

#define RECORDS_MAX 50

static void add_row(struct json *json, const struct top_row *row, uint64_t samples)
{
	double all = samples ? (double)samples : 1;

	json_open(json, NULL, '{');
	json_add_text(json, "name", row->name->name);
	json_add_text(json, "file", row->name->file);
	json_add_known(json, "line", row->name->line);
	json_add_text(json, "kind", row->name->kind);
	json_add_known(json, "pid", row->name->pid);
	json_add_known(json, "tid", row->name->tid);
	json_add_u64(json, "self", row->self);
	json_add_u64(json, "total", row->total);
	json_add_double(json, "self_share", (double)row->self / all);
	json_add_double(json, "total_share", (double)row->total / all);
	json_close(json, '}');
}

static void add_counts(struct json *json, const char *key, struct json_object *counts)
{
	json_open(json, key, '{');
	json_object_object_foreach(counts, word, value)
	{
		(void)value;
		json_add_u64(json, word, tree_get_u64(counts, word));
	}
	json_close(json, '}');
}

static void add_status(struct json *json, const struct top_feed *feed)
{
	struct json_object *status = top_feed_get_status(feed);

	json_add_text(json, "state", status ? tree_get_text(status, "state") : NULL);
	json_add_known(json, "interval_ns", status ? tree_get_u64(status, "interval_ns") : 0);
	if (top_feed_get_daemon_share(feed) >= 0)
		json_add_double(json, "daemon_cpu_share", top_feed_get_daemon_share(feed));
	else
		json_add_null(json, "daemon_cpu_share");
	json_add_bool(json, "restricted", top_feed_is_restricted(feed));
	json_add_text(json, "error", top_feed_get_problem(feed));
}

static void add_sum(struct json *json, const struct top_sum *sum)
{
	json_add_double(json, "seconds", sum->seconds);
	json_add_u64(json, "samples", sum->samples);
	add_counts(json, "lost", sum->lost);
	add_counts(json, "stacks", sum->stacks);
	json_open(json, "records", '[');
	for (size_t i = 0; i < sum->n && i < RECORDS_MAX; i++)
		add_row(json, &sum->rows[i], sum->samples);
	json_close(json, ']');
}

static void add_nulls(struct json *json)
{
	static const char *const keys[] = {"seconds", "samples", "lost", "stacks", "records"};

	for (size_t i = 0; i < array_length(keys); i++)
		json_add_null(json, keys[i]);
}

/* Writes one object; sum is NULL where the counts of this second are not known. Returns 0 or a
 * negative errno. */
static int write_second(const struct top_feed *feed, const struct top_sum *sum, FILE *out)
{
	struct json json = {out, 1};

	errno = 0;
	json_open(&json, NULL, '{');
	json_add_u64(&json, "time", clock_realtime_usec());
	add_status(&json, feed);
	if (sum)
		add_sum(&json, sum);
	else
		add_nulls(&json);
	json_close(&json, '}');
	fputc('\n', out);
	if (fflush(out) == 0 && !ferror(out))
		return 0;
	/* errno is 0 where not the flush failed but an earlier write of this line. */
	return errno ? -errno : -EIO;
}

static int ask_and_write(struct top_feed *feed, enum top_sort sort, FILE *out)
{
	_cleanup_(top_sum_done) struct top_sum sum = {0};
	int r = top_feed_ask(feed);

	if (r != 0)
		return write_second(feed, NULL, out);
	r = top_model_sum(top_feed_get_model(feed), TOP_NEWEST, sort, &sum);
	if (r < 0)
		return r;
	return write_second(feed, &sum, out);
}

int top_stream_run(struct top_feed *feed, struct top_clock *clock, enum top_sort sort, FILE *out)
{
	struct top_events events;

	for (;;) {
		int r = top_clock_wait(clock, &events);

		if (r < 0)
			return r;
		if (events.end)
			return 0;
		if (!events.second)
			continue;
		r = ask_and_write(feed, sort, out);
		if (r < 0)
			return r;
	}
}
