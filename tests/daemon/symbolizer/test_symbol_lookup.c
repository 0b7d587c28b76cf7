/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/symbolizer.h"
#include "daemon/symbolizer/symbol_lookup.h"
#include "tests/fuzz/fuzz_names.c"
#include "tests/support/directory.h"
#include "tests/support/seeds.h"
#include "tests/support/shell.h"

#define run(...) shell_run(directory, __VA_ARGS__)

static struct symbol_lookup *lookup;
static char directory[256];
static char start_directory[256];

static void set_up(void)
{
	cr_assert_not_null(getcwd(start_directory, sizeof(start_directory)));
	directory_make(directory, sizeof(directory));
	lookup = symbol_lookup_new();
	cr_assert_not_null(lookup);
}

static void tear_down(void)
{
	lookup = symbol_lookup_free(lookup);
	directory_remove(directory);
}

TestSuite(symbol_lookup, .init = set_up, .fini = tear_down);

/* Lines count from the one behind the bracket. */
static const char inlined_source[] =
	"volatile int sink;\n"
	"static inline __attribute__((always_inline)) void inner(int a)\n"
	"{\n"
	"	__asm__ volatile(\".globl place\\nplace: nop\");\n"
	"	sink = a;\n"
	"}\n"
	"static inline __attribute__((always_inline)) void middle(int a)\n"
	"{\n"
	"	inner(a + 1);\n"
	"}\n"
	"__attribute__((noinline)) void outer(int a)\n"
	"{\n"
	"	sink = 2;\n"
	"	middle(a);\n"
	"	sink = 3;\n"
	"}\n"
	"int main(void)\n"
	"{\n"
	"	outer(1);\n"
	"	return 0;\n"
	"}\n";

static void write_text(const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static int open_file(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s", path);
	return fd;
}

/* Finds the address of a symbol by nm, which has the labels that the debugger's symbols lack. */
static uint64_t find_address(const char *name, const char *symbol)
{
	char command[512];
	unsigned long long address = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "nm %s/%s | sed -n 's/ [a-zA-Z] %s$//p'", directory,
		 name, symbol);
	pipe = popen(command, "r");
	cr_assert(pipe && fscanf(pipe, "%llx", &address) == 1, "%s", command);
	pclose(pipe);
	return address;
}

static struct symbol_set *open_three(const char *file, const char *debug, const char *alt)
{
	const char *const names[] = {file, debug, alt};
	struct symbol_set *set = NULL;
	int fds[3];

	for (size_t i = 0; i < 3; i++)
		fds[i] = names[i] ? open_file(names[i]) : -1;
	cr_assert_eq(symbol_lookup_open(lookup, SYMBOLIZER_ELF_VADDRS, fds, &set), 0);
	for (size_t i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return set;
}

static void assert_chain(struct symbol_set *set, uint64_t address, uint64_t start)
{
	static const struct {
		const char *function;
		uint32_t line;
	} chain[] = {{"outer", 14}, {"middle", 9}, {"inner", 4}};
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	uint64_t vaddr = 0;

	cr_assert_eq(symbol_set_find(set, address, &vaddr, names), 3);
	cr_assert_eq(vaddr, address);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_str_eq(names[i].function, chain[i].function);
		cr_assert_eq(names[i].line, chain[i].line, "%s: %u", names[i].function,
			     names[i].line);
		cr_assert_not_null(strstr(names[i].file, "/inlined.c"), "%s", names[i].file);
		cr_assert_eq(names[i].start, start);
	}
}

static void compile(const char *flags)
{
	write_text("inlined.c", inlined_source);
	run("cc -g -O2 -ffunction-sections %s $PWD/inlined.c -o full", flags);
}

Test(symbol_lookup, inlined_functions_and_lines)
{
	static const char *const flags[] = {"-gdwarf-5", "-gdwarf-4", "-gz=zlib",
					    "-gdwarf-4 -fdebug-types-section", "-static-pie"};

	for (size_t i = 0; i < array_length(flags); i++) {
		compile(flags[i]);
		assert_chain(open_three("full", NULL, NULL), find_address("full", "place"),
			     find_address("full", "outer"));
	}
}

Test(symbol_lookup, without_debug_information_the_symbol_alone)
{
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	struct symbol_set *set;
	uint64_t vaddr;

	compile("");
	run("strip -g full");
	set = open_three("full", NULL, NULL);
	cr_assert_eq(symbol_set_find(set, find_address("full", "outer") + 2, &vaddr, names), 1);
	cr_assert_str_eq(names[0].function, "outer");
	cr_assert_str_empty(names[0].file);
	cr_assert_eq(names[0].line, 0);
	cr_assert_eq(symbol_set_find(set, 8, &vaddr, names), 0);
	cr_assert_eq(vaddr, 8);
}

Test(symbol_lookup, offsets_become_addresses)
{
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	int fds[3] = {-1, -1, -1};
	struct symbol_set *set;
	uint64_t vaddr, address;

	/* The address of its code is 0x400000 or more behind its offset in the file. */
	compile("-no-pie -static");
	address = find_address("full", "place");
	fds[0] = open_file("full");
	cr_assert_eq(symbol_lookup_open(lookup, SYMBOLIZER_ELF_OFFSETS, fds, &set), 0);
	close(fds[0]);
	cr_assert_eq(symbol_set_find(set, address - 0x400000, &vaddr, names), 3);
	cr_assert_eq(vaddr, address);
	cr_assert_eq(symbol_set_find(set, UINT64_MAX, &vaddr, names), 0);
	cr_assert_eq(vaddr, UINT64_MAX);
}

static void split(void)
{
	run("objcopy --only-keep-debug full full.debug && cp full stripped && strip stripped && "
	    "objcopy --add-gnu-debuglink=full.debug stripped");
}

Test(symbol_lookup, separate_debug_file_by_build_id)
{
	uint64_t place, start;

	compile("-Wl,--build-id");
	place = find_address("full", "place");
	start = find_address("full", "outer");
	split();
	assert_chain(open_three("stripped", "full.debug", NULL), place, start);
	/* Opens the debug file alone, since the program is gone. */
	assert_chain(open_three(NULL, "full.debug", NULL), place, start);
}

Test(symbol_lookup, separate_debug_file_by_checksum)
{
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	uint64_t place, start, vaddr;

	compile("-Wl,--build-id=none");
	place = find_address("full", "place");
	start = find_address("full", "outer");
	split();
	assert_chain(open_three("stripped", "full.debug", NULL), place, start);
	run("printf x >>full.debug");
	cr_assert_eq(
		symbol_set_find(open_three("stripped", "full.debug", NULL), place, &vaddr, names),
		0, "another file than that of the link");
}

Test(symbol_lookup, debug_file_of_another_program_is_not_believed)
{
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	uint64_t place, vaddr;

	compile("-Wl,--build-id=0x1111111111");
	place = find_address("full", "place");
	split();
	run("mv stripped kept");
	compile("-Wl,--build-id=0x2222222222");
	split();
	cr_assert_eq(symbol_set_find(open_three("kept", "full.debug", NULL), place, &vaddr, names),
		     0);
}

Test(symbol_lookup, debug_information_shared_by_dwz)
{
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	uint64_t place, start, vaddr;

	if (system("command -v dwz >/dev/null") != 0)
		cr_skip_test("dwz is not installed");
	compile("-gdwarf-4");
	place = find_address("full", "place");
	start = find_address("full", "outer");
	split();
	run("mkdir -p b/.dwz && cp full.debug b/one && cp full.debug b/two && "
	    "dwz -m b/.dwz/common -M /b/.dwz/common b/one b/two");
	assert_chain(open_three("stripped", "b/one", "b/.dwz/common"), place, start);
	/* Without the shared file, or with another one, only the name of the function is left. */
	cr_assert_eq(symbol_set_find(open_three("stripped", "b/one", NULL), place, &vaddr, names),
		     1);
	cr_assert_str_eq(names[0].function, "outer");
	cr_assert_eq(names[0].line, 0);
	cr_assert_eq(symbol_set_find(open_three("stripped", "b/one", "full"), place, &vaddr, names),
		     1);
}

Test(symbol_lookup, names_of_cplusplus_and_rust)
{
	static const char source[] =
		"namespace tests { struct leaf { int work(int); static inline "
		"__attribute__((always_inline)) int quick(int a)\n"
		"{ __asm__ volatile(\".globl place\\nplace: nop\"); return a + 1; } };\n"
		"int leaf::work(int a) { return quick(a) * 2; } }\n"
		"extern \"C\" int _RNvC6_123foo3bar(int a) { return a * 3; }\n";
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	struct symbol_set *set;
	uint64_t vaddr;

	write_text("names.cc", source);
	run("c++ -g -O2 -shared -fPIC names.cc -o names");
	set = open_three("names", NULL, NULL);
	cr_assert_eq(symbol_set_find(set, find_address("names", "place"), &vaddr, names), 2);
	cr_assert_str_eq(names[0].function, "tests::leaf::work");
	cr_assert_eq(names[0].line, 3);
	cr_assert_str_eq(names[1].function, "tests::leaf::quick");
	cr_assert_eq(names[1].line, 2);
	cr_assert_eq(
		symbol_set_find(set, find_address("names", "_RNvC6_123foo3bar"), &vaddr, names), 1);
	cr_assert_str_eq(names[0].function, "123foo::bar");
}

/* The names of one address, found by a process in the sandbox. */
struct answer {
	int error;
	size_t n;
	char functions[SYMBOLIZER_INLINES_MAX][64];
	uint32_t lines[SYMBOLIZER_INLINES_MAX];
};

static void on_answer(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	struct answer *answer = userdata;
	uint64_t vaddr;

	answer->error = error;
	answer->n = error ? 0 : symbolizer_reply_get_names(reply, 0, &vaddr, names);
	for (size_t i = 0; i < answer->n; i++) {
		snprintf(answer->functions[i], 64, "%s", names[i].function);
		answer->lines[i] = names[i].line;
	}
}

static struct answer ask_process(struct symbolizer *symbolizer, enum symbolizer_source source,
				 const char *file, const char *debug, uint64_t address)
{
	struct answer answer = {.error = -1};
	struct symbolizer_files files = {
		.source = source,
		.file = open_file(file),
		.debug = debug ? open_file(debug) : -1,
		.alt = -1,
	};

	cr_assert_eq(symbolizer_ask_names(symbolizer, &files, &address, 1, on_answer, &answer), 0);
	close(files.file);
	if (debug)
		close(files.debug);
	cr_assert(symbolizer_wait(symbolizer, SYMBOLIZER_WALL_USEC));
	cr_assert_eq(answer.error, 0, "%s: %d", file, answer.error);
	return answer;
}

Test(symbol_lookup, within_the_filter_of_the_reader)
{
	struct symbolizer *symbolizer = NULL;
	struct answer answer;

	compile("-Wl,--build-id -gz=zlib");
	split();
	cr_assert_eq(symbolizer_new(OX_SYMBOLIZER_BUILT, &symbolizer), 0);
	answer = ask_process(symbolizer, SYMBOLIZER_ELF_VADDRS, "stripped", "full.debug",
			     find_address("full", "place"));
	cr_assert_eq(answer.n, 3);
	cr_assert_str_eq(answer.functions[2], "inner");
	cr_assert_eq(answer.lines[2], 4);
	write_text("map", "1000 10 one\n");
	answer = ask_process(symbolizer, SYMBOLIZER_PERF_MAP, "map", NULL, 0x1001);
	cr_assert_eq(answer.n, 1);
	cr_assert_str_eq(answer.functions[0], "one");
	run("cp %s/fuzz/seeds/jitdump/records dump", start_directory);
	answer = ask_process(symbolizer, SYMBOLIZER_JITDUMP, "dump", NULL, 0x300a);
	cr_assert_eq(answer.n, 1);
	cr_assert_str_eq(answer.functions[0], "first");
	compile("-Wl,--build-id=none");
	split();
	answer = ask_process(symbolizer, SYMBOLIZER_ELF_VADDRS, "stripped", "full.debug",
			     find_address("full", "place"));
	cr_assert_eq(answer.n, 3, "by the checksum");
	symbolizer_free(symbolizer);
}

static struct symbol_set *open_text(int fd, enum symbolizer_source source, int error)
{
	const int fds[3] = {fd, -1, -1};
	struct symbol_set *set = NULL;

	cr_assert_eq(symbol_lookup_open(lookup, source, fds, &set), error);
	return set;
}

Test(symbol_lookup, perf_map_is_read_anew_when_it_grew)
{
	_cleanup_close_ int fd = memfd_create("map", MFD_CLOEXEC);
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	struct symbol_set *set;
	uint64_t vaddr;

	cr_assert_eq(write(fd,
			   "1000 10 on\x01"
			   "e\n",
			   13),
		     13);
	set = open_text(fd, SYMBOLIZER_PERF_MAP, 0);
	cr_assert_eq(symbol_set_find(set, 0x1008, &vaddr, names), 1);
	cr_assert_str_eq(names[0].function, "on\xef\xbf\xbd"
					    "e");
	cr_assert_eq(names[0].start, 0x1000);
	cr_assert_eq(vaddr, 0x1008);
	cr_assert_eq(symbol_set_find(set, 0x2000, &vaddr, names), 0);
	cr_assert_eq(open_text(fd, SYMBOLIZER_PERF_MAP, 0), set, "the same file is read once");
	cr_assert_eq(write(fd, "2000 10 two\n", 12), 12);
	set = open_text(fd, SYMBOLIZER_PERF_MAP, 0);
	cr_assert_eq(symbol_set_find(set, 0x2000, &vaddr, names), 1);
	cr_assert_str_eq(names[0].function, "two");
}

Test(symbol_lookup, few_files_are_kept_the_last_used_ones)
{
	struct symbol_set *first = NULL;
	int kept = memfd_create("map", MFD_CLOEXEC);

	cr_assert_eq(write(kept, "1000 10 kept\n", 13), 13);
	first = open_text(kept, SYMBOLIZER_PERF_MAP, 0);
	for (int i = 0; i < 3 * SYMBOL_LOOKUP_FILES_MAX; i++) {
		_cleanup_close_ int fd = memfd_create("map", MFD_CLOEXEC);

		open_text(fd, SYMBOLIZER_PERF_MAP, 0);
		cr_assert_eq(open_text(kept, SYMBOLIZER_PERF_MAP, 0), first);
	}
	close(kept);
}

Test(symbol_lookup, files_of_another_kind)
{
	_cleanup_close_ int fd = memfd_create("text", MFD_CLOEXEC);

	cr_assert_eq(write(fd, "#!/bin/sh\n", 10), 10);
	open_text(fd, SYMBOLIZER_ELF_OFFSETS, -ENOEXEC);
	open_text(fd, SYMBOLIZER_JITDUMP, -ENOEXEC);
	open_text(-1, SYMBOLIZER_ELF_OFFSETS, -ENODATA);
	open_text(-1, SYMBOLIZER_PERF_MAP, -ENODATA);
}

Test(symbol_lookup, seeds)
{
	seeds_run(LLVMFuzzerTestOneInput, "names", 1500);
}
