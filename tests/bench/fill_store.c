/* SPDX-License-Identifier: MIT */
/*
 * fill_store PATH ROWS: a database with that many sample rows, written through the store as the
 * daemon writes it: ten drains to a window of 10 s, each in no order, roll-ups as time goes on.
 * 8 sessions, 40 threads in 8 processes, 3000 stacks of 13 frames on average, of which few are hot
 * (Zipf), on four busy CPUs at 99 Hz. The same arguments make the same rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"
#include "db/store.h"

#define N_SESSIONS         8
#define N_PROCESSES        8
#define N_TASKS            5   /* of a process */
#define N_STACKS           375 /* of a process */
#define N_FUNCTIONS        250 /* of a process */
#define MAX_DEPTH          24
#define DRAINS             10
#define SAMPLES_IN_A_DRAIN 396
#define FIRST_START_USEC   UINT64_C(1760000000000000)

static struct {
	struct store *store;
	int64_t tasks[N_PROCESSES][N_TASKS];
	int64_t frames[N_PROCESSES][N_FUNCTIONS];
	int64_t leaves[N_PROCESSES][N_STACKS];
	double zipf[N_STACKS]; /* cumulated */
	/* The window that last had this row. */
	uint64_t seen[N_PROCESSES][N_TASKS][N_STACKS];
	uint64_t random;
} fill = {.random = 88172645463325252};

static uint32_t draw(uint32_t below)
{
	fill.random ^= fill.random << 13;
	fill.random ^= fill.random >> 7;
	fill.random ^= fill.random << 17;
	return (fill.random >> 32) % below;
}

static uint32_t draw_stack(void)
{
	double at = draw(UINT32_MAX) / (double)UINT32_MAX * fill.zipf[N_STACKS - 1];
	uint32_t low = 0, high = N_STACKS - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (fill.zipf[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Ends the program on failure: it has one user, who sees why. */
static void must(int r)
{
	if (r >= 0)
		return;
	fprintf(stderr, "fill_store: %s\n", fill.store ? store_error(fill.store) : strerror(-r));
	exit(EXIT_FAILURE);
}

static void add_tasks(uint32_t p)
{
	char comm[16], exe[64], unit[64], cgroup[64];
	struct store_process process = {
		.pid = 1000 + p * 100,
		.started_usec = FIRST_START_USEC - 1000000,
		.uid = p % 2 ? 1000 : 0,
		.owner = p % 2 ? 1000 : 0,
		.comm = comm,
		.exe = exe,
		.cmdline = exe,
		.user = p % 2 ? "alice" : "root",
		.unit = unit,
		.cgroup = cgroup,
	};
	int64_t id;

	snprintf(comm, sizeof(comm), "service%u", p);
	snprintf(exe, sizeof(exe), "/usr/bin/service%u", p);
	snprintf(unit, sizeof(unit), "service%u.service", p);
	snprintf(cgroup, sizeof(cgroup), "/system.slice/service%u.service", p);
	must(store_add_process(fill.store, &process, &id));
	for (uint32_t t = 0; t < N_TASKS; t++)
		must(store_add_task(fill.store, id, process.pid + t, comm, &fill.tasks[p][t]));
}

static void add_frames(uint32_t p)
{
	for (uint32_t f = 0; f < N_FUNCTIONS; f++) {
		char function[64], module[32], file[64], build_id[41];
		struct frame frame = {
			.kind = f % 5 == 4 ? FRAME_KERNEL : FRAME_NATIVE,
			.function = function,
			.module = module,
			.file = file,
			.build_id = build_id,
			.line = f,
			.offset = 4096 + f * 64,
		};
		bool kernel = frame.kind == FRAME_KERNEL;

		snprintf(function, sizeof(function), "%s_function_%u", kernel ? "sys" : "do", f);
		snprintf(module, sizeof(module), kernel ? "kernel" : "service%u", p);
		snprintf(file, sizeof(file), kernel ? "" : "/usr/bin/service%u", p);
		snprintf(build_id, sizeof(build_id), "%040u", kernel ? 0 : p + 1);
		must(store_add_frame(fill.store, &frame, &fill.frames[p][f]));
	}
}

static bool leaf_is_taken(uint32_t p, uint32_t n_stacks, int64_t node)
{
	for (uint32_t s = 0; s < n_stacks; s++)
		if (fill.leaves[p][s] == node)
			return true;
	return false;
}

/* Adds stacks; each shares its upper part with an earlier one and has a leaf of its own. */
static void add_stacks(uint32_t p)
{
	static int64_t nodes[N_STACKS][MAX_DEPTH];

	for (uint32_t s = 0; s < N_STACKS; s++) {
		uint32_t depth = 4 + draw(MAX_DEPTH - 6), d = 0;

		memset(nodes[s], 0, sizeof(nodes[s]));
		if (s > 0) {
			const int64_t *other = nodes[draw(s)];

			while (d < depth && other[d])
				d++;
			d = d * 3 / 4;
			memcpy(nodes[s], other, d * sizeof(other[0]));
		}
		do {
			must(store_add_node(fill.store, d ? nodes[s][d - 1] : 0,
					    fill.frames[p][draw(N_FUNCTIONS)], &nodes[s][d]));
			fill.leaves[p][s] = nodes[s][d++];
		} while (d < depth || leaf_is_taken(p, s, fill.leaves[p][s]));
	}
}

static void add_world(void)
{
	double sum = 0;

	for (uint32_t s = 0; s < N_STACKS; s++)
		fill.zipf[s] = sum += 1.0 / (s + 1);
	must(store_begin(fill.store));
	for (uint32_t p = 0; p < N_PROCESSES; p++) {
		add_tasks(p);
		add_frames(p);
		add_stacks(p);
	}
	must(store_commit(fill.store));
}

/* Adds the samples of a window. Returns the number of rows that are new. */
static uint64_t add_window(int64_t session, int64_t set, uint32_t window, uint64_t stamp,
			   uint64_t max_rows)
{
	uint64_t rows = 0;

	must(store_begin(fill.store));
	for (uint32_t i = 0; i < DRAINS * SAMPLES_IN_A_DRAIN; i++) {
		uint32_t p = draw(N_PROCESSES), t = draw(N_TASKS), s = draw_stack();

		if (fill.seen[p][t][s] != stamp) {
			if (rows == max_rows)
				continue;
			fill.seen[p][t][s] = stamp;
			rows++;
		}
		must(store_add_sample(fill.store, set, window, fill.tasks[p][t], fill.leaves[p][s],
				      1));
	}
	if (window % 6 == 5)
		must(store_add_loss(fill.store, session, window, "late", 1 + draw(3)));
	must(store_commit(fill.store));
	return rows;
}

static void add_sessions(uint64_t rows)
{
	uint64_t start = FIRST_START_USEC, stamp = 0;

	for (uint32_t i = 0; i < N_SESSIONS; i++) {
		uint64_t left = rows / N_SESSIONS + (i < rows % N_SESSIONS);
		struct store_session session = {
			.started_usec = start,
			.mode = "cpu",
			.interval_ns = OX_INTERVAL_DEFAULT_NS,
			.targets = "all",
		};
		int64_t id, set;

		must(store_begin(fill.store));
		must(store_add_session(fill.store, &session, &id));
		must(store_add_set(fill.store, &id, 1, &set));
		must(store_commit(fill.store));
		for (; left; start += OX_WINDOW_USEC)
			left -= add_window(id, set, start / OX_WINDOW_USEC, ++stamp, left);
		must(store_end_session(fill.store, id, start));
		start += 60 * OX_WINDOW_USEC;
	}
}

int main(int argc, char *argv[])
{
	_cleanup_free_ char *aside = NULL;
	_cleanup_free_ char *why = NULL;
	uint64_t rows;
	int r;

	if (argc != 3 || parse_u64(argv[2], UINT64_C(1000000000), &rows) < 0) {
		fprintf(stderr, "usage: fill_store PATH ROWS\n");
		return 2;
	}
	r = store_open(argv[1], 0, &fill.store, &aside, &why);
	if (r < 0) {
		fprintf(stderr, "fill_store: %s\n", why);
		return EXIT_FAILURE;
	}
	add_world();
	add_sessions(rows);
	printf("%llu rows, %llu bytes\n", (unsigned long long)rows,
	       (unsigned long long)store_bytes(fill.store));
	store_free(fill.store);
	return EXIT_SUCCESS;
}
