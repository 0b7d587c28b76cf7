/* SPDX-License-Identifier: MIT */
#include "tests/support/seeds.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void seeds_mutate(uint8_t *data, size_t size, unsigned int *seed)
{
	static const uint64_t values[] = {
		0,          1,         0x7f,       0xff,       0x7fff, 0xffff,   INT32_MAX,
		UINT32_MAX, INT64_MAX, UINT64_MAX, 0x80808080, 0x1000, 0x100000, UINT64_MAX - 7};

	for (int i = rand_r(seed) % 4; i >= 0 && size > 8; i--) {
		size_t width = (size_t)1 << rand_r(seed) % 4;
		uint64_t value =
			rand_r(seed) % 3 ? values[rand_r(seed) % 14] : (uint64_t)rand_r(seed);

		memcpy(data + rand_r(seed) % (size - 8), &value, width);
	}
}

static void seeds_run_file(seeds_fn fn, const char *path, int n_mutations)
{
	FILE *file = fopen(path, "r");
	unsigned int seed = 1;
	uint8_t *data, *copy;
	size_t size;

	data = malloc(1 << 20);
	copy = malloc(1 << 20);
	cr_assert(file && data && copy, "%s", path);
	size = fread(data, 1, 1 << 20, file);
	cr_assert(fclose(file) == 0 && size > 0);
	cr_assert_eq(fn(data, size), 0);
	for (int i = 0; i < n_mutations; i++) {
		memcpy(copy, data, size);
		seeds_mutate(copy, size, &seed);
		cr_assert_eq(fn(copy, i % 4 ? size : rand_r(&seed) % size), 0);
	}
	free(data);
	free(copy);
}

void seeds_run(seeds_fn fn, const char *name, int n_mutations)
{
	char path[512];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "fuzz/seeds/%s", name);
	dir = opendir(path);
	cr_assert_not_null(dir, "%s", path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "fuzz/seeds/%s/%s", name, entry->d_name);
		seeds_run_file(fn, path, n_mutations);
		n++;
	}
	closedir(dir);
	cr_assert_gt(n, 0);
}
