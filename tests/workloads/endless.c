/* SPDX-License-Identifier: MIT */
/*
 * endless stacks|map|threads|processes [SECONDS]: spends its time in what nobody has met before:
 *   stacks     recursions of sixteen functions in an order of chance, a new one each time
 *   map        code that it writes itself, with a new name for each piece in /tmp/perf-PID.map
 *   threads    one thread that gives itself a new name each time
 *   processes  a new child each time, with a new name
 */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "burn.h"

#define DEPTH     200
#define TURNS     20000 /* of a leaf: some 20 us */
#define CODE_STEP 64
#define N_CODES   (1 << 16)
#define NAME      180

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
static volatile unsigned sink;

static uint64_t chance(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void burn(void)
{
	for (unsigned i = 0; i < TURNS; i++)
		sink += i;
}

/* ---- stacks ---- */

static void choose(unsigned depth);

/* The sum keeps the call from being the last thing done, which would take no frame. */
#define STEP(name)                                                 \
	__attribute__((noinline)) static void name(unsigned depth) \
	{                                                          \
		choose(depth - 1);                                 \
		sink++;                                            \
	}
#define STEPS(X)  \
	X(step_0) \
	X(step_1) \
	X(step_2) \
	X(step_3) \
	X(step_4) \
	X(step_5) \
	X(step_6) \
	X(step_7) X(step_8) X(step_9) X(step_a) X(step_b) X(step_c) X(step_d) X(step_e) X(step_f)
STEPS(STEP)

__attribute__((noinline)) static void choose(unsigned depth)
{
#define POINTER(name) name,
	static void (*const steps[])(unsigned) = {STEPS(POINTER)};

	if (depth)
		steps[chance() % 16](depth);
	else
		for (unsigned i = 0; i < 10; i++)
			burn();
	sink++;
}

static void run_stacks(uint64_t end_ns)
{
	while (clock_cpu_ns() < end_ns)
		choose(DEPTH);
}

/* ---- map ---- */

/* push %rbp; mov %rsp,%rbp; mov $100000,%ecx; 1: dec %ecx; jne 1b; pop %rbp; ret */
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xb9, 0xa0, 0x86, 0x01,
				     0x00, 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3};

static void run_map(uint64_t end_ns)
{
	char path[64];
	char *at = mmap(NULL, (size_t)N_CODES * CODE_STEP, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *map;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	while (at != MAP_FAILED && clock_cpu_ns() < end_ns) {
		map = fopen(path, "we");
		for (unsigned i = 0; map && i < N_CODES && clock_cpu_ns() < end_ns; i++) {
			memcpy(at + (size_t)i * CODE_STEP, code, sizeof(code));
			fprintf(map, "%lx %zx made_%016lx%0*d\n",
				(long)(at + (size_t)i * CODE_STEP), sizeof(code), (long)chance(),
				NAME, 0);
			fflush(map);
			for (unsigned n = 0; n < 20; n++)
				((void (*)(void))(at + (size_t)i * CODE_STEP))();
		}
		if (map)
			fclose(map);
	}
	unlink(path);
}

/* ---- threads and processes ---- */

static void rename_self(void)
{
	char name[16];

	snprintf(name, sizeof(name), "%015lx", (long)(chance() >> 4));
	prctl(PR_SET_NAME, name);
}

static void *run_thread(void *end_ns)
{
	while (clock_cpu_ns() < *(uint64_t *)end_ns) {
		rename_self();
		for (unsigned i = 0; i < 10; i++)
			burn();
	}
	return NULL;
}

static void run_threads(uint64_t end_ns)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_thread, &end_ns))
		exit(1);
	pthread_join(thread, NULL);
}

static void run_processes(void)
{
	for (;;) {
		pid_t child = fork();

		(void)chance();
		if (child == 0) {
			rename_self();
			for (unsigned i = 0; i < 50; i++)
				burn();
			_exit(0);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	uint64_t end_ns = burn_begin(argc > 2 ? argv[2] : NULL);

	state += (uint64_t)getpid() * 2654435761u;
	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "stacks"))
		run_stacks(end_ns);
	else if (!strcmp(argv[1], "map"))
		run_map(end_ns);
	else if (!strcmp(argv[1], "threads"))
		run_threads(end_ns);
	else if (!strcmp(argv[1], "processes"))
		run_processes();
	else
		return 2;
	return 0;
}
