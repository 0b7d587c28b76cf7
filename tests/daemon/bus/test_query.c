/* SPDX-License-Identifier: MIT */
/* Answers on the bus, over a database that the test filled. */
#include "daemon/base/cleanup.h"
#include "daemon/bus/internal.h"
#include "tests/support/bus_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sys/stat.h>

#define INVALID OX_ERROR_INVALID_ARGUMENT

#define EVERYBODYS "all_users", "b", 1

/* Fills in main > work > main > leaf (of the kernel), see store_world.h: 11 samples, two windows.
 */
static void fill(void)
{
	struct store *store = store_world_open();
	int64_t session = store_world_fill(store);

	cr_assert_eq(store_end_session(store, session, START + 15000000), 0);
	cr_assert_eq(store_begin(store), 0);
	session = store_world_add_session(store, START + 60000000);
	store_world_add_sample(store, session, 0, store_world_add_task(store, 43, 1001), 0, 4);
	cr_assert_eq(store_commit(store), 0);
	cr_assert_eq(store_end_session(store, session, START + 65000000), 0);
	store_free(store);
}

static void world_start_filled(void)
{
	bus_world_start_with(fill);
}

TestSuite(query_bus, .init = world_start_filled, .fini = bus_world_stop);
TestSuite(query_bus_empty, .init = bus_world_start, .fini = bus_world_stop);

static char *query(const char *key, const char *value)
{
	return bus_world_answer("Query", "a{sv}", 1, key, "s", value);
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	while ((text = strstr(text, part))) {
		n++;
		text += strlen(part);
	}
	return n;
}

Test(query_bus_empty, there_is_an_answer_to_every_question)
{
	_cleanup_free_ char *answer = bus_world_answer("Query", "a{sv}", 0);
	_cleanup_free_ char *history = bus_world_answer("History", "a{sv}", 0);

	cr_assert_str_eq(answer, "{state=s:paused,since=t:0,until=t:0,interval_ns=t:10101010,"
				 "samples=t:0,distinct=t:0,restricted=b:0,without_kernel=b:0,"
				 "stacks=a{st}:{root=0,cut=0,"
				 "no-table=0,broken=0,unreadable=0,no-rule=0,python-broken=0},"
				 "lost=a{st}:{}} []");
	cr_assert_str_eq(history, "[]");
}

Test(query_bus, a_record_says_what_is_known)
{
	_cleanup_free_ char *answer = bus_world_answer("Query", "a{sv}", 0);

	assert_has(answer, "{state=s:paused,since=t:1760000000000000,until=t:1760000065000000,"
			   "interval_ns=t:10101010,samples=t:15,distinct=t:3,restricted=b:0,"
			   "without_kernel=b:0,"
			   "stacks=a{st}:{root=10,cut=0,no-table=0,broken=0,unreadable=0,"
			   "no-rule=0,python-broken=0},lost=a{st}:{");
	assert_has(answer, "late=6");
	assert_has(answer, "full=1");
	assert_has(answer, "{name=s:main(app),function=s:main,module=s:app,file=s:/srv/app,"
			   "kind=s:native,line=u:7,self=t:3,total=t:10,self_share=d:0.2,"
			   "total_share=d:0.666666667}");
	assert_has(answer, "{name=s:leaf(kernel),function=s:leaf,module=s:kernel,kind=s:kernel,"
			   "line=u:7,self=t:5,total=t:5,");
	cr_assert_eq(count(answer, "name="), 3);
}

Test(query_bus, what_is_asked_for_is_answered)
{
	_cleanup_free_ char *filtered = query("filter", "^le.f"), *by_name = query("sort", "name");
	_cleanup_free_ char *by_process = query("by", "process");
	_cleanup_free_ char *native = query("kind", "native"), *python = query("kind", "python");
	_cleanup_free_ char *one = bus_world_answer("Query", "a{sv}", 1, "max", "u", 1);
	_cleanup_free_ char *of_pid = bus_world_answer("Query", "a{sv}", 2, "targets", "as", 1,
						       "pid:43", "by", "s", "process");
	_cleanup_free_ char *late =
		bus_world_answer("Query", "a{sv}", 1, "since", "t", START + 50000000);
	_cleanup_free_ char *early =
		bus_world_answer("Query", "a{sv}", 1, "until", "t", START + 5000000);

	cr_assert_eq(count(filtered, "name="), 1);
	assert_has(filtered, "name=s:leaf(kernel)");
	/* Samples that a filter hides count all the same. */
	assert_has(filtered, "samples=t:15");
	assert_has(native, "samples=t:15,distinct=t:2,");
	assert_has(native, "name=s:main(app),");
	assert_has(native, "self=t:8,total=t:10,");
	cr_assert_eq(count(native, "name="), 2);
	assert_has(python, "samples=t:15,distinct=t:0,");
	cr_assert_eq(count(python, "name="), 0);
	cr_assert_lt(strstr(by_name, "name=s:leaf"), strstr(by_name, "name=s:main"));
	assert_has(by_process, "name=s:app[42],pid=u:42,self=t:11,total=t:11,");
	assert_has(by_process, "name=s:app[43],pid=u:43,self=t:4,");
	cr_assert_eq(count(one, "name="), 1);
	assert_has(one, "name=s:main(app)");
	assert_has(of_pid, "samples=t:4,");
	cr_assert_eq(count(of_pid, "name="), 1);
	assert_has(late, "samples=t:4,");
	assert_has(early, "samples=t:7,");
}

Test(query_bus, what_cannot_be_asked_is_refused)
{
	assert_error(OX_ERROR_INVALID_PATTERN, "not a regular expression", "Query", "a{sv}", 1,
		     "filter", "s", "(");
	assert_error(OX_ERROR_INVALID_PATTERN, "not a regular expression", "QueryByFileDescriptor",
		     "a{sv}", 1, "filter", "s", "[");
	assert_error(INVALID, "by cannot be \"colour\"", "Query", "a{sv}", 1, "by", "s", "colour");
	assert_error(INVALID, "sort cannot be \"hits\"", "Query", "a{sv}", 1, "sort", "s", "hits");
	assert_error(INVALID, "kind cannot be \"kernel\"", "Query", "a{sv}", 1, "kind", "s",
		     "kernel");
	assert_error(INVALID, "kind cannot be \"\"", "QueryByFileDescriptor", "a{sv}", 1, "kind",
		     "s", "");
	assert_error(INVALID, "option \"kind\" has a value of the wrong type", "Query", "a{sv}", 1,
		     "kind", "u", 2);
	assert_error(INVALID, "there is no option \"limit\"", "Query", "a{sv}", 1, "limit", "u", 1);
	assert_error(INVALID, "option \"max\" has a value of the wrong type", "Query", "a{sv}", 1,
		     "max", "i", 5);
	assert_error(INVALID, "option \"filter\" has a value of the wrong type", "Query", "a{sv}",
		     1, "filter", "t", UINT64_C(5));
	assert_error(INVALID, "option \"targets\" has a value of the wrong type", "Query", "a{sv}",
		     1, "targets", "s", "all");
	assert_error(INVALID, "ends before it begins", "Query", "a{sv}", 2, "since", "t", START,
		     "until", "t", START);
	assert_error(INVALID, "there is no option \"limit\"", "History", "a{sv}", 1, "limit", "u",
		     1);
}

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	cr_assert(json_object_object_get_ex(object, name, &value), "%s", name);
	return value;
}

static int64_t integer(struct json_object *object, const char *name)
{
	return json_object_get_int64(member(object, name));
}

/* Parses one object, which nothing but white space follows. */
static struct json_object *parse(const char *text, size_t length)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *parsed = json_tokener_parse_ex(tokener, text, (int)length);

	cr_assert_eq(json_tokener_get_error(tokener), json_tokener_success, "%.*s", (int)length,
		     text);
	for (size_t i = json_tokener_get_parse_end(tokener); i < length; i++)
		cr_assert_not_null(strchr(" \n", text[i]));
	json_tokener_free(tokener);
	cr_assert(json_object_is_type(parsed, json_type_object));
	return parsed;
}

Test(query_bus, the_same_answer_comes_as_a_sealed_file_of_json)
{
	_cleanup_close_ int fd =
		bus_world_fd_of(bus_world_call("QueryByFileDescriptor", "a{sv}", 1, "max", "u", 0));
	struct json_object *answer, *records, *first;
	struct stat st;
	char text[8192];
	ssize_t n;

	cr_assert_eq(fstat(fd, &st), 0);
	n = read(fd, text, sizeof(text));
	cr_assert_eq(n, st.st_size);
	answer = parse(text, n);
	cr_assert_str_eq(json_object_get_string(member(answer, "state")), "paused");
	cr_assert_eq(integer(answer, "samples"), 15);
	cr_assert_eq(integer(answer, "distinct"), 3);
	cr_assert_eq(integer(answer, "interval_ns"), 10101010);
	cr_assert_eq(integer(answer, "since"), START);
	cr_assert_eq(integer(member(answer, "lost"), "late"), 6);
	records = member(answer, "records");
	cr_assert_eq(json_object_array_length(records), 3);
	first = json_object_array_get_idx(records, 0);
	cr_assert_str_eq(json_object_get_string(member(first, "name")), "main(app)");
	cr_assert_eq(integer(first, "total"), 10);
	json_object_put(answer);
}

Test(query_bus, nobody_can_change_the_file_that_was_handed_out)
{
	_cleanup_close_ int fd =
		bus_world_fd_of(bus_world_call("QueryByFileDescriptor", "a{sv}", 0));

	cr_assert_eq(fcntl(fd, F_GET_SEALS),
		     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	cr_assert_eq(write(fd, "x", 1), -1);
	cr_assert_eq(ftruncate(fd, 0), -1);
}

Test(query_bus, sessions_are_told_newest_first)
{
	_cleanup_free_ char *own = bus_world_answer("History", "a{sv}", 0);
	_cleanup_free_ char *all = bus_world_answer("History", "a{sv}", 1, EVERYBODYS);
	_cleanup_free_ char *one =
		bus_world_answer("History", "a{sv}", 2, EVERYBODYS, "max", "u", 1);
	_cleanup_free_ char *first =
		bus_world_answer("History", "a{sv}", 2, EVERYBODYS, "until", "t", START + 20000000);
	_cleanup_free_ char *second =
		bus_world_answer("History", "a{sv}", 1, "session", "x", INT64_C(2));

	cr_assert_str_eq(own, "[]");
	assert_has(second, "[{id=t:2,");
	cr_assert_eq(count(second, "started="), 1);
	assert_error(INVALID, "there is no session 3", "History", "a{sv}", 1, "session", "x",
		     INT64_C(3));
	assert_error(INVALID, "there is no session 0;", "History", "a{sv}", 1, "session", "x",
		     INT64_C(0));
	assert_has(all, "[{id=t:2,");
	assert_has(all, "{id=t:1,started=t:1760000000000000,ended=t:1760000015000000,mode=s:cpu,"
			"interval_ns=t:10101010,targets=as:[pid:42,comm:nginx],samples=t:11,"
			"owner=u:1000,lost=a{st}:{");
	assert_has(all, "late=6");
	cr_assert_eq(count(all, "id="), 2 + count(all, "pid="));
	cr_assert_eq(count(one, "started="), 1);
	assert_has(one, "id=t:2,");
	cr_assert_eq(count(first, "started="), 1);
	assert_has(first, "id=t:1,");
}

/* ---- the session that a question is about ---- */

/* Fills in a session of root's between two of another user's. */
static void fill_owners(void)
{
	static const uint32_t owners[] = {1001, 0, 1001};
	struct store *store = store_world_open();

	cr_assert_eq(store_begin(store), 0);
	for (unsigned i = 0; i < array_length(owners); i++) {
		uint64_t at = START + i * UINT64_C(60000000);
		int64_t session = store_world_add_session_of(store, at, owners[i]);

		store_world_add_sample(store, session, 0, store_world_add_task(store, 42 + i, 1001),
				       0, 1 + i);
		cr_assert_eq(store_end_session(store, session, at + 15000000), 0);
	}
	cr_assert_eq(store_commit(store), 0);
	store_free(store);
}

static void world_start_owners(void)
{
	bus_world_start_with(fill_owners);
}

TestSuite(query_bus_owners, .init = world_start_owners, .fini = bus_world_stop);

Test(query_bus_owners, without_a_window_it_is_the_last_own_session)
{
	_cleanup_free_ char *own = bus_world_answer("Query", "a{sv}", 0);
	_cleanup_free_ char *all =
		bus_world_answer("Query", "a{sv}", 1, "session", "x", INT64_C(0));
	_cleanup_free_ char *other =
		bus_world_answer("Query", "a{sv}", 1, "session", "x", INT64_C(3));
	_cleanup_free_ char *since = bus_world_answer("Query", "a{sv}", 1, "since", "t", START);
	_cleanup_free_ char *until =
		bus_world_answer("Query", "a{sv}", 1, "until", "t", START + 50000000);
	_cleanup_free_ char *history = bus_world_answer("History", "a{sv}", 0);

	assert_has(own, "samples=t:2,");
	assert_has(own, ",session=t:2,");
	assert_has(all, "samples=t:6,");
	assert_has_not(all, ",session=");
	assert_has(other, "samples=t:3,");
	assert_has(other, ",session=t:3,");
	assert_has(since, "samples=t:6,");
	assert_has_not(since, ",session=");
	assert_has(until, "samples=t:1,");
	assert_has_not(until, ",session=");
	assert_has(history, "[{id=t:2,");
	assert_has(history, ",owner=u:0,");
	cr_assert_eq(count(history, "started="), 1);
}

/* ---- questions that wait ---- */

#define N_ASKED 12

static unsigned order[N_ASKED], n_replies;

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	cr_assert(!sd_bus_message_is_method_error(reply, NULL));
	order[n_replies++] = (unsigned)(uintptr_t)userdata;
	return 1;
}

static void ask(unsigned n)
{
	cr_assert_geq(sd_bus_call_method_async(bus_world.client, NULL, NULL, OX_BUS_PATH,
					       OX_BUS_INTERFACE,
					       n % 2 ? "Query" : "QueryByFileDescriptor", on_reply,
					       (void *)(uintptr_t)n, "a{sv}", 0),
		      0);
}

Test(query_bus, one_caller_is_answered_in_order)
{
	for (unsigned i = 0; i < N_ASKED; i++)
		ask(i);
	while (n_replies < N_ASKED)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	for (unsigned i = 0; i < N_ASKED; i++)
		cr_assert_eq(order[i], i);
}

/* Its questions go with a client, and those of nobody else. */
Test(query_bus, a_client_that_goes_is_not_answered)
{
	ask(0);
	while (!bus_world.object->queries)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	sd_bus_close(bus_world.client);
	while (bus_world.object->queries)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	cr_assert_eq(n_replies, 0);
}

Test(query_bus, what_waits_at_the_end_is_dropped)
{
	ask(0);
	ask(1);
	while (!bus_world.object->queries)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
}

static void fill_many(void)
{
	struct store *store = store_world_open();
	int64_t session, task;
	char name[32];

	cr_assert_eq(store_begin(store), 0);
	session = store_world_add_session(store, START);
	task = store_world_add_task(store, 42, 0);
	for (unsigned i = 0; i <= OX_RECORDS_IN_MESSAGE; i++) {
		snprintf(name, sizeof(name), "function_%u", i);
		store_world_add_sample(store, session, 0, task,
				       store_world_add_node(store, 0, name), 1);
	}
	cr_assert_eq(store_commit(store), 0);
	store_free(store);
}

static void world_start_many(void)
{
	bus_world_start_with(fill_many);
}

Test(query_bus_many, a_message_holds_so_many_and_a_file_all, .init = world_start_many,
     .fini = bus_world_stop)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	assert_error(OX_ERROR_LIMIT_REACHED, "use QueryByFileDescriptor", "Query", "a{sv}", 1,
		     "max", "u", 0);
	free(bus_world_answer("Query", "a{sv}", 1, "max", "u", OX_RECORDS_IN_MESSAGE));
	fd = bus_world_fd_of(bus_world_call("QueryByFileDescriptor", "a{sv}", 1, "max", "u", 0));
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_gt(st.st_size, OX_RECORDS_IN_MESSAGE * 100);
}
