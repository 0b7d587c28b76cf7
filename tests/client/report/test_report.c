/* SPDX-License-Identifier: MIT */
/* Reports from the command line to the bytes of the file: folded, pprof, speedscope. */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <sys/stat.h>
#include <zlib.h>

#include "client/report/pprof.pb-c.h"
#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "tests/support/directory.h"
#include "tests/support/export_service.h"

static char directory[4096];

static void enter(void)
{
	setenv("TZ", "UTC", 1);
	directory_make(directory, sizeof(directory));
	cr_assert_eq(chdir(directory), 0);
	/* Warnings are not looked at here. */
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
}

static void leave(void)
{
	directory_remove(directory);
}

TestSuite(client_report, .init = enter, .fini = leave);

static const char stacks[] = "main;work:7;inner 12/1\n"
			     "main;work:9;inner 3/1\n"
			     "main;k:read;py:f:4 5/3\n"
			     "main;<script>alert(1)</script>&\"\\;x 2/2\n"
			     " 4\n";
#define N_HITS 26

static const struct made_export made = {
	.stacks = stacks, .tasks = made_export_tasks, .n_tasks = 3, .lines_a_part = 2};

static size_t read_file(const char *name, char **ret)
{
	FILE *file = fopen(name, "re");
	size_t n;

	cr_assert_not_null(file, "%s", name);
	*ret = calloc(1, 1 << 20);
	n = fread(*ret, 1, (1 << 20) - 1, file);
	fclose(file);
	return n;
}

static void write_report(const struct made_export *from, const char *line)
{
	struct export_service service = {.exports = from, .n_exports = 1};
	_cleanup_free_ char *why = NULL;

	cr_assert_eq(export_service_report(&service, line, NULL, &why), 0, "%s", why);
	free(service.asked);
}

static void expect_failure(struct export_service *service, const char *line, int error,
			   const char *expected)
{
	_cleanup_free_ char *why = NULL;

	cr_expect_eq(export_service_report(service, line, NULL, &why), error);
	cr_expect_str_eq(why, expected);
	free(service->asked);
}

/* ---- folded ---- */

Test(client_report, folded)
{
	_cleanup_free_ char *text = NULL;

	write_report(&made, "query -o a.folded");
	read_file("a.folded", &text);
	cr_expect_str_eq(text, "main(app);work(app);inner(app) 12\n"
			       "main(app);work(app);inner(app) 3\n"
			       "main(app);read(kernel);f(app.py) 5\n"
			       "main(app);<script>alert(1)</script>&\":x(app) 2\n"
			       "[no stack] 4\n");
}

Test(client_report, asks_for_what_was_given)
{
	struct export_service service = {.exports = &made, .n_exports = 1};
	_cleanup_free_ char *why = NULL;

	cr_assert_eq(
		export_service_report(&service,
				      "query --pid=1 --filter=^a --since=@5 --until=@6 --session=3 "
				      "--python-only -o a.folded",
				      NULL, &why),
		0);
	cr_expect_str_eq(service.asked,
			 "since 5000000 until 6000000 session 3 filter ^a kind python targets "
			 "pid:1 dimensions stack\n");
	free(service.asked);
}

/* ---- speedscope ---- */

static struct json_object *get(struct json_object *tree, const char *key)
{
	struct json_object *value = NULL;

	cr_assert(json_object_object_get_ex(tree, key, &value), "%s", key);
	return value;
}

static void expect_scope_stack(struct json_object *tree, size_t i, const char *expected)
{
	struct json_object *profile = json_object_array_get_idx(get(tree, "profiles"), 0);
	struct json_object *frames = get(get(tree, "shared"), "frames");
	struct json_object *sample = json_object_array_get_idx(get(profile, "samples"), i);
	char text[4096] = "";

	for (size_t k = 0; k < json_object_array_length(sample); k++) {
		size_t at = json_object_get_uint64(json_object_array_get_idx(sample, k));

		strcat(text, k ? "|" : "");
		strcat(text,
		       json_object_get_string(get(json_object_array_get_idx(frames, at), "name")));
	}
	strcat(text, " ");
	strcat(text, json_object_get_string(json_object_array_get_idx(get(profile, "weights"), i)));
	cr_expect_str_eq(text, expected);
}

Test(client_report, speedscope)
{
	struct json_object *tree, *profile, *frame;
	_cleanup_free_ char *text = NULL;

	write_report(&made, "query -o a.speedscope.json");
	read_file("a.speedscope.json", &text);
	tree = json_tokener_parse(text);
	cr_assert_not_null(tree);
	cr_expect_str_eq(json_object_get_string(get(tree, "$schema")),
			 "https://www.speedscope.app/file-format-schema.json");
	cr_expect_str_eq(json_object_get_string(get(tree, "exporter")), "oxprof@" OX_VERSION);
	profile = json_object_array_get_idx(get(tree, "profiles"), 0);
	cr_expect_str_eq(json_object_get_string(get(profile, "type")), "sampled");
	cr_expect_str_eq(json_object_get_string(get(profile, "unit")), "none");
	cr_expect_eq(json_object_get_uint64(get(profile, "endValue")), N_HITS);
	cr_assert_eq(json_object_array_length(get(profile, "samples")), 5);
	cr_assert_eq(json_object_array_length(get(profile, "weights")), 5);
	expect_scope_stack(tree, 0, "main(app)|work(app)|inner(app) 12");
	expect_scope_stack(tree, 1, "main(app)|work(app)|inner(app) 3");
	expect_scope_stack(tree, 2, "main(app)|read(kernel)|f(app.py) 5");
	expect_scope_stack(tree, 3, "main(app)|<script>alert(1)</script>&\";x(app) 2");
	expect_scope_stack(tree, 4, "[no stack] 4");
	/* 0 is no stack, 1 the unknown function; of a function the smallest line. */
	frame = json_object_array_get_idx(get(get(tree, "shared"), "frames"), 3);
	cr_expect_str_eq(json_object_get_string(get(frame, "name")), "work(app)");
	cr_expect_str_eq(json_object_get_string(get(frame, "file")), "app.c");
	cr_expect_eq(json_object_get_uint64(get(frame, "line")), 7);
	json_object_put(tree);
}

/* ---- pprof ---- */

static Perftools__Profile *read_pprof(const char *name)
{
	_cleanup_free_ char *packed = NULL;
	_cleanup_free_ uint8_t *bytes = calloc(1, 1 << 20);
	z_stream z = {0};
	Perftools__Profile *profile;

	cr_assert_eq(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
	z.avail_in = (unsigned)read_file(name, &packed);
	z.next_in = (unsigned char *)packed;
	z.next_out = bytes;
	z.avail_out = 1 << 20;
	cr_assert_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	cr_expect_eq(z.avail_in, 0);
	profile = perftools__profile__unpack(NULL, z.total_out, bytes);
	inflateEnd(&z);
	cr_assert_not_null(profile);
	return profile;
}

static const char *text_of(const Perftools__Profile *profile, int64_t number)
{
	cr_assert(number >= 0 && (uint64_t)number < profile->n_string_table);
	return profile->string_table[number];
}

static const Perftools__Location *location_of(const Perftools__Profile *profile, uint64_t id)
{
	for (size_t i = 0; i < profile->n_location; i++)
		if (profile->location[i]->id == id)
			return profile->location[i];
	cr_assert(false, "no location %" PRIu64, id);
	return NULL;
}

static const Perftools__Function *function_of(const Perftools__Profile *profile, uint64_t id)
{
	for (size_t i = 0; i < profile->n_function; i++)
		if (profile->function[i]->id == id)
			return profile->function[i];
	cr_assert(false, "no function %" PRIu64, id);
	return NULL;
}

/* Prints a sample as "leaf@file:line<... 12 120000000 pid=100 comm=app", in the order of the
 * file. */
static void print_sample(const Perftools__Profile *profile, const Perftools__Sample *sample,
			 FILE *out)
{
	for (size_t i = 0; i < sample->n_location_id; i++) {
		const Perftools__Location *location = location_of(profile, sample->location_id[i]);
		const Perftools__Function *function =
			function_of(profile, location->line[0]->function_id);

		fprintf(out, "%s%s@%s:%" PRId64, i ? "<" : "", text_of(profile, function->name),
			text_of(profile, function->filename), location->line[0]->line);
	}
	for (size_t i = 0; i < sample->n_value; i++)
		fprintf(out, " %" PRId64, sample->value[i]);
	for (size_t i = 0; i < sample->n_label; i++) {
		const Perftools__Label *label = sample->label[i];

		fprintf(out, " %s=", text_of(profile, label->key));
		if (label->str)
			fputs(text_of(profile, label->str), out);
		else
			fprintf(out, "%" PRId64, label->num);
	}
	fputc('\n', out);
}

Test(client_report, pprof_samples)
{
	Perftools__Profile *profile;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	write_report(&made, "query -o a.pb.gz");
	profile = read_pprof("a.pb.gz");
	for (size_t i = 0; i < profile->n_sample; i++)
		print_sample(profile, profile->sample[i], out);
	fclose(out);
	cr_expect_str_eq(
		text,
		"inner(app)@app.c:0<work(app)@app.c:7<main(app)@app.c:0 12 120000000 pid=100 "
		"tid=101 thread=worker comm=app unit=app.service user=alice\n"
		"inner(app)@app.c:0<work(app)@app.c:9<main(app)@app.c:0 3 30000000 pid=100 "
		"tid=101 thread=worker comm=app unit=app.service user=alice\n"
		"f(app.py)@/srv/app.py:4<read(kernel)@:0<main(app)@app.c:0 5 50000000 pid=200 "
		"tid=200 thread=other comm=other user=bob\n"
		"<script>alert(1)</script>&\";x(app)@app.c:0<main(app)@app.c:0 2 20000000 pid=100 "
		"tid=100 thread=app comm=app unit=app.service user=alice\n"
		"[no stack]@:0 4 40000000\n");
	perftools__profile__free_unpacked(profile, NULL);
}

Test(client_report, pprof_of_the_whole)
{
	static const struct made_frame frames[] = {
		{"a", {"f", "libc.so.6", "f.c", "ab12", 0x1234, 0, 0, FRAME_NATIVE, false}},
		{"b",
		 {"g", "libc.so.6", "/lib/libc.so.6", "ab12", 0x12345, 0, 0, FRAME_NATIVE, false}},
		{"c", {"f", "libc.so.6", "f.c", "cd34", 0x10, 0, 0, FRAME_NATIVE, false}},
		{"d", {"h", "mod", "/x.py", "", 0, 3, 0, FRAME_PYTHON, false}},
		{NULL, {0}},
	};
	Perftools__Profile *profile;

	write_report(&(struct made_export){.stacks = "a;b;c;d 2\n", .frames = frames},
		     "query -o a.pb.gz");
	profile = read_pprof("a.pb.gz");
	cr_assert_eq(profile->n_sample_type, 2);
	cr_expect_str_eq(text_of(profile, 0), "");
	cr_expect_str_eq(text_of(profile, profile->sample_type[0]->type), "samples");
	cr_expect_str_eq(text_of(profile, profile->sample_type[0]->unit), "count");
	cr_expect_str_eq(text_of(profile, profile->sample_type[1]->type), "cpu");
	cr_expect_str_eq(text_of(profile, profile->sample_type[1]->unit), "nanoseconds");
	cr_expect_str_eq(text_of(profile, profile->period_type->type), "cpu");
	cr_expect_eq(profile->period, (int64_t)MADE_INTERVAL_NS);
	cr_expect_eq(profile->time_nanos, (int64_t)(MADE_SINCE_USEC * 1000));
	cr_expect_eq(profile->duration_nanos, INT64_C(60000000000));
	cr_assert_eq(profile->n_mapping, 2);
	cr_expect_str_eq(text_of(profile, profile->mapping[0]->filename), "/lib/libc.so.6");
	cr_expect_str_eq(text_of(profile, profile->mapping[1]->filename), "libc.so.6");
	cr_expect_str_eq(text_of(profile, profile->mapping[0]->build_id), "ab12");
	cr_expect_eq(profile->mapping[0]->memory_limit, 0x13000);
	cr_expect(profile->mapping[0]->has_functions && profile->mapping[0]->has_line_numbers);
	cr_expect_str_eq(text_of(profile, profile->mapping[1]->build_id), "cd34");
	/* From the leaf: Python is in no mapping. */
	cr_expect_eq(location_of(profile, profile->sample[0]->location_id[0])->mapping_id, 0);
	cr_expect_eq(location_of(profile, profile->sample[0]->location_id[1])->mapping_id, 2);
	cr_expect_eq(location_of(profile, profile->sample[0]->location_id[2])->address, 0x12345);
	cr_expect_str_eq(
		text_of(profile, function_of(profile, location_of(profile, 3)->line[0]->function_id)
					 ->system_name),
		"f");
	perftools__profile__free_unpacked(profile, NULL);
}

/* The same bytes for the same samples. */
Test(client_report, pprof_is_reproducible)
{
	_cleanup_free_ char *one = NULL, *two = NULL;
	size_t n;

	write_report(&made, "query -o a.pb.gz");
	write_report(&made, "query -o b.pb.gz");
	n = read_file("a.pb.gz", &one);
	cr_assert_eq(read_file("b.pb.gz", &two), n);
	cr_expect_arr_eq(one, two, n);
}

/* ---- no samples, and failures ---- */

Test(client_report, no_samples)
{
	static const struct made_export nothing = {.stacks = ""};
	_cleanup_free_ char *folded = NULL, *scope = NULL;
	struct json_object *tree;
	Perftools__Profile *profile;

	write_report(&nothing, "query -o a.folded");
	write_report(&nothing, "query -o a.speedscope.json");
	write_report(&nothing, "query -o a.pb.gz");
	write_report(&nothing, "flamegraph -o a.html");
	cr_expect_eq(read_file("a.folded", &folded), 0);
	read_file("a.speedscope.json", &scope);
	tree = json_tokener_parse(scope);
	cr_assert_not_null(tree);
	json_object_put(tree);
	profile = read_pprof("a.pb.gz");
	cr_expect_eq(profile->n_sample, 0);
	cr_expect_eq(profile->n_sample_type, 2);
	cr_expect_eq(profile->period, (int64_t)MADE_INTERVAL_NS);
	perftools__profile__free_unpacked(profile, NULL);
}

static void expect_told(const char *line, const char *told)
{
	static const struct made_export of_one = {.stacks = "main 1\n", .session = 7};
	_cleanup_free_ char *text = NULL;
	FILE *out;

	out = freopen("told", "w", stderr);
	cr_assert_not_null(out);
	write_report(&of_one, line);
	fflush(stderr);
	read_file("told", &text);
	cr_expect_str_eq(text, told, "%s", line);
}

/* Standard error says it where the output has no place for it, but not to a program. */
Test(client_report, the_session_that_the_daemon_chose)
{
	_cleanup_free_ char *page = NULL;

	expect_told("query -o a.folded",
		    "oxprofctl: query: session 7, 2025-11-24 16:00:00 to now (1min); --session=all "
		    "for everything\n");
	expect_told("query --session=7 -o a.folded", "");
	expect_told("flamegraph --json -o a.json", "");
	read_file("a.json", &page);
	cr_expect_not_null(strstr(page, "\"filters\":\"session:7\""), "%s", page);
}

static void expect_nothing_here(void)
{
	cr_expect_eq(rmdir(directory), 0, "something was left behind");
	cr_assert_eq(mkdir(directory, 0700), 0);
	cr_assert_eq(chdir(directory), 0);
}

Test(client_report, failures_leave_nothing)
{
	static const char *const names[] = {"a.folded", "a.pb.gz", "a.speedscope.json", "a.html",
					    "a.svg"};
	static const struct made_export cut = {.stacks = stacks, .fault = MADE_NO_END},
					failed = {.stacks = stacks, .failure = "disk I/O error"};

	for (size_t i = 0; i < array_length(names); i++) {
		char line[64];

		snprintf(line, sizeof(line), "query -o %s", names[i]);
		expect_failure(&(struct export_service){.exports = &cut, .n_exports = 1}, line,
			       -EPIPE,
			       "query: the answer of oxprofd broke off; look at: journalctl -u "
			       "oxprofd");
		expect_failure(&(struct export_service){.exports = &failed, .n_exports = 1}, line,
			       -EREMOTEIO,
			       "query: oxprofd could not complete its answer: disk I/O error");
		expect_nothing_here();
	}
	expect_failure(&(struct export_service){.error = OX_ERROR_NOT_PERMITTED,
						.error_text = "not for you"},
		       "query -o a.folded", -EIO, "query: not for you");
	expect_nothing_here();
}

/* Standard output may be a pipe whose reader is too slow: then a file helps. */
Test(client_report, what_breaks_off_on_the_way_to_standard_output)
{
	static const struct made_export cut = {.stacks = stacks, .fault = MADE_NO_END};

	cr_assert_not_null(freopen("/dev/null", "w", stdout));
	expect_failure(&(struct export_service){.exports = &cut, .n_exports = 1},
		       "query --format=folded", -EPIPE,
		       "query: the answer of oxprofd broke off; it waits at most a minute while "
		       "nobody reads the output, as in a pager: write it to a file with -o FILE, "
		       "or look at: journalctl -u oxprofd");
}

/* The head of a page comes with the first hit; a refusal writes nothing. */
Test(client_report, a_page_begins_on_standard_output_with_the_first_hit)
{
	static const char last[] = "id=\"data\">";
	static const struct made_export cut = {.stacks = stacks, .fault = MADE_NO_END};
	_cleanup_free_ char *refused = NULL, *page = NULL;
	size_t size;

	cr_assert_not_null(freopen("a.html", "w", stdout));
	expect_failure(&(struct export_service){.error = OX_ERROR_NOT_PERMITTED,
						.error_text = "not for you"},
		       "flamegraph", -EIO, "flamegraph: not for you");
	cr_expect_eq(read_file("a.html", &refused), 0);
	expect_failure(&(struct export_service){.exports = &cut, .n_exports = 1}, "flamegraph",
		       -EPIPE,
		       "flamegraph: the answer of oxprofd broke off; look at: journalctl -u "
		       "oxprofd");
	size = read_file("a.html", &page);
	cr_expect_eq(strncmp(page, "<!DOCTYPE html>", 15), 0);
	cr_assert_gt(size, strlen(last));
	cr_expect_str_eq(page + size - strlen(last), last);
}

Test(client_report, a_full_disk)
{
	static const char *const formats[] = {"folded", "pprof", "speedscope", "flamegraph"};

	for (size_t i = 0; i < array_length(formats); i++) {
		char line[64];

		snprintf(line, sizeof(line), "query -o /dev/full --format=%s", formats[i]);
		expect_failure(&(struct export_service){.exports = &made, .n_exports = 1}, line,
			       -ENOSPC, "cannot write /dev/full: No space left on device");
	}
}

/* The daemon is not asked for a report that cannot be written. */
Test(client_report, no_such_directory)
{
	expect_failure(&(struct export_service){0}, "query -o none/a.folded", -ENOENT,
		       "cannot write none/a.folded: No such file or directory");
}
