/* SPDX-License-Identifier: MIT */
/*
 * reload FIRST SECOND PERIOD_MS ROUNDS: loads one library, works in it for PERIOD_MS of CPU time,
 * unloads it and loads the other one at the same address, for half of that; so many times. Waits
 * for a line on stdin before it begins. Prints what each had: "first_usec 2000123",
 * "second_usec 1000456". Exit 3: the second did not come to the address of the first.
 */
#include <dlfcn.h>
#include <stdint.h>

#include "burn.h"

struct part {
	const char *path;
	const char *function;
	uint64_t period_ns;
	uint64_t used_ns;
	const void *base;
};

static volatile uint64_t sink;

static void die(const char *what)
{
	fprintf(stderr, "reload: %s: %s\n", what, dlerror());
	exit(1);
}

static void fragment_run(struct part *part)
{
	uint64_t start_ns = clock_cpu_ns(), now_ns;
	void *library = dlopen(part->path, RTLD_NOW | RTLD_LOCAL);
	uint64_t (*work)(uint64_t rounds);
	Dl_info info;

	if (!library)
		die(part->path);
	work = (uint64_t(*)(uint64_t))dlsym(library, part->function);
	if (!work || !dladdr((void *)work, &info))
		die(part->function);
	part->base = info.dli_fbase;
	do {
		sink += work(10);
		now_ns = clock_cpu_ns();
	} while (now_ns - start_ns < part->period_ns);
	part->used_ns += now_ns - start_ns;
	dlclose(library);
}

int main(int argc, char **argv)
{
	struct part first = {0}, second = {0};
	long rounds;

	if (argc != 5) {
		fprintf(stderr, "usage: reload FIRST SECOND PERIOD_MS ROUNDS\n");
		return 2;
	}
	first.path = argv[1];
	first.function = "work_in_first";
	first.period_ns = strtoull(argv[3], NULL, 10) * 1000000;
	second.path = argv[2];
	second.function = "work_in_second";
	second.period_ns = first.period_ns / 2;
	rounds = strtol(argv[4], NULL, 10);
	if (getchar() == EOF)
		return 1;
	for (long i = 0; i < rounds; i++) {
		fragment_run(&first);
		fragment_run(&second);
		if (first.base != second.base) {
			fprintf(stderr, "reload: %p is not %p\n", second.base, first.base);
			return 3;
		}
	}
	printf("address %p\nfirst_usec %llu\nsecond_usec %llu\n", first.base,
	       (unsigned long long)first.used_ns / 1000, (unsigned long long)second.used_ns / 1000);
	return 0;
}
