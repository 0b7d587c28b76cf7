/* SPDX-License-Identifier: MIT */
#include "tests/support/python_files.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "tests/fuzz/fuzz_python_file.c"
#include "tests/support/directory.h"

char python_files_directory[256];

void python_files_set_up(void)
{
	directory_make(python_files_directory, sizeof(python_files_directory));
}

void python_files_tear_down(void)
{
	directory_remove(python_files_directory);
}

const char *python_files_path(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", python_files_directory, name);
	return path;
}

void read_python(const char *path, struct symbolizer_python *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert(fd >= 0, "%s", path);
	cr_assert_eq(python_file_read(fd, ret), 0, "%s", path);
	check_python(ret);
}

bool has_python(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(elf_file_done) struct elf_file elf = {.fd = -1};

	cr_assert(fd >= 0, "%s", path);
	cr_assert_eq(elf_file_open(&elf, fd), 0);
	return python_file_has(&elf);
}

static const struct symbolizer_python_range *find_range(const struct symbolizer_python *python,
							uint64_t address)
{
	for (size_t i = 0; i < python->n_ranges; i++)
		if (address >= python->ranges[i].start && address < python->ranges[i].end)
			return &python->ranges[i];
	return NULL;
}

bool is_code(const struct symbolizer_python *python, uint64_t address,
	     enum symbolizer_python_code code)
{
	const struct symbolizer_python_range *range = find_range(python, address);

	return range && range->code == code;
}

/* The symbols of a file, as nm lists them. */
struct symbols {
	struct {
		uint64_t vaddr, bytes;
		char name[120];
	} list[40000];
	size_t n;
};

static struct symbols symbols;

void list_symbols(const char *path)
{
	char command[PATH_MAX + 32], line[1024];
	FILE *pipe;

	snprintf(command, sizeof(command), "nm -S '%s'", path);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	symbols.n = 0;
	while (fgets(line, sizeof(line), pipe) && symbols.n < array_length(symbols.list)) {
		char type;

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %c %119s", &symbols.list[symbols.n].vaddr,
			   &symbols.list[symbols.n].bytes, &type,
			   symbols.list[symbols.n].name) == 4)
			symbols.n++;
	}
	pclose(pipe);
	cr_assert_gt(symbols.n, 100, "%s", path);
}

uint64_t get_symbol(const char *name)
{
	for (size_t i = 0; i < symbols.n; i++)
		if (strcmp(symbols.list[i].name, name) == 0)
			return symbols.list[i].vaddr;
	return 0;
}

void expect_code(const struct symbolizer_python *python, const char *name,
		 enum symbolizer_python_code code)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < symbols.n; i++) {
		uint64_t start = symbols.list[i].vaddr, bytes = symbols.list[i].bytes;

		if (strncmp(symbols.list[i].name, name, length) != 0 ||
		    (symbols.list[i].name[length] && symbols.list[i].name[length] != '.'))
			continue;
		cr_expect(is_code(python, start, code), "%s", symbols.list[i].name);
		cr_expect(is_code(python, start + bytes - 1, code), "%s", symbols.list[i].name);
	}
}

void expect_visible(const struct symbolizer_python *python, const char *name)
{
	uint64_t vaddr = get_symbol(name);

	if (vaddr)
		cr_expect_null(find_range(python, vaddr), "%s", name);
}
