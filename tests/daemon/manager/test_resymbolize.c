/* SPDX-License-Identifier: MIT */
/* Resymbolize on the bus: answered when it is done, one at a time, seen by the next request. */
#include "daemon/base/cleanup.h"
#include "tests/support/directory.h"

#include "tests/support/bus_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>

#include "daemon/manager/internal.h"
#include "daemon/symbolizer/elf_info.h"
#include "tests/support/deputy.h"
#include "tests/support/shell.h"
#include "tests/support/skip.h"

#define PROGRAM "/program" /* this very one */

static char proc[256]; /* a /proc in which PID 1 has a root with this program */
static char build_id[BUILD_ID_TEXT_BYTES];

/* ---- a symbolizer of the test's own ---- */

static symbolizer_fn waiting;
static void *waiting_userdata;
static bool holds;

static int ask_names(struct symbolizer *symbolizer, const struct symbolizer_files *files,
		     const uint64_t *addresses, size_t n, symbolizer_fn fn, void *userdata)
{
	cr_assert_geq(files->file, 0);
	waiting = fn;
	waiting_userdata = userdata;
	if (!holds)
		return -EBADMSG;
	return 0;
}

static size_t get_names(const struct symbolizer_reply *reply, size_t i, uint64_t *ret_vaddr,
			struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX])
{
	ret[0] = (struct symbolizer_name){.function = "late", .file = "", .line = 3};
	return 1;
}

static const struct resymbolize_ops ops = {ask_names, get_names};

/* ---- a history: one address of this very program, one of a file that is not there ---- */

static void read_own_build_id(void)
{
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_info info;

	cr_assert_eq(elf_info_read(fd, &info), 0);
	cr_assert_gt(info.build_id_bytes, 0, "this program was linked without a build-id");
	for (size_t i = 0; i < info.build_id_bytes; i++)
		snprintf(build_id + 2 * i, 3, "%02x", info.build_id[i]);
}

static int64_t add_unnamed(struct store *store, const char *file, const char *id)
{
	struct frame frame = {
		.function = "+0x10", .module = "prog", .file = file, .build_id = id, .offset = 16};
	int64_t row, node;

	cr_assert_eq(store_add_frame(store, &frame, &row), 0);
	cr_assert_eq(store_add_node(store, 0, row, &node), 0);
	return node;
}

static void fill(void)
{
	struct store *store = store_world_open();
	int64_t session;

	read_own_build_id();
	cr_assert_eq(store_begin(store), 0);
	session = store_world_add_session(store, START);
	store_world_add_sample(store, session, 0, store_world_add_task(store, 42, 1000),
			       add_unnamed(store, PROGRAM, build_id), 5);
	store_world_add_sample(store, session, 0, store_world_add_task(store, 42, 1000),
			       add_unnamed(store, "/no/such/file", "abcdef"), 3);
	cr_assert_eq(store_commit(store), 0);
	cr_assert_eq(store_end_session(store, session, START + 5000000), 0);
	store_free(store);
}

static void start_filled(void)
{
	static char deputy[300];

	if (geteuid() != 0)
		skip_loudly("only root can open files with the rights of others");
	directory_make(proc, sizeof(proc));
	shell_run(proc, "mkdir -p 1/root && cp /proc/%d/exe 1/root" PROGRAM, getpid());
	deputy_serve_at(proc, deputy, sizeof(deputy));
	bus_world.deputy = deputy;
	bus_world_start_with(fill);
	bus_world.manager->resymbolize.ops = &ops;
	bus_world.manager->resymbolize.proc = proc;
	holds = true;
}

static void stop_filled(void)
{
	bus_world_stop();
	directory_remove(proc);
}

TestSuite(manager_resymbolize, .init = start_filled, .fini = stop_filled);
TestSuite(manager_resymbolize_empty, .init = bus_world_start, .fini = bus_world_stop);

static void call_later(struct bus_world_reply *reply)
{
	cr_assert_geq(sd_bus_call_method_async(bus_world.client, NULL, NULL, OX_BUS_PATH,
					       OX_BUS_INTERFACE, "Resymbolize", bus_world_on_reply,
					       reply, ""),
		      0);
}

static void run_until_asked(void)
{
	while (!waiting)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
}

static char *wait_for(struct bus_world_reply *reply)
{
	while (!reply->n)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	return bus_world_text_of(reply->message);
}

#define MISSING "{file=s:/no/such/file,build_id=s:abcdef,named=t:0,unnamed=t:1,reason=s:no-file}"

Test(manager_resymbolize_empty, there_is_nothing_to_be_named)
{
	_cleanup_free_ char *text = bus_world_answer("Resymbolize", "");

	cr_assert_str_eq(text, "0 0 []");
}

Test(manager_resymbolize, the_next_question_sees_the_names)
{
	_cleanup_free_ char *before = bus_world_answer("Query", "a{sv}", 0), *during = NULL,
			    *after = NULL;
	_cleanup_free_ char *text = NULL;
	struct bus_world_reply reply = {0};
	char wanted[5000];

	assert_has(before, "{name=s:prog+0x10,");
	call_later(&reply);
	run_until_asked();
	/* Other calls are answered meanwhile, and only one resymbolization runs at a time. */
	during = bus_world_answer("Query", "a{sv}", 0);
	assert_has(during, "{name=s:prog+0x10,");
	assert_error(OX_ERROR_LIMIT_REACHED, "being looked up already", "Resymbolize", "");
	cr_assert_eq(reply.n, 0);
	waiting(waiting_userdata, 0, NULL);
	text = wait_for(&reply);
	snprintf(wanted, sizeof(wanted),
		 "1 1 [{file=s:%s,build_id=s:%s,named=t:1,unnamed=t:0}," MISSING "]", PROGRAM,
		 build_id);
	cr_assert_str_eq(text, wanted, "%s\n%s", text, wanted);
	after = bus_world_answer("Query", "a{sv}", 0);
	assert_has(after, "{name=s:late(prog),function=s:late,");
	assert_has(after, "line=u:3,self=t:5,");
	assert_has(after, "{name=s:prog+0x10,");
	cr_assert_eq(bus_world.manager->resymbolize.work, NULL);
}

Test(manager_resymbolize, what_fails_is_told_with_its_reason)
{
	_cleanup_free_ char *text = NULL;

	holds = false;
	text = bus_world_answer("Resymbolize", "");
	assert_has(text, "0 2 [{file=s:/");
	assert_has(text, "named=t:0,unnamed=t:1,reason=s:unreadable}," MISSING "]");
}

Test(manager_resymbolize, the_daemon_may_end_meanwhile)
{
	struct bus_world_reply reply = {0};

	call_later(&reply);
	run_until_asked();
	manager_bus_free(bus_world.object);
	bus_world.object = NULL;
	manager_stop_resymbolize(bus_world.manager);
	/* A symbolizer that is freed answers all requests. */
	waiting(waiting_userdata, -ECANCELED, NULL);
}
