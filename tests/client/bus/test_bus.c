/* SPDX-License-Identifier: MIT */
/*
 * The client against a service of our own at the other end of a socketpair: what it sends, word for
 * word, and what it prints.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "client/args/arguments.h"
#include "client/base/failure.h"
#include "client/command.h"

#define NOW_USEC UINT64_C(1764000000000000)

/* The service: notes each call in its log and answers as it was told. */
struct fake {
	sd_bus *bus;
	pthread_t thread;
	FILE *log;
	char *log_text;
	size_t log_size;
	const char *error; /* name to answer with; NULL: none */
	const char *error_text;
	const char *json; /* answer to a query */
	bool by_pipe;
	bool empty; /* answers without one field */
};

static void log_value(sd_bus_message *m, FILE *log);

static void log_all(sd_bus_message *m, FILE *log)
{
	for (const char *gap = ""; sd_bus_message_at_end(m, false) == 0; gap = " ") {
		fputs(gap, log);
		log_value(m, log);
	}
}

static void log_container(sd_bus_message *m, FILE *log, char type, const char *contents)
{
	const char *brackets = type == 'a' ? contents[0] == '{' ? "{}" : "[]" : NULL;

	cr_assert_geq(sd_bus_message_enter_container(m, type, contents), 0);
	if (brackets)
		fputc(brackets[0], log);
	else if (type == 'v')
		fprintf(log, "%s ", contents);
	log_all(m, log);
	if (brackets)
		fputc(brackets[1], log);
	cr_assert_geq(sd_bus_message_exit_container(m), 0);
}

static void log_value(sd_bus_message *m, FILE *log)
{
	union {
		const char *s;
		double d;
		uint64_t t;
		uint32_t u;
		int b;
	} value;
	const char *contents;
	char type;

	cr_assert_gt(sd_bus_message_peek_type(m, &type, &contents), 0);
	if (strchr("aev", type)) {
		log_container(m, log, type, contents);
		return;
	}
	cr_assert_gt(sd_bus_message_read_basic(m, type, &value), 0);
	if (type == 's')
		fprintf(log, "%s", value.s);
	else if (type == 'd')
		fprintf(log, "%.9g", value.d);
	else if (type == 't')
		fprintf(log, "%lu", (unsigned long)value.t);
	else
		fprintf(log, "%u", type == 'b' ? (uint32_t)value.b : value.u);
}

static void append_status(sd_bus_message *reply)
{
	cr_assert_geq(
		sd_bus_message_append(
			reply, "a{sv}aa{sv}", 24, "state", "s", "running", "mode", "s", "cpu",
			"interval_ns", "t", UINT64_C(10000000), "achieved_mean_ns", "d", 10012345.5,
			"achieved_sd_ns", "d", 2000.0, "samples", "t", UINT64_C(1234), "stacks",
			"a{st}", 3, "root", UINT64_C(1000), "cut", UINT64_C(0), "broken",
			UINT64_C(1), "lost", "a{st}", 2, "late", UINT64_C(7), "full", UINT64_C(0),
			"sample_cost_ns", "d", 850.25, "unwind_bytes", "t", UINT64_C(3670016),
			"unwind_budget_bytes", "t", UINT64_C(67108864), "unwind_tables", "u", 12u,
			"unwind_waiting", "u", 2u, "unwind_refused", "u", 0u, "unwind_evicted", "u",
			3u, "interpreters", "aa{sv}", 2, 3, "pid", "u", 42u, "name", "s",
			"CPython 3.11.2", "state", "s", "read", 5, "pid", "u", 4711u, "comm", "s",
			"a\nb", "name", "s", "PyPy 7.3.11", "state", "s", "pypy", "note", "s",
			"not read", "interpreters_total", "u", 2u, "daemon_cpu_usec", "t",
			UINT64_C(1500000), "database_bytes", "t", UINT64_C(1572864),
			"database_path", "s", "/var/lib/oxprof/oxprof.db", "version", "s", "0.1.0",
			"running_usec", "t", UINT64_C(62000000), "sessions", "aa{sv}", 1, 2,
			"session", "t", UINT64_C(7), "owner", "u", 4000000000u, "other_sessions",
			"u", 1u, 2, 8, "target", "s", "pid:42", "state", "s", "running", "children",
			"b", 1, "owner", "u", 4000000000u, "until", "t", UINT64_C(1764000060000000),
			"samples", "t", UINT64_C(1003), "stacks", "a{st}", 2, "root",
			UINT64_C(1000), "broken", UINT64_C(1), "session", "t", UINT64_C(7), 2,
			"target", "s", "comm:a\nb", "state", "s", "waiting"),
		0);
}

static void append_work(sd_bus_message *reply)
{
	cr_assert_geq(sd_bus_message_append(
			      reply, "ttaa{sv}", UINT64_C(12), UINT64_C(28), 3, 4, "file", "s",
			      "/lib/liba.so", "build_id", "s", "aa11", "named", "t", UINT64_C(12),
			      "unnamed", "t", UINT64_C(0), 5, "file", "s", "/lib/libb.so",
			      "build_id", "s", "bb22", "named", "t", UINT64_C(0), "unnamed", "t",
			      UINT64_C(27), "reason", "s", "no-file", 5, "file", "s", "/x\ny",
			      "build_id", "s", "cc33", "named", "t", UINT64_C(0), "unnamed", "t",
			      UINT64_C(1), "reason", "s", "no-symbol"),
		      0);
}

static void append_history(sd_bus_message *reply)
{
	cr_assert_geq(sd_bus_message_append(
			      reply, "aa{sv}", 2, 9, "id", "t", UINT64_C(1), "started", "t",
			      UINT64_C(1764000000000000), "ended", "t", UINT64_C(1764000090000000),
			      "mode", "s", "cpu", "interval_ns", "t", UINT64_C(10101010), "targets",
			      "as", 2, "pid:42", "unit:nginx.service", "samples", "t",
			      UINT64_C(8910), "lost", "a{st}", 2, "late", UINT64_C(3), "cut",
			      UINT64_C(2), "owner", "u", 4000000000u, 2, "id", "t", UINT64_C(2),
			      "started", "t", UINT64_C(1764000100000000)),
		      0);
}

static void append_answer(sd_bus_message *reply, const struct fake *fake)
{
	size_t length = strlen(fake->json);
	int ends[2], fd;

	if (fake->by_pipe) {
		cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
		cr_assert_eq(write(ends[1], fake->json, length), (ssize_t)length);
		close(ends[1]);
		fd = ends[0];
	} else {
		fd = memfd_create("answer", MFD_CLOEXEC);
		cr_assert_eq(write(fd, fake->json, length), (ssize_t)length);
	}
	cr_assert_geq(sd_bus_message_append(reply, "h", fd), 0);
	close(fd);
}

static void append_empty(sd_bus_message *reply, const char *method)
{
	if (strcmp(method, "GetStatus") == 0)
		cr_assert_geq(sd_bus_message_append(reply, "a{sv}aa{sv}", 0, 1, 0), 0);
	else if (strcmp(method, "Resymbolize") == 0)
		cr_assert_geq(sd_bus_message_append(reply, "ttaa{sv}", UINT64_C(0), UINT64_C(0), 0),
			      0);
	else
		cr_assert_geq(sd_bus_message_append(reply, "aa{sv}", 1, 0), 0);
}

static int on_call(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct fake *fake = data;
	const char *method = sd_bus_message_get_member(m);
	sd_bus_message *reply;

	cr_assert_str_eq(sd_bus_message_get_interface(m), OX_BUS_INTERFACE);
	cr_assert_str_eq(sd_bus_message_get_destination(m), OX_BUS_NAME);
	fprintf(fake->log, "%s%s(%s) ",
		sd_bus_message_get_allow_interactive_authorization(m) > 0 ? "!" : "", method,
		sd_bus_message_get_signature(m, true));
	log_all(m, fake->log);
	fputc('\n', fake->log);
	if (fake->error)
		return sd_bus_error_set(error, fake->error, fake->error_text);
	cr_assert_geq(sd_bus_message_new_method_return(m, &reply), 0);
	if (strcmp(method, "QueryByFileDescriptor") == 0)
		append_answer(reply, fake);
	else if (fake->empty)
		append_empty(reply, method);
	else if (strncmp(method, "GetStatus", strlen("GetStatus")) == 0)
		append_status(reply);
	else if (strcmp(method, "History") == 0)
		append_history(reply);
	else if (strcmp(method, "Resymbolize") == 0)
		append_work(reply);
	cr_assert_geq(sd_bus_send(NULL, reply, NULL), 0);
	sd_bus_message_unref(reply);
	return 1;
}

static void *serve(void *data)
{
	struct fake *fake = data;
	int r;

	do {
		r = sd_bus_process(fake->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(fake->bus, UINT64_MAX);
	} while (r >= 0);
	return NULL;
}

/* Returns the client's end. */
static int fake_start(struct fake *fake)
{
	sd_id128_t id =
		SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11, 12, 13, 14, 15, 16);
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fake->log = open_memstream(&fake->log_text, &fake->log_size);
	cr_assert_geq(sd_bus_new(&fake->bus), 0);
	cr_assert_geq(sd_bus_set_fd(fake->bus, ends[0], ends[0]), 0);
	cr_assert_geq(sd_bus_set_server(fake->bus, true, id), 0);
	cr_assert_geq(sd_bus_add_object(fake->bus, NULL, OX_BUS_PATH, on_call, fake), 0);
	cr_assert_geq(sd_bus_start(fake->bus), 0);
	cr_assert_eq(pthread_create(&fake->thread, NULL, serve, fake), 0);
	return ends[1];
}

static void fake_stop(struct fake *fake)
{
	pthread_join(fake->thread, NULL);
	sd_bus_flush_close_unref(fake->bus);
	fclose(fake->log);
}

struct outcome {
	int r;
	char *sent;
	char *printed;
	char *why;
};

static void parse(const char *line, struct request *request, char *words, char **argv)
{
	char why[ARGUMENTS_WHY_BYTES];
	int argc = 1, r;

	argv[0] = (char *)"oxprofctl";
	strcpy(words, line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	r = arguments_parse(argc, argv, NOW_USEC, request, why);
	cr_assert_eq(r, 0, "%s: %s", line, why);
	/* A test that runs on a terminal must not ask for a password there. */
	request->no_ask_password = true;
}

static struct outcome run(struct fake *fake, const char *line)
{
	struct screen screen = {0};
	struct outcome outcome = {0};
	struct request request;
	struct bus *bus;
	char words[512], *argv[64];
	size_t size;
	FILE *out;

	setenv("TZ", "UTC", 1);
	tzset();
	parse(line, &request, words, argv);
	out = open_memstream(&outcome.printed, &size);
	cr_assert_eq(bus_open_peer(fake_start(fake), &bus), 0);
	outcome.r = command_run(bus, &request, &screen, out, &outcome.why);
	bus_close(bus);
	fake_stop(fake);
	fclose(out);
	request_done(&request);
	outcome.sent = fake->log_text;
	return outcome;
}

static void outcome_done(struct outcome *outcome)
{
	free(outcome->sent);
	free(outcome->printed);
	free(outcome->why);
}

static void expect(struct fake *fake, const char *line, const char *sent, const char *printed)
{
	struct outcome outcome = run(fake, line);

	cr_expect_eq(outcome.r, 0, "%s: %s", line, outcome.why);
	cr_expect_str_eq(outcome.sent, sent);
	cr_expect_str_eq(outcome.printed, printed);
	outcome_done(&outcome);
}

static void expect_failure(const char *error, const char *text, const char *line, const char *why)
{
	struct fake fake = {.error = error, .error_text = text, .json = "{}"};
	struct outcome outcome = run(&fake, line);

	cr_expect_lt(outcome.r, 0);
	cr_expect_str_eq(outcome.why, why);
	cr_expect_str_empty(outcome.printed);
	outcome_done(&outcome);
}

#define ANSWER                                                                                   \
	"{\"state\":\"paused\",\"since\":1764000000000000,\"until\":1764000060000000,"           \
	"\"interval_ns\":10101010,\"samples\":200,\"distinct\":3,\"stacks\":{\"root\":150,"      \
	"\"cut\":0,\"no-table\":4,\"broken\":1},\"lost\":{\"late\":4,\"cut\":0},"                \
	"\"restricted\":false,\"without_kernel\":false,\"session\":7,"                           \
	"\"records\":[{\"name\":\"leaf_a(__main__)\",\"function\":\"leaf_a\",\"module\":"        \
	"\"__main__\",\"file\":\"/srv/app.py\",\"line\":12,\"kind\":\"python\","                 \
	"\"pid\":null,\"tid\":null,\"self\":62,"                                                 \
	"\"total\":104,\"self_share\":0.31,\"total_share\":0.52},{\"name\":\"main\",\"self\":0," \
	"\"total\":200,\"self_share\":0,\"total_share\":1}]}"

Test(client_bus, unpause_sends_what_was_given)
{
	expect(&(struct fake){0},
	       "unpause --pid=42 --pid 43 --unit=nginx --user=alice --all --children --mode=cpu "
	       "--interval=0.001 --for=5min",
	       "Unpause(asa{sv}) [pid:42 pid:43 unit:nginx.service user:alice all] "
	       "{mode s cpu interval d 0.001 for t 300000000 children b 1}\n",
	       "");
}

Test(client_bus, unpause_sends_nothing_that_was_not_given)
{
	expect(&(struct fake){0}, "unpause", "Unpause(asa{sv}) [] {}\n", "");
}

Test(client_bus, verbs_without_an_answer)
{
	expect(&(struct fake){0}, "pause", "Pause(as) []\n", "");
	expect(&(struct fake){0}, "pause --comm=nginx", "Pause(as) [comm:nginx]\n", "");
	expect(&(struct fake){0}, "cancel --json", "Cancel() \n", "{\"ok\":true}\n");
	expect(&(struct fake){0}, "set-interval 0.0001", "SetInterval(d) 0.0001\n", "");
}

/* The plain methods stay those of a request that says nothing of sessions. */
Test(client_bus, verbs_about_other_sessions)
{
	expect(&(struct fake){0}, "pause --comm=nginx --session=7",
	       "PauseWithOptions(asa{sv}) [comm:nginx] {session x 7}\n", "");
	expect(&(struct fake){0}, "pause --all-users",
	       "PauseWithOptions(asa{sv}) [] {all_users b 1}\n", "");
	expect(&(struct fake){0}, "cancel --session=7", "CancelWithOptions(a{sv}) {session x 7}\n",
	       "");
	expect(&(struct fake){0}, "set-interval 0.01 --all-users",
	       "SetIntervalWithOptions(da{sv}) 0.01 {all_users b 1}\n", "");
}

Test(client_bus, all_sessions_are_asked_for_by_name)
{
	struct fake fake = {.json = "{}"};
	struct outcome all = run(&fake, "query --session=all"), one = {0};

	cr_expect_str_eq(all.sent, "QueryByFileDescriptor(a{sv}) {session x 0}\n");
	outcome_done(&all);
	fake = (struct fake){.json = "{}"};
	one = run(&fake, "query --session=7");
	cr_expect_str_eq(one.sent, "QueryByFileDescriptor(a{sv}) {session x 7}\n");
	outcome_done(&one);
}

Test(client_bus, query_prints_a_table)
{
	expect(&(struct fake){.json = ANSWER},
	       "query --filter=^leaf --max=0 --since=-5min --until=now --sort=self --by=function "
	       "--native-only --user=1000",
	       "QueryByFileDescriptor(a{sv}) {since t 1763999700000000 until t 1764000000000000 "
	       "filter s ^leaf kind s native targets as [user:1000] max u 0 sort s self "
	       "by s function}\n",
	       "SELF  SELF%  TOTAL  TOTAL%  KIND    NAME\n"
	       "  62  31.00    104   52.00  python  leaf_a(__main__)\n"
	       "   0   0.00    200  100.00  -       main\n"
	       "\n"
	       "200 samples, 3 distinct stacks; session 7, 2025-11-24 16:00:00 to "
	       "2025-11-24 16:01:00 (1min); lost: 4 late\n"
	       "96.7 % of the stacks are whole; 3.3 % end early: no-table 4, broken 1\n");
}

Test(client_bus, query_gives_every_field_as_json)
{
	const char *sent = "QueryByFileDescriptor(a{sv}) {}\n";
	const char *rest = "{\"name\":\"main\",\"self\":0,\"total\":200,\"self_share\":0,"
			   "\"total_share\":1,\"function\":null,\"module\":null,\"file\":null,"
			   "\"line\":null,\"kind\":null,\"pid\":null,\"tid\":null}]}\n";
	char printed[2048];
	size_t kept = (size_t)(strstr(ANSWER, "{\"name\":\"main\"") - ANSWER);

	snprintf(printed, sizeof(printed), "%.*s%s", (int)kept, ANSWER, rest);
	expect(&(struct fake){.json = ANSWER}, "query --json", sent, printed);
	expect(&(struct fake){.json = ANSWER "\n", .by_pipe = true}, "query --json", sent, printed);
	expect(&(struct fake){.json = "{}"}, "--json query", sent,
	       "{\"state\":null,\"since\":null,\"until\":null,\"interval_ns\":null,"
	       "\"samples\":null,\"distinct\":null,\"stacks\":null,\"lost\":null,"
	       "\"restricted\":null,\"without_kernel\":null,\"session\":null,"
	       "\"records\":[]}\n");
}

Test(client_bus, query_prints_csv)
{
	expect(&(struct fake){.json = "{\"records\":[{\"name\":\"f(a,b \\\"c\\\")\",\"line\":7,"
				      "\"self\":1,\"total\":2,\"self_share\":0.25},"
				      "{\"name\":\"=1+2\",\"pid\":42,\"tid\":43}]}"},
	       "query --format=csv", "QueryByFileDescriptor(a{sv}) {}\n",
	       "name,function,module,file,line,kind,pid,tid,self,total,self_share,total_share\r\n"
	       "\"f(a,b \"\"c\"\")\",,,,7,,,,1,2,0.25,\r\n"
	       "'=1+2,,,,,,42,43,,,,\r\n");
}

Test(client_bus, show_asks_for_ten)
{
	struct fake fake = {.json = "{}"};
	struct outcome outcome = run(&fake, "show --python-only");

	cr_expect_str_eq(outcome.sent,
			 "QueryByFileDescriptor(a{sv}) {kind s python max u 10 sort s "
			 "total by s function}\n");
	outcome_done(&outcome);
	expect(&(struct fake){.json = ANSWER}, "show",
	       "QueryByFileDescriptor(a{sv}) {max u 10 sort s total by s function}\n",
	       "Function          Hits       %\n"
	       "leaf_a(__main__)   104   52.00\n"
	       "main               200  100.00\n"
	       "\n"
	       "200 samples, 3 distinct stacks; session 7, 2025-11-24 16:00:00 to "
	       "2025-11-24 16:01:00 (1min); --session=all for everything; lost: 4 late\n"
	       "96.7 % of the stacks are whole; 3.3 % end early: no-table 4, broken 1\n");
}

Test(client_bus, status_prints_a_text)
{
	expect(&(struct fake){0}, "status", "GetStatus() \n",
	       "\xe2\x97\x8f oxprofd 0.1.0\n"
	       "    State: running for 1min 2s\n"
	       "   Others: 1 session of other users runs; --all-users shows it\n"
	       "  Targets: pid:42 - running, with children, by 4000000000, 1003 samples "
	       "(99.9 % of the stacks whole; broken 1), until 2025-11-24 "
	       "16:01:00\n"
	       "           comm:a\xef\xbf\xbd"
	       "b - waiting\n"
	       "     Mode: cpu\n"
	       " Interval: 10ms wanted (100 Hz), 10.01ms \xc2\xb1 2us achieved\n"
	       "  Samples: 1234\n"
	       "   Stacks: 99.9 % of the stacks are whole; 0.1 % end early: broken 1\n"
	       "     Lost: 7 late\n"
	       "Unwinding: 12 tables, 3.5M of 64.0M; 2 being made, 3 had to make room\n"
	       "   Python: 1 process (CPython 3.11.2: 1)\n"
	       "           pid 4711 (a\xef\xbf\xbd"
	       "b): PyPy 7.3.11: not read\n"
	       "     Cost: daemon 1.500s CPU, kernel 850ns per sample\n"
	       " Database: /var/lib/oxprof/oxprof.db (1.5M)\n");
}

Test(client_bus, status_gives_every_field_as_json)
{
	expect(&(struct fake){0}, "status --json", "GetStatus() \n",
	       "{\"state\":\"running\",\"mode\":\"cpu\",\"interval_ns\":10000000,"
	       "\"achieved_mean_ns\":10012345.5,\"achieved_sd_ns\":2000.0,\"samples\":1234,"
	       "\"stacks\":{\"root\":1000,\"cut\":0,\"broken\":1},"
	       "\"lost\":{\"late\":7,\"full\":0},\"sample_cost_ns\":850.25,"
	       "\"unwind_bytes\":3670016,\"unwind_budget_bytes\":67108864,\"unwind_tables\":12,"
	       "\"unwind_waiting\":2,\"unwind_refused\":0,\"unwind_evicted\":3,"
	       "\"interpreters\":[{\"pid\":42,\"name\":\"CPython 3.11.2\",\"state\":\"read\","
	       "\"comm\":null,\"file\":null,\"note\":null},{\"pid\":4711,\"comm\":\"a\\nb\","
	       "\"name\":\"PyPy 7.3.11\",\"state\":\"pypy\",\"note\":\"not read\","
	       "\"file\":null}],\"interpreters_total\":2,"
	       "\"daemon_cpu_usec\":1500000,\"database_bytes\":1572864,"
	       "\"database_path\":\"/var/lib/oxprof/oxprof.db\",\"version\":\"0.1.0\","
	       "\"running_usec\":62000000,\"sessions\":[{\"session\":7,\"owner\":4000000000,"
	       "\"state\":null,\"interval_ns\":null,\"achieved_mean_ns\":null,"
	       "\"achieved_sd_ns\":null,\"samples\":null,\"stacks\":null,\"lost\":null,"
	       "\"running_usec\":null}],\"other_sessions\":1,"
	       "\"session\":null,\"notice\":null,"
	       "\"kernel\":null,\"loading_usec\":null,\"database_max_bytes\":null,"
	       "\"history_since\":null,\"targets\":["
	       "{\"target\":\"pid:42\",\"state\":\"running\",\"children\":true,"
	       "\"owner\":4000000000,\"until\":1764000060000000,\"samples\":1003,"
	       "\"stacks\":{\"root\":1000,\"broken\":1},\"session\":7},"
	       "{\"target\":\"comm:a\\nb\",\"state\":\"waiting\",\"children\":null,"
	       "\"owner\":null,\"until\":null,\"samples\":null,\"stacks\":null,"
	       "\"session\":null}]}\n");
	expect(&(struct fake){.empty = true}, "status --json", "GetStatus() \n",
	       "{\"state\":null,\"mode\":null,\"interval_ns\":null,\"achieved_mean_ns\":null,"
	       "\"achieved_sd_ns\":null,\"samples\":null,\"stacks\":null,\"lost\":null,"
	       "\"sample_cost_ns\":null,\"unwind_bytes\":null,\"unwind_budget_bytes\":null,"
	       "\"unwind_tables\":null,\"unwind_waiting\":null,\"unwind_refused\":null,"
	       "\"unwind_evicted\":null,\"interpreters\":[],\"interpreters_total\":null,"
	       "\"daemon_cpu_usec\":null,\"database_bytes\":null,"
	       "\"database_path\":null,"
	       "\"version\":null,\"session\":null,\"running_usec\":null,\"notice\":null,"
	       "\"kernel\":null,\"loading_usec\":null,\"database_max_bytes\":null,"
	       "\"history_since\":null,\"other_sessions\":null,\"sessions\":[],"
	       "\"targets\":[{\"target\":null,\"state\":null,\"children\":null,\"owner\":null,"
	       "\"until\":null,\"samples\":null,\"stacks\":null,\"session\":null}]}\n");
}

Test(client_bus, status_of_everybody)
{
	struct fake fake = {0};
	struct outcome outcome = run(&fake, "status --all-users");

	cr_expect_str_eq(outcome.sent, "GetStatusWithOptions(a{sv}) {all_users b 1}\n");
	cr_expect_not_null(strstr(outcome.printed, "by 4000000000, session 7, 1003 samples "), "%s",
			   outcome.printed);
	outcome_done(&outcome);
}

Test(client_bus, resymbolize_says_what_has_no_name)
{
	expect(&(struct fake){0}, "resymbolize", "Resymbolize() \n",
	       "Named 12 of 40 addresses in 3 files.\n"
	       "\n"
	       "UNNAMED  WHY                                   BUILD-ID  FILE\n"
	       "     27  no such file here, nor a debug file   bb22      /lib/libb.so\n"
	       "      1  no symbol in the files that are here  cc33      /x\xef\xbf\xbd"
	       "y\n"
	       "\n"
	       "Debug files are looked for by build-id under /usr/lib/debug/.build-id; see "
	       "oxprofctl(1).\n");
	expect(&(struct fake){.empty = true}, "resymbolize", "Resymbolize() \n",
	       "There is no address without a name.\n");
	expect(&(struct fake){.empty = true}, "resymbolize --json", "Resymbolize() \n",
	       "{\"named\":0,\"unnamed\":0,\"files\":[]}\n");
	expect_failure(OX_ERROR_LIMIT_REACHED, "names are being looked up", "resymbolize",
		       "resymbolize: names are being looked up");
}

Test(client_bus, history_prints_a_table)
{
	expect(&(struct fake){0}, "history --since=@5 --max=7",
	       "History(a{sv}) {since t 5000000 max u 7}\n",
	       "ID  STARTED              DURATION  MODE  INTERVAL  SAMPLES  LOST  TARGETS\n"
	       " 1  2025-11-24 16:00:00  1min 30s  cpu     10.1ms     8910     5  "
	       "pid:42 unit:nginx.service\n"
	       " 2  2025-11-24 16:01:40  running   -            -        0     0  \n");
}

Test(client_bus, history_gives_every_field_as_json)
{
	expect(&(struct fake){.empty = true}, "history --json", "History(a{sv}) {}\n",
	       "{\"sessions\":[{\"id\":null,\"started\":null,\"ended\":null,\"mode\":null,"
	       "\"interval_ns\":null,\"targets\":null,\"samples\":null,\"lost\":null,"
	       "\"owner\":null}]}\n");
}

Test(client_bus, sessions_of_others_have_an_owner)
{
	expect(&(struct fake){0}, "history --all-users", "History(a{sv}) {all_users b 1}\n",
	       "OWNER       ID  STARTED              DURATION  MODE  INTERVAL  SAMPLES  LOST  "
	       "TARGETS\n"
	       "4000000000   1  2025-11-24 16:00:00  1min 30s  cpu     10.1ms     8910     5  "
	       "pid:42 unit:nginx.service\n"
	       "-            2  2025-11-24 16:01:40  running   -            -        0     0  \n");
}

/* Without the right to see others' sessions there are one's own. */
Test(client_bus, visible_sessions_are_asked_for_without_a_password)
{
	static const char *const errors[] = {OX_ERROR_NOT_PERMITTED, OX_ERROR_DATABASE};

	for (size_t i = 0; i < array_length(errors); i++) {
		struct fake fake = {.error = errors[i], .error_text = "x"};
		struct request request = {.window = {5, UINT64_MAX, 7, false}};
		struct json_object *history = NULL;
		struct bus *bus;

		cr_assert_eq(bus_open_peer(fake_start(&fake), &bus), 0);
		bus_allow_questions(bus);
		cr_expect_lt(bus_get_visible_history(bus, &request, &history), 0);
		bus_close(bus);
		fake_stop(&fake);
		cr_expect_str_eq(fake.log_text,
				 i == 0 ? "History(a{sv}) {since t 5 all_users b 1}\n"
					  "!History(a{sv}) {since t 5}\n"
					: "History(a{sv}) {since t 5 all_users b 1}\n");
		free(fake.log_text);
	}
}

Test(client_bus, errors_of_the_daemon_are_printed_as_they_are)
{
	expect_failure(OX_ERROR_NO_SUCH_PROCESS, "pid 42 does not exist", "unpause --pid=42",
		       "unpause: pid 42 does not exist");
	expect_failure(OX_ERROR_INVALID_PATTERN, "filter: missing ) at 4", "query --filter=(abc",
		       "query: filter: missing ) at 4");
	expect_failure(OX_ERROR_DATABASE, NULL, "show", "show: " OX_ERROR_DATABASE);
}

Test(client_bus, errors_of_the_bus_are_explained)
{
	expect_failure(SD_BUS_ERROR_SERVICE_UNKNOWN, "The name is not activatable", "cancel",
		       "cancel: cannot reach oxprofd on the system bus: it is not running; "
		       "start it with: systemctl start oxprofd");
	expect_failure(SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "x", "pause", "pause: x");
	expect_failure("org.freedesktop.DBus.Error.Spawn.ChildExited", "status 1", "status",
		       "status: oxprofd could not be started: status 1; look at: journalctl -u "
		       "oxprofd");
}

static void expect_line(const char *name, const char *text, int error, const char *line)
{
	char *said = failure_describe("pause", name, text, error);

	cr_expect_str_eq(said, line);
	free(said);
}

/* question_call() adds an explanation to the text of the bus. */
Test(client_bus, questions_without_an_answer_are_explained)
{
	expect_line(OX_ERROR_NOT_PERMITTED, "not permitted", -EACCES, "pause: not permitted");
	expect_line(OX_ERROR_NOT_PERMITTED, "not permitted", -EKEYREJECTED,
		    "pause: no password was accepted; not permitted");
	expect_line(SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "nobody to ask", -EINPROGRESS,
		    "pause: a password is being asked for already, on the terminal or the desktop; "
		    "answer that first");
}

Test(client_bus, questions_are_allowed_when_told)
{
	struct fake fake = {0};
	struct request request = {0};
	struct bus *bus;

	cr_assert_eq(bus_open_peer(fake_start(&fake), &bus), 0);
	cr_expect_eq(bus_cancel(bus, &request), 0);
	bus_allow_questions(bus);
	cr_expect_eq(bus_cancel(bus, &request), 0);
	bus_close(bus);
	fake_stop(&fake);
	cr_expect_str_eq(fake.log_text, "Cancel() \n!Cancel() \n");
	free(fake.log_text);
}

static void expect_unreadable(const char *json)
{
	struct fake fake = {.json = json};
	struct outcome outcome = run(&fake, "query");

	cr_expect_lt(outcome.r, 0, "%s", json);
	cr_expect_str_eq(outcome.why,
			 "query: the answer of oxprofd cannot be read; it may be of "
			 "another version; restart it with: systemctl restart oxprofd");
	cr_expect_str_empty(outcome.printed);
	outcome_done(&outcome);
}

Test(client_bus, bad_answers_are_refused)
{
	expect_unreadable("");
	expect_unreadable("{\"records\":[");
	expect_unreadable("{} {}");
	expect_unreadable("[]");
	expect_unreadable("{\"records\":[1]}");
}

Test(client_bus, a_service_that_goes_away)
{
	struct screen screen = {0};
	struct request request = {.verb = VERB_CANCEL, .no_ask_password = true};
	struct bus *bus;
	char *why = NULL;
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	cr_assert_eq(bus_open_peer(ends[1], &bus), 0);
	close(ends[0]);
	cr_expect_lt(command_run(bus, &request, &screen, stdout, &why), 0);
	cr_expect_str_eq(why, "cancel: the connection to the system bus was lost; look at: "
			      "journalctl -u oxprofd");
	free(why);
	bus_close(bus);
}
