/* SPDX-License-Identifier: MIT */
#include "client/render/render.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/base/text.h"
#include "daemon/base/clock.h"

#define KEY_WIDTH  9  /* of the longest key */
#define UNREAD_MAX 10 /* lines of interpreters whose frames have no names */

static void print_key(const char *key, FILE *out)
{
	assert(strlen(key) <= KEY_WIDTH);
	fprintf(out, "%*s%s ", KEY_WIDTH, key, *key ? ":" : " ");
}

/* Prints text from another program, without control characters. */
static void print_clean(const char *text, FILE *out)
{
	_cleanup_free_ char *clean = text_clean_copy(text);

	fputs(clean ?: "-", out);
}

static void print_title(struct json_object *status, const struct screen *screen, FILE *out)
{
	bool running = strcmp(tree_get_text(status, "state"), "running") == 0;

	fprintf(out, "%s\xe2\x97\x8f%s oxprofd ", screen_style(screen, running ? STYLE_GOOD : ""),
		screen_style(screen, running ? STYLE_OFF : ""));
	print_clean(tree_get_text(status, "version"), out);
	fputc('\n', out);
}

static void print_notice(struct json_object *status, const struct screen *screen, FILE *out)
{
	if (!tree_has(status, "notice"))
		return;
	print_key("Notice", out);
	fputs(screen_style(screen, STYLE_BAD), out);
	print_clean(tree_get_text(status, "notice"), out);
	fprintf(out, "%s\n", screen_style(screen, STYLE_OFF));
}

static void print_state(struct json_object *status, const struct screen *screen, FILE *out)
{
	const char *state = tree_get_text(status, "state");
	bool running = strcmp(state, "running") == 0;
	char span[CLOCK_TEXT_BYTES];

	print_key("State", out);
	fputs(screen_style(screen, running ? STYLE_GOOD : ""), out);
	print_clean(state, out);
	fputs(screen_style(screen, running ? STYLE_OFF : ""), out);
	if (running && tree_get_u64(status, "running_usec") > 0)
		fprintf(out, " for %s",
			clock_format_span(tree_get_u64(status, "running_usec"), span));
	if (tree_has(status, "session"))
		fprintf(out, " (session %" PRIu64 ")", tree_get_u64(status, "session"));
	fputc('\n', out);
}

static void print_user(uint64_t uid, FILE *out)
{
	_cleanup_free_ char *user = render_user(uid);

	print_clean(user ?: "-", out);
}

/* Prints "7 - running for 2min 3s, by alice, 10.1ms, 1234 samples, 5 lost". */
static void print_order(struct json_object *order, FILE *out)
{
	char text[TEXT_NUMBER_BYTES], span[CLOCK_TEXT_BYTES];

	if (tree_has(order, "session"))
		fprintf(out, "%" PRIu64 " - ", tree_get_u64(order, "session"));
	print_clean(tree_get_text(order, "state"), out);
	if (tree_get_u64(order, "running_usec") > 0)
		fprintf(out, " for %s",
			clock_format_span(tree_get_u64(order, "running_usec"), span));
	if (tree_has(order, "owner")) {
		fputs(", by ", out);
		print_user(tree_get_u64(order, "owner"), out);
	}
	fprintf(out, ", %s, %" PRIu64 " samples",
		text_format_interval(tree_get_double(order, "interval_ns"), text),
		tree_get_u64(order, "samples"));
	if (sum_losses(tree_get_object(order, "lost")))
		fprintf(out, ", %" PRIu64 " lost", sum_losses(tree_get_object(order, "lost")));
	fputc('\n', out);
}

/* True if the sessions have to be told apart: one alone is what all the other lines are about. */
static bool has_sessions(struct json_object *status, const struct request *request)
{
	struct json_object *orders = tree_get_rows(status, "sessions");
	size_t n = orders ? json_object_array_length(orders) : 0;

	return n > 1 || (n > 0 && request->all_users);
}

/* Prints the sessions where there are several, and that others profile, too. */
static void print_sessions(struct json_object *status, const struct request *request, FILE *out)
{
	struct json_object *orders = tree_get_rows(status, "sessions");
	uint64_t others = tree_get_u64(status, "other_sessions");

	if (has_sessions(status, request))
		for (size_t i = 0; i < json_object_array_length(orders); i++) {
			print_key(i == 0 ? "Sessions" : "", out);
			print_order(json_object_array_get_idx(orders, i), out);
		}
	if (others == 0)
		return;
	print_key("Others", out);
	fprintf(out, "%" PRIu64 " session%s of other users run%s; --all-users shows %s\n", others,
		others == 1 ? "" : "s", others == 1 ? "s" : "", others == 1 ? "it" : "them");
}

static void print_target_samples(struct json_object *target, FILE *out)
{
	struct json_object *stacks = tree_get_object(target, "stacks");
	_cleanup_free_ char *ends = render_ends(stacks);
	double share = stacks_get_share(stacks);

	if (!tree_get_u64(target, "samples"))
		return;
	fprintf(out, ", %" PRIu64 " samples", tree_get_u64(target, "samples"));
	if (share >= 0 && share < 100) {
		fprintf(out, " (%.1f %% of the stacks whole; ", share);
		print_clean(ends ?: "", out);
		fputc(')', out);
	}
}

static void print_target(struct json_object *target, bool with_session, FILE *out)
{
	char until[CLOCK_TEXT_BYTES];

	print_clean(tree_get_text(target, "target"), out);
	fputs(" - ", out);
	print_clean(tree_get_text(target, "state"), out);
	if (tree_get_bool(target, "children"))
		fputs(", with children", out);
	if (tree_has(target, "owner")) {
		fputs(", by ", out);
		print_user(tree_get_u64(target, "owner"), out);
	}
	if (with_session && tree_has(target, "session"))
		fprintf(out, ", session %" PRIu64, tree_get_u64(target, "session"));
	print_target_samples(target, out);
	if (tree_has(target, "until"))
		fprintf(out, ", until %s",
			clock_format_local(tree_get_u64(target, "until"), until));
	fputc('\n', out);
}

/* Prints what is in the kernel, and so what an unpause would wait for. */
static void print_kernel(struct json_object *status, FILE *out)
{
	static const struct {
		const char *state;
		const char *text;
	} texts[] = {
		{"unloaded", "nothing loaded"},
		{"loading", "loading: the kernel verifies the BPF programs"},
		{"opening", "opening a timer on each CPU"},
		{"loaded", "BPF programs loaded"},
		{"failed", "BPF programs not usable, see the notice"},
	};
	char span[CLOCK_TEXT_BYTES];

	for (size_t i = 0; i < array_length(texts); i++) {
		if (strcmp(tree_get_text(status, "kernel"), texts[i].state) != 0)
			continue;
		print_key("Kernel", out);
		fputs(texts[i].text, out);
		if (tree_get_u64(status, "loading_usec"))
			fprintf(out, ", for %s",
				clock_format_span(tree_get_u64(status, "loading_usec"), span));
		fputc('\n', out);
	}
}

static void print_targets(struct json_object *status, bool with_session, FILE *out)
{
	struct json_object *targets = tree_get_rows(status, "targets");
	size_t n = json_object_array_length(targets);

	if (n == 0) {
		print_key("Targets", out);
		fputs("none\n", out);
	}
	for (size_t i = 0; i < n; i++) {
		print_key(i == 0 ? "Targets" : "", out);
		print_target(json_object_array_get_idx(targets, i), with_session, out);
	}
}

static void print_interval(struct json_object *status, FILE *out)
{
	double wanted = tree_get_double(status, "interval_ns");
	double mean = tree_get_double(status, "achieved_mean_ns");
	char text[TEXT_NUMBER_BYTES], deviation[TEXT_NUMBER_BYTES];

	print_key("Interval", out);
	fprintf(out, "%s wanted", text_format_interval(wanted, text));
	if (wanted > 0)
		fprintf(out, " (%.4g Hz)", 1e9 / wanted);
	if (mean > 0)
		fprintf(out, ", %s \xc2\xb1 %s achieved", text_format_interval(mean, text),
			text_format_interval(tree_get_double(status, "achieved_sd_ns"), deviation));
	fputc('\n', out);
}

/* Prints a line for each loss. Returns the number of lines. */
static unsigned print_losses(struct json_object *lost, const char *title, bool in_part, FILE *out)
{
	unsigned lines = 0;

	json_object_object_foreach(lost, reason, value)
	{
		uint64_t n = json_object_get_uint64(value);

		if (n == 0 || loss_is_in_part(reason) != in_part)
			continue;
		print_key(lines++ ? "" : title, out);
		fprintf(out, "%" PRIu64 " ", n);
		print_clean(reason, out);
		fputc('\n', out);
	}
	return lines;
}

static void print_all_losses(struct json_object *status, FILE *out)
{
	struct json_object *lost = tree_get_object(status, "lost");

	if (!lost || !print_losses(lost, "Lost", false, out)) {
		print_key("Lost", out);
		fputs("none\n", out);
	}
	if (lost)
		(void)print_losses(lost, "In part", true, out);
}

static void print_stacks(struct json_object *status, FILE *out)
{
	_cleanup_free_ char *stacks = render_stacks(tree_get_object(status, "stacks"));

	if (!stacks || !*stacks)
		return;
	print_key("Stacks", out);
	print_clean(stacks, out);
	fputc('\n', out);
}

static void print_tables(struct json_object *status, FILE *out)
{
	static const struct {
		const char *key;
		const char *text;
	} counts[] = {
		{"unwind_waiting", "being made"},
		{"unwind_refused", "cannot be made"},
		{"unwind_evicted", "had to make room"},
	};
	char bytes[TEXT_NUMBER_BYTES], budget[TEXT_NUMBER_BYTES];
	const char *gap = "; ";

	if (!tree_has(status, "unwind_tables"))
		return;
	print_key("Unwinding", out);
	fprintf(out, "%" PRIu64 " tables, %s of %s", tree_get_u64(status, "unwind_tables"),
		text_format_bytes(tree_get_u64(status, "unwind_bytes"), bytes),
		text_format_bytes(tree_get_u64(status, "unwind_budget_bytes"), budget));
	for (size_t i = 0; i < array_length(counts); i++) {
		if (!tree_get_u64(status, counts[i].key))
			continue;
		fprintf(out, "%s%" PRIu64 " %s", gap, tree_get_u64(status, counts[i].key),
			counts[i].text);
		gap = ", ";
	}
	fputc('\n', out);
}

/* Prints "CPython 3.11.2: 10, CPython 3.9.18: 2", most first. Empties `counts`. */
static void print_counts(struct json_object *counts, FILE *out)
{
	for (const char *gap = ""; json_object_object_length(counts) > 0; gap = ", ") {
		const char *most = NULL;
		uint64_t n = 0;

		json_object_object_foreach(counts, name, value)
		{
			if (json_object_get_uint64(value) <= n)
				continue;
			n = json_object_get_uint64(value);
			most = name;
		}
		if (!most)
			return;
		fputs(gap, out);
		print_clean(*most ? most : "-", out);
		fprintf(out, ": %" PRIu64, n);
		json_object_object_del(counts, most);
	}
}

static bool interpreter_is_read(struct json_object *interpreter)
{
	return !strcmp(tree_get_text(interpreter, "state"), "read");
}

/* Prints how many interpreters there are whose frames have names. Returns 0 or -ENOMEM. */
static int print_read_interpreters(struct json_object *rows, uint64_t *ret_n, FILE *out)
{
	_cleanup_tree_ struct json_object *counts = json_object_new_object();
	uint64_t n = 0;

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		const char *name = tree_get_text(row, "name");
		int r;

		if (!interpreter_is_read(row))
			continue;
		n++;
		r = tree_add(counts, name, json_object_new_uint64(tree_get_u64(counts, name) + 1));
		if (r < 0)
			return r;
	}
	*ret_n = n;
	if (!n)
		return 0;
	print_key("Python", out);
	fprintf(out, "%" PRIu64 " process%s (", n, n == 1 ? "" : "es");
	print_counts(counts, out);
	fputs(")\n", out);
	return 0;
}

static void print_interpreter(struct json_object *interpreter, FILE *out)
{
	fprintf(out, "pid %" PRIu64 " (", tree_get_u64(interpreter, "pid"));
	print_clean(tree_get_text(interpreter, "comm"), out);
	fputs("): ", out);
	print_clean(tree_get_text(interpreter, "name"), out);
	fputs(": ", out);
	print_clean(tree_get_text(interpreter, tree_has(interpreter, "note") ? "note" : "state"),
		    out);
	fputc('\n', out);
}

/* Prints a line for each interpreter whose frames have no names, up to a number, and one for the
 * rest. */
static int print_interpreters(struct json_object *status, FILE *out)
{
	struct json_object *rows = tree_get_rows(status, "interpreters");
	size_t n = rows ? json_object_array_length(rows) : 0;
	uint64_t total = tree_get_u64(status, "interpreters_total"), n_read = 0, lines = 0;
	int r = rows ? print_read_interpreters(rows, &n_read, out) : 0;

	if (r < 0)
		return r;
	assert(n_read <= n);
	for (size_t i = 0; i < n && lines < UNREAD_MAX; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (interpreter_is_read(row))
			continue;
		print_key(n_read || lines ? "" : "Python", out);
		print_interpreter(row, out);
		lines++;
	}
	if ((total > n ? total : n) > n_read + lines) {
		print_key("", out);
		fprintf(out, "and %" PRIu64 " more\n", (total > n ? total : n) - n_read - lines);
	}
	return 0;
}

static void print_cost(struct json_object *status, FILE *out)
{
	print_key("Cost", out);
	fprintf(out, "daemon %.3fs CPU", (double)tree_get_u64(status, "daemon_cpu_usec") / 1e6);
	if (tree_get_double(status, "sample_cost_ns") > 0)
		fprintf(out, ", kernel %.0fns per sample",
			tree_get_double(status, "sample_cost_ns"));
	fputc('\n', out);
}

static void print_database(struct json_object *status, FILE *out)
{
	char size[TEXT_NUMBER_BYTES], since[CLOCK_TEXT_BYTES];
	uint64_t max = tree_get_u64(status, "database_max_bytes");
	uint64_t oldest = tree_get_u64(status, "history_since");

	print_key("Database", out);
	print_clean(tree_get_text(status, "database_path"), out);
	fprintf(out, " (%s", text_format_bytes(tree_get_u64(status, "database_bytes"), size));
	if (max)
		fprintf(out, " of at most %s", text_format_bytes(max, size));
	if (oldest)
		fprintf(out, ", since %s", clock_format_local(oldest, since));
	fputs(")\n", out);
}

int render_status(struct json_object *status, const struct request *request,
		  const struct screen *screen, FILE *out)
{
	int r;

	print_title(status, screen, out);
	print_notice(status, screen, out);
	print_state(status, screen, out);
	print_sessions(status, request, out);
	print_kernel(status, out);
	print_targets(status, has_sessions(status, request), out);
	print_key("Mode", out);
	print_clean(tree_get_text(status, "mode"), out);
	fputc('\n', out);
	print_interval(status, out);
	print_key("Samples", out);
	fprintf(out, "%" PRIu64 "\n", tree_get_u64(status, "samples"));
	print_stacks(status, out);
	print_all_losses(status, out);
	print_tables(status, out);
	r = print_interpreters(status, out);
	print_cost(status, out);
	print_database(status, out);
	return r;
}
