/* SPDX-License-Identifier: MIT */
/*
 * jitcode map|dump|none [SECONDS]: spends its time in code that it wrote itself: two functions with
 * frame pointers, the first calls the second. Tells their names, made_outer and made_inner, in
 * /tmp/perf-PID.map or in /tmp/jit-PID.dump (with a line of "made.src" each), or not at all.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "burn.h"

#define CODE_BYTES 4096

/* The format is that of the Linux kernel, tools/perf/Documentation/jitdump-specification.txt. */
struct dump_header {
	uint32_t magic, version, total_size, elf_mach, pad1, pid;
	uint64_t timestamp, flags;
};
struct dump_record {
	uint32_t id, total_size;
	uint64_t timestamp;
};
struct dump_load {
	struct dump_record record;
	uint32_t pid, tid;
	uint64_t vma, code_addr, code_size, code_index;
};
struct dump_lines {
	struct dump_record record;
	uint64_t code_addr, n;
};
struct dump_line {
	uint64_t address;
	uint32_t line, discriminator;
};

struct function {
	const char *name;
	const unsigned char *code;
	size_t bytes;
	uint32_t line;
};

/* push %rbp; mov %rsp,%rbp; mov $100,%r10d; 1: call 2f; dec %r10d; jne 1b; pop %rbp; ret */
static const unsigned char outer_code[] = {0x55, 0x48, 0x89, 0xe5, 0x41, 0xba, 0x64, 0x00,
					   0x00, 0x00, 0xe8, 0x2d, 0x00, 0x00, 0x00, 0x41,
					   0xff, 0xca, 0x75, 0xf6, 0x5d, 0xc3};
/* push %rbp; mov %rsp,%rbp; mov $100000,%ecx; 1: dec %ecx; jne 1b; pop %rbp; ret */
static const unsigned char inner_code[] = {0x55, 0x48, 0x89, 0xe5, 0xb9, 0xa0, 0x86, 0x01,
					   0x00, 0xff, 0xc9, 0x75, 0xfc, 0x5d, 0xc3};
#define INNER_AT 60 /* behind outer; the call's distance */

static const struct function functions[] = {
	{"made_outer", outer_code, sizeof(outer_code), 11},
	{"made_inner", inner_code, sizeof(inner_code), 22},
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void tell_map(const char *code)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	file = fopen(path, "we");
	if (!file)
		exit(1);
	for (int i = 0; i < 2; i++)
		fprintf(file, "%llx %zx %s\n", (unsigned long long)(uintptr_t)(code + i * INNER_AT),
			functions[i].bytes, functions[i].name);
	fclose(file);
}

static void dump_function(FILE *file, const struct function *function, uint64_t address,
			  uint64_t index)
{
	static const char source[] = "made.src";
	struct dump_line line = {address, function->line, 0};
	struct dump_lines lines = {
		{2, sizeof(lines) + sizeof(line) + sizeof(source), clock_ns()}, address, 1};
	struct dump_load load = {
		{0, (uint32_t)(sizeof(load) + strlen(function->name) + 1 + function->bytes),
		 clock_ns()},
		(uint32_t)getpid(),
		(uint32_t)syscall(SYS_gettid),
		address,
		address,
		function->bytes,
		index};

	fwrite(&lines, sizeof(lines), 1, file);
	fwrite(&line, sizeof(line), 1, file);
	fwrite(source, sizeof(source), 1, file);
	fwrite(&load, sizeof(load), 1, file);
	fwrite(function->name, strlen(function->name) + 1, 1, file);
	fwrite(function->code, function->bytes, 1, file);
}

/* Writes the jitdump and maps it: by the mapping profilers find the file. */
static void tell_dump(const char *code)
{
	struct dump_header header = {0x4a695444, 1, sizeof(header), 62, 0, (uint32_t)getpid(),
				     clock_ns(), 0};
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/tmp/jit-%d.dump", (int)getpid());
	file = fopen(path, "w+e");
	if (!file)
		exit(1);
	fwrite(&header, sizeof(header), 1, file);
	for (int i = 0; i < 2; i++)
		dump_function(file, &functions[i], (uintptr_t)(code + i * INNER_AT), (uint64_t)i);
	fflush(file);
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(file), 0) == MAP_FAILED)
		exit(1);
}

int main(int argc, char **argv)
{
	char *code =
		mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t end_ns;

	if (argc < 2 || code == MAP_FAILED)
		return 2;
	for (int i = 0; i < 2; i++)
		memcpy(code + i * INNER_AT, functions[i].code, functions[i].bytes);
	if (mprotect(code, CODE_BYTES, PROT_READ | PROT_EXEC) < 0)
		return 1;
	if (!strcmp(argv[1], "map"))
		tell_map(code);
	else if (!strcmp(argv[1], "dump"))
		tell_dump(code);
	end_ns = burn_begin(argc > 2 ? argv[2] : NULL);
	while (clock_cpu_ns() < end_ns)
		((void (*)(void))code)();
	return 0;
}
