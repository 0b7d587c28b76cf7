/* SPDX-License-Identifier: MIT */
/* Tests how tables are laid out, and follows stacks of real processes by them; the latter is
 * skipped where the kernel side is not available (kernel_side.h). */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/sampler/events.h"
#include "daemon/unwinder/internal.h"
#include "tests/support/busy.h"
#include "tests/support/kernel_side.h"

#define INTERVAL_NS   UINT64_C(500000)
#define DEPTH         61
#define PATIENCE_USEC UINT64_C(30000000)

/* ---- laid out ---- */

#define N_ROWS  2000
#define N_RULES 50

static uint16_t find_slowly(const struct symbolizer_table *table, uint32_t address)
{
	uint16_t rule = 0;

	for (size_t i = 0; i < table->n_rows && table->rows[i].address <= address; i++)
		rule = table->rows[i].rule;
	return rule;
}

/* Searches a row as the kernel side does. */
static uint16_t find_in_pack(const struct pack *pack, uint32_t address)
{
	uint32_t page = (address >> OX_PAGE_SHIFT) - pack->first_page;
	const uint32_t *rows = pack->rows;
	uint16_t rule = 0;

	if (page >= pack->n_pages)
		return 0;
	for (uint32_t i = 0; i < page; i++)
		rows += pack->counts[i];
	for (uint32_t i = 0; i < pack->counts[page]; i++)
		if ((rows[i] & 0xffff) <= (address & ((1u << OX_PAGE_SHIFT) - 1)))
			rule = rows[i] >> 16;
	return rule;
}

static void expect_same(const struct symbolizer_table *table)
{
	uint16_t numbers[N_RULES];
	struct pack pack;
	size_t n = 0;

	for (unsigned i = 0; i < N_RULES; i++)
		numbers[i] = i;
	cr_assert_eq(pack_make(&pack, table, numbers), 0);
	for (size_t i = 0; i < table->n_rows; i++) {
		uint32_t address = table->rows[i].address;

		cr_assert_eq(find_in_pack(&pack, address), find_slowly(table, address));
		cr_assert_eq(find_in_pack(&pack, address + 7), find_slowly(table, address + 7));
		if (address > table->rows[0].address)
			cr_assert_eq(find_in_pack(&pack, address - 1),
				     find_slowly(table, address - 1));
	}
	for (uint32_t i = 0; i < pack.n_pages; i++) {
		/* A search starts with the page's first row and looks no further back. */
		if (pack.counts[i])
			cr_assert_eq(pack.rows[n] & 0xffff, 0);
		n += pack.counts[i];
	}
	cr_assert_eq(n, pack.n_rows);
	pack_done(&pack);
}

static void expect_rows(uint32_t first, uint32_t step, uint32_t jump_at, uint32_t jump)
{
	static struct symbolizer_row rows[N_ROWS];
	struct symbolizer_table table = {.rows = rows, .n_rows = N_ROWS};
	uint32_t address = first;

	for (size_t i = 0; i < N_ROWS; i++) {
		rows[i] = (struct symbolizer_row){address, i * 7 % N_RULES};
		address += i == jump_at ? jump : 1 + i * step % 97;
	}
	rows[N_ROWS - 1].rule = 0;
	expect_same(&table);
}

Test(unwinder, finds_in_the_layout_what_is_in_the_table)
{
	expect_rows(0, 1, N_ROWS, 0);
	expect_rows(0x1000, 13, N_ROWS, 0);
	expect_rows(0x401000 + 3, 31, 100, 10 << OX_PAGE_SHIFT);
	expect_rows(1 << OX_PAGE_SHIFT, 5, 999, 1 << OX_PAGE_SHIFT);
	expect_rows((1 << OX_PAGE_SHIFT) - 1, 0, N_ROWS, 0);
}

Test(unwinder, refuses_a_table_over_too_many_addresses)
{
	const struct symbolizer_row rows[] = {{0, 1}, {UINT32_MAX, 0}};
	const struct symbolizer_table table = {.rows = rows, .n_rows = 2};
	const uint16_t numbers[] = {0, 1};
	struct pack pack;

	cr_assert_eq(pack_make(&pack, &table, numbers), -E2BIG);
}

/* ---- followed ---- */

static struct sampler *sampler;
static struct images *images;
static struct inspector *inspector;
static struct files *files;
static struct interpreters *interpreters;
static struct symbolizer *symbolizer;
static struct unwinder *unwinder;
static uint64_t stops[OX_N_STOPS], n_deep, n_samples;

static void no_warning(void *userdata, const char *path, int error)
{
	cr_assert_fail("%s: %s", path, strerror(-error));
}

static void open_world(uint64_t budget_bytes)
{
	struct sampler_report report;

	sampler_free(sampler_or_skip());
	cr_assert_eq(sampler_new(budget_bytes, &sampler, &report), 0, "%s", report.why);
	images = images_new("/proc");
	cr_assert_eq(inspector_new(OX_SYMBOLIZER_BUILT, "/", &inspector), 0);
	files = files_new("/proc", inspector);
	interpreters = interpreters_new(files);
	cr_assert_eq(symbolizer_new(OX_SYMBOLIZER_BUILT, &symbolizer), 0);
	unwinder = unwinder_new(files, interpreters, symbolizer, no_warning, NULL);
	unwinder_attach(unwinder, sampler);
}

static void close_world(void)
{
	symbolizer_free(symbolizer);
	unwinder_free(unwinder);
	interpreters_free(interpreters);
	files_free(files);
	inspector_free(inspector);
	images_free(images);
	sampler_free(sampler);
}

/* Each function has a section of its own, so that a frame tells where it is. */
#define PLACED(place) __attribute__((noinline, section(place)))
extern const char __start_place_burn[], __stop_place_burn[];
extern const char __start_place_descend[], __stop_place_descend[];

static volatile uint64_t burnt;

PLACED("place_burn") static void burn(void)
{
	while (burnt != 2) /* never */
		burnt = burnt * 2 + 1;
}

PLACED("place_descend") static uint64_t descend(unsigned depth)
{
	volatile uint64_t kept[4] = {depth};

	if (depth == 0)
		return 0;
	if (depth == 1)
		burn();
	return descend(depth - 1) + kept[depth & 3];
}

static void run_deep(void)
{
	descend(DEPTH);
}

static struct busy_process start_deep(void)
{
	return busy_start(&(struct busy){.run = run_deep});
}

static bool is_in(uint64_t address, const char *start, const char *stop)
{
	return address >= (uintptr_t)start && address < (uintptr_t)stop;
}

static int see(void *userdata, const struct sampler_sample *sample)
{
	unsigned n = 0;

	n_samples += sample->count;
	stops[sample->end] += sample->count;
	if (!sample->n_user || !is_in(sample->user[0], __start_place_burn, __stop_place_burn))
		return 0;
	for (uint32_t i = 1; i < sample->n_user; i++)
		n += is_in(sample->user[i] - 1, __start_place_descend, __stop_place_descend);
	if (sample->end == OX_STOP_ROOT) {
		cr_expect_eq(n, DEPTH);
		n_deep += sample->count;
	}
	return 0;
}

static void add_event(void *userdata, const struct ox_event *event)
{
	uint64_t now_ns = clock_monotonic_ns();
	const struct image *image = images_find(images, event->pid, now_ns);

	int r;

	cr_assert_not_null(image);
	r = unwinder_update(unwinder, image, now_ns);
	/* Events may also be of processes that were dropped since, or that page in code
	 * meanwhile. */
	cr_assert(r == 0 || r == 1 || r == -ENOENT, "%d", r);
}

static void drain(void)
{
	memset(stops, 0, sizeof(stops));
	n_samples = n_deep = 0;
	sampler_swap(sampler);
	cr_assert_geq(sampler_foreach(sampler, see, NULL), 0);
	sampler_clear(sampler);
}

/* Samples until the process is known and its tables are there. */
static void sample_pids(const struct busy_process *processes, size_t n)
{
	struct sampler_target targets[8];

	for (size_t i = 0; i < n; i++)
		targets[i] = (struct sampler_target){
			.filter = SAMPLER_PID,
			.id = processes[i].pid,
			.target = {.start_max_ns = UINT64_MAX},
		};
	kernel_side_choose(sampler, targets, n, INTERVAL_NS);
	cr_assert_eq(sampler_enable(sampler), 0);
	for (size_t i = 0; i < n; i++) {
		struct ox_process known = {};

		while (!known.as_of_ns) {
			struct pollfd pollfd = {sampler_event_fd(sampler), POLLIN, 0};

			(void)sampler_get_process(sampler, processes[i].pid, &known);
			cr_assert_geq(poll(&pollfd, 1, known.as_of_ns ? 0 : 10), 0);
			sampler_read_events(sampler, add_event, NULL);
		}
	}
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	drain();
}

Test(unwinder, stacks_are_whole_and_the_depth_is_exact, .fini = close_world)
{
	struct busy_process process = start_deep();
	struct unwinder_state state;

	open_world(UINT64_C(8) << 20);
	sample_pids(&process, 1);
	busy_let(process.pid, 200);
	drain();
	cr_assert_gt(n_deep, 0);
	cr_assert_eq(stops[OX_STOP_ROOT], n_samples);
	unwinder_get_state(unwinder, &state);
	cr_assert_gt(state.n_tables, 1);
	cr_assert_eq(state.n_waiting + state.n_refused, 0);
	cr_assert_gt(state.bytes, 0);
	busy_stop(&process);
}

Test(unwinder, who_is_expected_is_whole_from_the_first_sample_on, .fini = close_world)
{
	struct busy_process process = start_deep();
	struct sampler_target target = {
		.filter = SAMPLER_PID, .id = process.pid, .target = {.start_max_ns = UINT64_MAX}};
	uint64_t now_ns = clock_monotonic_ns();

	open_world(UINT64_C(8) << 20);
	unwinder_expect(unwinder, images_find(images, process.pid, now_ns), now_ns);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	kernel_side_choose(sampler, &target, 1, INTERVAL_NS);
	cr_assert_eq(sampler_enable(sampler), 0);
	busy_let(process.pid, 50);
	drain();
	cr_assert_gt(n_samples, 0);
	cr_assert_eq(stops[OX_STOP_ROOT], n_samples);
	busy_stop(&process);
}

Test(unwinder, processes_of_one_program_share_its_tables, .fini = close_world)
{
	struct busy_process processes[] = {start_deep(), start_deep(), start_deep()};
	struct unwinder_state first, all;
	uint64_t used;

	open_world(UINT64_C(8) << 20);
	sample_pids(processes, 1);
	unwinder_get_state(unwinder, &first);
	used = sampler_blocks_used(sampler);
	sample_pids(processes, 3);
	unwinder_get_state(unwinder, &all);
	cr_assert_eq(first.n_tables, all.n_tables);
	for (int i = 0; i < 3; i++) {
		unwinder_forget(unwinder, processes[i].pid);
		if (i == 1) /* the words of its own ranges are freed with it */
			cr_assert_eq(sampler_blocks_used(sampler), used);
		busy_stop(&processes[i]);
	}
	cr_assert_lt(sampler_blocks_used(sampler), used);
}

Test(unwinder, what_finds_no_room_is_refused_and_the_stacks_say_so, .fini = close_world)
{
	struct busy_process process = start_deep();
	struct unwinder_state state;

	open_world(OX_BLOCK_WORDS * 4);
	sample_pids(&process, 1);
	busy_let(process.pid, 50);
	drain();
	unwinder_get_state(unwinder, &state);
	cr_assert_gt(state.n_refused, 0);
	cr_assert_leq(state.bytes, OX_BLOCK_WORDS * 4);
	cr_assert_gt(n_samples, 0);
	busy_stop(&process);
}

static struct busy_process start_python(void)
{
	struct busy_process process = {.news = -1};

	process.pid = fork();
	cr_assert_geq(process.pid, 0);
	if (!process.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/usr/bin/python3", "python3", "-c", "while True: pass", NULL);
		_exit(1);
	}
	busy_let(process.pid, 100); /* it has mapped all its files */
	return process;
}

Test(unwinder, tables_that_nobody_needs_make_room, .fini = close_world)
{
	struct busy_process process = start_deep(), python = start_python();
	uint64_t now_ns = clock_monotonic_ns();
	struct unwinder_state state;

	open_world(OX_BLOCK_WORDS * 4);
	sample_pids(&process, 1);
	unwinder_get_state(unwinder, &state);
	cr_assert_gt(state.n_tables, 0);
	/* The process still runs, and was sampled lately: nothing may be dropped. */
	unwinder_touch(unwinder, process.pid, now_ns);
	unwinder_expect(unwinder, images_find(images, python.pid, now_ns), now_ns);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	unwinder_get_state(unwinder, &state);
	cr_assert_eq(state.n_evicted, 0);
	cr_assert_gt(state.n_refused, 0);
	/* The process has not been sampled for long: its tables are dropped, and come back
	 * later. */
	unwinder_touch(unwinder, python.pid, now_ns + 2 * UNWINDER_IDLE_NS);
	unwinder_retry(unwinder);
	cr_assert_geq(unwinder_update(unwinder, images_find(images, python.pid, now_ns), now_ns),
		      0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	unwinder_get_state(unwinder, &state);
	cr_assert_gt(state.n_evicted, 0);
	busy_stop(&process);
	busy_stop(&python);
}

Test(unwinder, cleared_it_begins_anew, .fini = close_world)
{
	struct busy_process process = start_deep();
	struct unwinder_state state;

	open_world(UINT64_C(8) << 20);
	sample_pids(&process, 1);
	unwinder_clear(unwinder);
	files_clear(files);
	unwinder_get_state(unwinder, &state);
	cr_assert_eq(state.n_tables, 0);
	cr_assert_leq(sampler_blocks_used(sampler), OX_RANGE_WORDS * 4); /* index 0 */
	sample_pids(&process, 1);
	busy_let(process.pid, 50);
	drain();
	cr_assert_gt(n_deep, 0);
	cr_assert_eq(stops[OX_STOP_ROOT], n_samples);
	busy_stop(&process);
}
