/* SPDX-License-Identifier: MIT */
/* An export as the reports see it, whole and broken (stream.c, profile.c). */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>

#include "daemon/base/cleanup.h"
#include "tests/support/made/export.h"

define_cleanup(struct profile *, profile_free);

/* The hits as lines again, each with what distinguishes it at its end. */
struct hits_text {
	char *text;
	size_t size;
	FILE *out;
	int result; /* of the callback */
};

static void tell_stack(const struct profile *profile, uint32_t node, FILE *out)
{
	const struct profile_frame *frame = profile_frame(profile, profile_frame_of(profile, node));

	if (profile_parent(profile, node)) {
		tell_stack(profile, profile_parent(profile, node), out);
		fputc(';', out);
	}
	fputs(profile_name(profile, frame->name), out);
}

static int on_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct hits_text *told = userdata;

	if (hit->node)
		tell_stack(profile, hit->node, told->out);
	fprintf(told->out, " %" PRIu64, hit->n);
	if (hit->task)
		fprintf(told->out, " %s", profile_task(profile, hit->task)->thread);
	if (hit->slot)
		fprintf(told->out, " +%" PRIu64,
			profile_slot(profile, hit->slot)->start_usec - MADE_SINCE_USEC);
	fputc('\n', told->out);
	return told->result;
}

static int read_made(const struct made_export *made, struct hits_text *told, struct profile **ret,
		     char **ret_why)
{
	int r;

	told->out = open_memstream(&told->text, &told->size);
	r = profile_read(made_export_from(made), NULL, on_hit, told, ret, ret_why);
	fclose(told->out);
	return r;
}

static void check_told(const struct made_export *made, const char *expected)
{
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_free_ char *why = NULL;
	struct hits_text told = {0};

	cr_assert_eq(read_made(made, &told, &profile, &why), 0, "%s", why);
	cr_expect_str_eq(told.text, expected);
	cr_expect_null(why);
	free(told.text);
}

static void check_failure(const struct made_export *made, int error, const char *expected)
{
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_free_ char *why = NULL;
	struct hits_text told = {0};

	cr_expect_eq(read_made(made, &told, &profile, &why), error, "%d", made->fault);
	cr_expect_null(profile);
	cr_assert_not_null(why);
	cr_expect_not_null(strstr(why, expected), "%s", why);
	free(told.text);
}

static const char stacks[] = "main;work;inner 12\nmain;work 3\nmain;k:read;py:f 1\n 2\n";

Test(client_profile, tells_stacks)
{
	static const char expected[] = "main(app);work(app);inner(app) 12\n"
				       "main(app);work(app) 3\n"
				       "main(app);read(kernel);f(app.py) 1\n"
				       " 2\n";

	check_told(&(struct made_export){.stacks = stacks}, expected);
	check_told(&(struct made_export){.stacks = stacks, .lines_a_part = 1}, expected);
}

Test(client_profile, tells_tasks_and_slots)
{
	check_told(&(struct made_export){.stacks = "main 4/1\nmain 5/3/2\nmain 6/0/1\n",
					 .tasks = made_export_tasks,
					 .n_tasks = 3,
					 .slots = made_export_slots,
					 .n_slots = 2,
					 .lines_a_part = 1},
		   "main(app) 4 worker\nmain(app) 5 other +10000000\nmain(app) 6 +0\n");
}

/* Hits with a count of 0 are no hits. */
Test(client_profile, nothing)
{
	check_told(&(struct made_export){.stacks = ""}, "");
	check_told(&(struct made_export){.stacks = "main 0\n"}, "");
}

Test(client_profile, names)
{
	static const struct made_frame frames[] = {
		{"bare", {.function = "+0x12", .module = "libc.so.6", .build_id = "ab"}},
		{"alone", {.function = "alone"}},
		{"none", {.module = "m"}},
		{"bad", {.function = "a\nb\xff", .module = "\033[31m"}},
		{NULL, {0}},
	};

	check_told(&(struct made_export){.stacks = "bare;alone;none;bad 1\n", .frames = frames},
		   "libc.so.6+0x12;alone;[unknown](m);"
		   "a\xef\xbf\xbd"
		   "b\xef\xbf\xbd(\xef\xbf\xbd[31m) 1\n");
}

/* Lines and addresses of one function are one name; its line is the smallest that is known. */
Test(client_profile, frames_of_a_function)
{
	static const struct made_frame frames[] = {
		{"f@", {"f", "app", "app.c", "", 0x10, 0, 0, FRAME_NATIVE, true}},
		{"other", {"f", "app", "other.c", "", 0, 0, 0, FRAME_NATIVE, false}},
		{NULL, {0}},
	};
	static const struct made_export made = {.stacks = "f:9;f:7;f@;f:8;other 1\n",
						.frames = frames};
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_free_ char *why = NULL;
	const struct profile_frame *named;
	struct hits_text told = {0};

	cr_assert_eq(read_made(&made, &told, &profile, &why), 0);
	cr_expect_eq(profile_count_frames(profile), 5);
	cr_expect_eq(profile_count_names(profile), 3); /* two names and the unknown one */
	named = profile_name_frame(profile, profile_frame(profile, 1)->name);
	cr_expect_eq(named->line, 7);
	cr_expect(named->focus);
	cr_expect_eq(profile_frame(profile, 1)->line, 9);
	cr_expect_eq(profile_frame(profile, 3)->offset, 0x10);
	cr_expect_neq(profile_frame(profile, 1)->name, profile_frame(profile, 5)->name);
	cr_expect_str_eq(profile_name(profile, profile_frame(profile, 0)->name), "[unknown]");
	free(told.text);
}

Test(client_profile, summary)
{
	static const struct made_export made = {
		.stacks = stacks, .restricted = true, .samples = 50};
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_free_ char *why = NULL;
	const struct profile_summary *summary;
	struct hits_text told = {0};

	cr_assert_eq(read_made(&made, &told, &profile, &why), 0);
	summary = profile_summary(profile);
	cr_expect_str_eq(summary->state, "running");
	cr_expect_eq(summary->since_usec, MADE_SINCE_USEC);
	cr_expect_eq(summary->until_usec, MADE_UNTIL_USEC);
	cr_expect_eq(summary->interval_ns, MADE_INTERVAL_NS);
	cr_expect_eq(summary->observed_usec, 60000000);
	cr_expect(summary->restricted && !summary->without_kernel);
	cr_assert_eq(summary->n_sessions, 1);
	cr_expect_eq(summary->sessions[0].id, 1);
	cr_assert_eq(summary->n_lost, 1);
	cr_expect_str_eq(summary->lost[0].reason, "late");
	cr_expect_eq(summary->lost[0].n, 3);
	cr_expect_eq(summary->samples, 50);
	cr_assert_eq(summary->n_stacks, 1);
	cr_expect_eq(summary->stacks[0].n, 18);
	free(told.text);
}

Test(client_profile, broken)
{
	static const struct {
		enum made_fault fault;
		int error;
		const char *why;
	} rows[] = {
		{MADE_NO_END, -EPIPE, "broke off"},
		{MADE_CUT, -EPIPE, "broke off"},
		{MADE_NO_SUMMARY, -EBADMSG, "cannot be read"},
		{MADE_BAD_NODE, -EBADMSG, "cannot be read"},
		{MADE_BAD_PARENT, -EBADMSG, "cannot be read"},
		{MADE_BAD_TEXT, -EBADMSG, "cannot be read"},
		{MADE_BAD_COLUMN, -EBADMSG, "cannot be read"},
		{MADE_BAD_BYTES, -EBADMSG, "cannot be read"},
		{MADE_TOO_LONG, -EBADMSG, "cannot be read"},
		{MADE_BEYOND, -EBADMSG, "cannot be read"},
	};

	for (size_t i = 0; i < array_length(rows); i++)
		check_failure(&(struct made_export){.stacks = stacks, .fault = rows[i].fault},
			      rows[i].error, rows[i].why);
	check_failure(&(struct made_export){.stacks = stacks, .failure = "the disk is gone"},
		      -EREMOTEIO, "the disk is gone");
}

/* A failure of the callback is left to the caller to explain. */
Test(client_profile, callback_fails)
{
	static const struct made_export made = {.stacks = stacks};
	struct hits_text told = {.result = -EBADMSG};
	struct profile *profile = NULL;
	char *why = NULL;

	cr_expect_eq(read_made(&made, &told, &profile, &why), -EBADMSG);
	cr_expect_null(profile);
	cr_expect_null(why);
	cr_expect_str_eq(told.text, "main(app);work(app);inner(app) 12\n");
	free(told.text);
}
