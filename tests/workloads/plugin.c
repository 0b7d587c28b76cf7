/* SPDX-License-Identifier: MIT */
/*
 * plugin LIBRARY FUNCTION: loads it and works in it until it is killed. Waits for a line on stdin
 * between the two, so that the file can be changed meanwhile.
 */
#include <dlfcn.h>

#include "burn.h"

static volatile uint64_t sink;

int main(int argc, char **argv)
{
	void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	uint64_t (*work)(uint64_t rounds);

	if (!library) {
		fprintf(stderr, "plugin: %s\n", argc == 3 ? dlerror() : "usage");
		return 2;
	}
	work = (uint64_t(*)(uint64_t))dlsym(library, argv[2]);
	if (!work || burn_begin(NULL) == 0 || getchar() == EOF)
		return 1;
	for (;;)
		sink += work(10);
}
