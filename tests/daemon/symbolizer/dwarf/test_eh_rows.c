/* SPDX-License-Identifier: MIT */
/* Compares rows with those of another implementation (readelf), of hand-made entries, and of
 * damaged ones. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/fuzz/fuzz_eh_rows.c"
#include "tests/support/made/eh_image.h"
#include "tests/support/skip.h"

static struct eh_rows *read_rows(int fd, struct symbolizer_table *ret)
{
	struct eh_rows *rows = NULL;
	int r = eh_rows_read(fd, &rows);

	cr_assert_eq(r, 0, "%d", r);
	eh_rows_get(rows, ret);
	return rows;
}

/* Finds the rule that holds at an address. */
static struct ox_rule find_rule(const struct symbolizer_table *table, uint64_t address)
{
	size_t low = 0, high = table->n_rows;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (table->rows[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? table->rules[table->rows[low - 1].rule] : (struct ox_rule){};
}

/* The output of readelf -wF, and the counts of the comparison. */
struct comparison {
	const struct symbolizer_table *table;
	unsigned n_rows;
	unsigned n_wrong;
	unsigned n_odd_cfa;   /* on a register that is neither rsp nor rbp */
	unsigned n_odd_rbp;   /* in another register */
	unsigned n_odd_ra;    /* return address elsewhere than at CFA - 8 */
	unsigned n_computed;  /* CFA is an expression: PLT, or deref */
	uint64_t signals[16]; /* CIEs of signal frames */
	size_t n_signals;
	bool is_signal; /* this FDE */
	int rbp_column; /* -1 if there is none */
	int ra_column;
};

static void parse_head(struct comparison *comparison, char *line)
{
	int column = 0;

	comparison->rbp_column = -1;
	for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"), column++) {
		if (strcmp(word, "rbp") == 0)
			comparison->rbp_column = column;
		if (strcmp(word, "ra") == 0)
			comparison->ra_column = column;
	}
}

static bool offset_after(const char *word, const char *prefix, int *ret)
{
	size_t length = strlen(prefix);

	if (strncmp(word, prefix, length) != 0)
		return false;
	*ret = atoi(word + length);
	return true;
}

static bool cfa_agrees(struct comparison *comparison, const char *cfa, const struct ox_rule *rule)
{
	int offset;

	if (offset_after(cfa, "rsp", &offset))
		return rule->kind == OX_RULE_RSP && rule->cfa_offset == offset;
	if (offset_after(cfa, "rbp", &offset))
		return rule->kind == OX_RULE_RBP && rule->cfa_offset == offset;
	if (strcmp(cfa, "exp") == 0) {
		comparison->n_computed++;
		if (rule->kind == OX_RULE_BAD)
			comparison->n_odd_cfa++;
		return rule->kind >= OX_RULE_RSP_DEREF && rule->kind != OX_RULE_SIGNAL;
	}
	comparison->n_odd_cfa++;
	return rule->kind == OX_RULE_BAD;
}

static bool rbp_agrees(struct comparison *comparison, const char *rbp, const struct ox_rule *rule)
{
	int offset;

	if (strcmp(rbp, "u") == 0)
		return rule->rbp == OX_RBP_SAME;
	if (offset_after(rbp, "c", &offset))
		return rule->rbp == OX_RBP_CFA && rule->rbp_offset == offset;
	if (strcmp(rbp, "exp") == 0)
		return rule->rbp == OX_RBP_RBP;
	comparison->n_odd_rbp++;
	return rule->kind == OX_RULE_BAD;
}

static void compare_row(struct comparison *comparison, char *line)
{
	const char *words[20] = {}, *rbp = "u";
	struct ox_rule rule;
	uint64_t address;
	size_t n = 0;
	bool agrees;

	for (char *word = strtok(line, " \n"); word && n < 20; word = strtok(NULL, " \n"))
		if (word[0] != '(') /* "r10 (r10)" is one */
			words[n++] = word;
	cr_assert(n >= 3 && comparison->ra_column < (int)n);
	address = strtoull(words[0], NULL, 16);
	rule = find_rule(comparison->table, address);
	if (comparison->rbp_column >= 0)
		rbp = words[comparison->rbp_column];
	if (comparison->is_signal)
		agrees = rule.kind == OX_RULE_SIGNAL;
	else if (strcmp(words[comparison->ra_column], "u") == 0)
		agrees = rule.kind == OX_RULE_END;
	else if (strcmp(words[comparison->ra_column], "c-8") != 0)
		agrees = ++comparison->n_odd_ra && rule.kind == OX_RULE_BAD;
	else
		agrees = cfa_agrees(comparison, words[1], &rule) &&
			 (rule.kind == OX_RULE_BAD || rbp_agrees(comparison, rbp, &rule));
	comparison->n_rows++;
	if (agrees)
		return;
	/* An rbp that is in a register makes the row bad. */
	if (rule.kind == OX_RULE_BAD && rbp[0] == 'r')
		comparison->n_odd_rbp++;
	else if (comparison->n_wrong++ < 10)
		fprintf(stderr, "%" PRIx64 ": readelf %s %s, we %d %d %d %d\n", address, words[1],
			rbp, rule.kind, rule.cfa_offset, rule.rbp, rule.rbp_offset);
}

static void note_entry(struct comparison *comparison, const char *line)
{
	uint64_t offset = strtoull(line, NULL, 16);
	const char *cie = strstr(line, "FDE cie=");

	if (strstr(line, " CIE ") && strchr(strchr(line, '"'), 'S')) {
		cr_assert(comparison->n_signals < array_length(comparison->signals));
		comparison->signals[comparison->n_signals++] = offset;
	}
	comparison->is_signal = false;
	for (size_t i = 0; cie && i < comparison->n_signals; i++)
		if (strtoull(cie + 8, NULL, 16) == comparison->signals[i])
			comparison->is_signal = true;
}

static void compare_file(const char *path, struct comparison *comparison)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(eh_rows_free_p) struct eh_rows *rows = NULL;
	struct symbolizer_table table;
	char command[256], line[1024];
	bool is_fde = false;
	FILE *readelf;

	if (fd < 0)
		skip_loudly("a library is missing: its rows were NOT compared");
	rows = read_rows(fd, &table);
	*comparison = (struct comparison){.table = &table};
	snprintf(command, sizeof(command),
		 "LC_ALL=C readelf --debug-dump=frames-interp,no-follow-links %s 2>/dev/null",
		 path);
	readelf = popen(command, "r");
	cr_assert_not_null(readelf);
	while (fgets(line, sizeof(line), readelf)) {
		if (strstr(line, " FDE ") || strstr(line, " CIE ")) {
			is_fde = strstr(line, " FDE ");
			note_entry(comparison, line);
		} else if (strncmp(line, "   LOC", 6) == 0) {
			parse_head(comparison, line);
		} else if (is_fde && strspn(line, "0123456789abcdef") == 16) {
			compare_row(comparison, line);
		}
	}
	cr_assert_eq(pclose(readelf), 0, "readelf");
	fprintf(stderr, "%s: %u rows, %u differ, %u odd CFA, %u odd rbp, %u odd ra, %u exp\n", path,
		comparison->n_rows, comparison->n_wrong, comparison->n_odd_cfa,
		comparison->n_odd_rbp, comparison->n_odd_ra, comparison->n_computed);
}

Test(eh_rows, agree_on_libc)
{
	struct comparison c;

	compare_file("/lib/x86_64-linux-gnu/libc.so.6", &c);
	cr_expect_gt(c.n_rows, 20000);
	cr_expect_eq(c.n_wrong, 0);
	cr_expect(c.n_odd_cfa + c.n_odd_rbp + c.n_odd_ra <= 10); /* vfork, longjmp and the like */
}

Test(eh_rows, agree_on_libstdcxx)
{
	struct comparison c;

	compare_file("/lib/x86_64-linux-gnu/libstdc++.so.6", &c);
	cr_expect_gt(c.n_rows, 20000);
	cr_expect_eq(c.n_wrong, 0);
	cr_expect_eq(c.n_odd_cfa + c.n_odd_rbp, 0);
}

/* OpenSSL's assembler keeps the CFA in whatever register is free, in functions that call
 * nothing. */
Test(eh_rows, agree_on_libcrypto)
{
	struct comparison c;

	compare_file("/lib/x86_64-linux-gnu/libcrypto.so.3", &c);
	cr_expect_gt(c.n_rows, 50000);
	cr_expect_eq(c.n_wrong, 0);
	cr_expect(c.n_odd_cfa <= c.n_rows / 50 && c.n_odd_rbp + c.n_odd_ra <= 10);
}

Test(eh_rows, agree_on_python)
{
	struct comparison c;

	compare_file("/usr/bin/python3", &c);
	cr_expect_gt(c.n_rows, 40000);
	cr_expect_eq(c.n_wrong, 0);
	cr_expect(c.n_odd_cfa <= 10 && c.n_odd_rbp == 0); /* of 3.13's assembler */
}

/* Compares the rows of a hand-made file with a text, "address kind cfa rbp rbp_offset". */
static void expect_rows(struct eh_image *image, const char *expected)
{
	_cleanup_close_ int fd = eh_image_finish(image);
	_cleanup_(eh_rows_free_p) struct eh_rows *rows = NULL;
	struct symbolizer_table table;
	char text[2048] = "";
	size_t length = 0;

	rows = read_rows(fd, &table);
	for (size_t i = 0; i < table.n_rows; i++) {
		const struct ox_rule *rule = &table.rules[table.rows[i].rule];

		length += snprintf(text + length, sizeof(text) - length, "%x %d %d %d %d\n",
				   table.rows[i].address, rule->kind, rule->cfa_offset, rule->rbp,
				   rule->rbp_offset);
	}
	cr_expect_str_eq(text, expected);
}

#define PUSH_RBP   0x41, 0x0e, 16, 0x86, 2 /* +1: CFA rsp+16, rbp at CFA-16 */
#define MOV_RBP    0x43, 0x0d, 6           /* +3: CFA on rbp */
#define RA_UNKNOWN 0x07, 16

Test(eh_rows, of_a_frame)
{
	static const uint8_t code[] = {PUSH_RBP, MOV_RBP};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x20, code, sizeof(code));
	expect_rows(&image, "401000 2 8 0 0\n"
			    "401001 2 16 1 -16\n"
			    "401004 3 16 1 -16\n"
			    "401020 0 0 0 0\n");
}

Test(eh_rows, of_neighbours_and_gaps)
{
	static const uint8_t code[] = {PUSH_RBP};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT + 0x100, 0x10, NULL, 0); /* entries are not in order */
	eh_image_add(&image, EH_TEXT, 0x10, code, sizeof(code));
	eh_image_add(&image, EH_TEXT + 0x10, 0x10, NULL, 0);
	eh_image_add(&image, EH_TEXT + 0x20, 0x10, NULL, 0); /* same rule as its neighbour */
	expect_rows(&image, "401000 2 8 0 0\n"
			    "401001 2 16 1 -16\n"
			    "401010 2 8 0 0\n"
			    "401030 0 0 0 0\n"
			    "401100 2 8 0 0\n"
			    "401110 0 0 0 0\n");
}

/* Nonsense, but the addresses rise. */
Test(eh_rows, of_entries_that_overlap)
{
	static const uint8_t code[] = {0x0e, 32}, other[] = {0x0e, 48};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x100, code, sizeof(code));
	eh_image_add(&image, EH_TEXT + 0x40, 0x10, other, sizeof(other));
	expect_rows(&image, "401000 2 32 0 0\n401050 0 0 0 0\n");
}

Test(eh_rows, of_the_outermost_frame)
{
	static const uint8_t code[] = {RA_UNKNOWN};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x10, code, sizeof(code));
	expect_rows(&image, "401000 1 0 0 0\n401010 0 0 0 0\n");
}

/* Like glibc's __restore_rt, the entry begins a byte before the function. */
Test(eh_rows, of_a_signal_frame)
{
	struct eh_image image;

	eh_image_init(&image, "zRS");
	eh_image_add(&image, EH_TEXT + 0x0f, 0x0a, NULL, 0);
	expect_rows(&image, "40100f 7 0 0 0\n401019 0 0 0 0\n");
}

Test(eh_rows, of_a_plt)
{
	static const uint8_t code[] = {0x0f, 11,   0x77, 8,    0x80, 0,   0x3f,
				       0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22};
	static const uint8_t now[] = {0x0f, 11,   0x77, 8,    0x80, 0,   0x3f,
				      0x1a, 0x3a, 0x2a, 0x33, 0x24, 0x22};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x40, code, sizeof(code));
	eh_image_add(&image, EH_TEXT + 0x40, 0x40, now, sizeof(now));
	expect_rows(&image, "401000 6 11 0 0\n401040 6 10 0 0\n401080 0 0 0 0\n");
}

/* This is gcc's for a function that aligns its stack: CFA = *(rbp - 8), rbp at *rbp. */
Test(eh_rows, of_an_aligned_stack)
{
	static const uint8_t code[] = {0x0f, 3, 0x76, 0x78, 0x06, 0x10, 6, 2, 0x76, 0};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x40, code, sizeof(code));
	expect_rows(&image, "401000 5 -8 2 0\n401040 0 0 0 0\n");
}

/* This is OpenSSL's: CFA = *(rsp + 152) + 8, rbp at CFA-24. */
Test(eh_rows, of_an_aligned_stack_in_assembler)
{
	static const uint8_t code[] = {0x0f, 6, 0x77, 0x98, 0x01, 0x06, 0x23, 8, 0x86, 3};
	static const uint8_t other[] = {0x0f, 6, 0x77, 0x98, 0x01, 0x06, 0x23, 16};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x40, code, sizeof(code));
	eh_image_add(&image, EH_TEXT + 0x40, 0x40, other, sizeof(other));
	expect_rows(&image, "401000 9 152 1 -24\n401040 8 0 0 0\n401080 0 0 0 0\n");
}

/* None of these can be expressed in a row: another register for the CFA, rbp in r10, an offset
 * beyond 16 bits, the return address elsewhere, another expression. */
Test(eh_rows, are_bad_where_they_must)
{
	static const uint8_t cfa[] = {0x0d, 10};
	static const uint8_t rbp[] = {0x09, 6, 10};
	static const uint8_t far[] = {0x86, 0x80, 0x80, 0x01};
	static const uint8_t ra[] = {0x90, 2};
	static const uint8_t exp[] = {0x0f, 2, 0x70, 8};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x10, cfa, sizeof(cfa));
	eh_image_add(&image, EH_TEXT + 0x20, 0x10, rbp, sizeof(rbp));
	eh_image_add(&image, EH_TEXT + 0x40, 0x10, far, sizeof(far));
	eh_image_add(&image, EH_TEXT + 0x60, 0x10, ra, sizeof(ra));
	eh_image_add(&image, EH_TEXT + 0x80, 0x10, exp, sizeof(exp));
	expect_rows(&image, "401000 8 0 0 0\n401010 0 0 0 0\n"
			    "401020 8 0 0 0\n401030 0 0 0 0\n"
			    "401040 8 0 0 0\n401050 0 0 0 0\n"
			    "401060 8 0 0 0\n401070 0 0 0 0\n"
			    "401080 8 0 0 0\n401090 0 0 0 0\n");
}

/* A frame of 64 KB and more is usual. */
Test(eh_rows, of_a_large_frame)
{
	static const uint8_t code[] = {0x0e, 0x80, 0x80, 0x08};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x10, code, sizeof(code));
	expect_rows(&image, "401000 2 131072 0 0\n401010 0 0 0 0\n");
}

/* These entries are for code that the linker threw away, or beyond the end of what is mapped. */
Test(eh_rows, stay_within_the_code)
{
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, 0, 0x10, NULL, 0);
	eh_image_add(&image, EH_TEXT + EH_TEXT_BYTES - 0x10, 0x100, NULL, 0);
	eh_image_add(&image, EH_TEXT + EH_TEXT_BYTES, 0x100, NULL, 0);
	expect_rows(&image, "401ff0 2 8 0 0\n402000 0 0 0 0\n");
}

/* In the range of an entry that libdw refuses, nothing is guessed. */
Test(eh_rows, of_a_damaged_entry_are_bad)
{
	static const uint8_t code[] = {0x0e, 16, 0x48, 0x3f};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x10, code, sizeof(code));
	eh_image_add(&image, EH_TEXT + 0x10, 0x10, NULL, 0);
	expect_rows(&image, "401000 2 16 0 0\n"
			    "401008 8 0 0 0\n"
			    "401010 2 8 0 0\n"
			    "401020 0 0 0 0\n");
}

/* This is how lld writes the section. */
Test(eh_rows, are_found_in_a_section_of_its_own_type)
{
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x10, NULL, 0);
	image.type = SHT_X86_64_UNWIND;
	expect_rows(&image, "401000 2 8 0 0\n401010 0 0 0 0\n");
}

Test(eh_rows, are_found_without_section_headers)
{
	static const uint8_t code[] = {PUSH_RBP};
	struct eh_image image;

	eh_image_init(&image, "zR");
	eh_image_add(&image, EH_TEXT, 0x10, code, sizeof(code));
	image.has_sections = false;
	expect_rows(&image, "401000 2 8 0 0\n401001 2 16 1 -16\n401010 0 0 0 0\n");
}

Test(eh_rows, say_what_is_no_file_of_theirs)
{
	_cleanup_close_ int empty = memfd_create("empty", 0), text = memfd_create("text", 0);
	_cleanup_close_ int directory = open("/", O_RDONLY | O_DIRECTORY), bare = -1;
	struct eh_rows *rows = NULL;
	struct eh_image image;

	cr_assert(write(text, "#!/bin/sh\n", 10) == 10);
	cr_expect_eq(eh_rows_read(empty, &rows), -ENOEXEC);
	cr_expect_eq(eh_rows_read(text, &rows), -ENOEXEC);
	cr_expect_eq(eh_rows_read(directory, &rows), -ENOEXEC);
	cr_expect_eq(eh_rows_read(-1, &rows), -EIO);
	eh_image_init(&image, "zR");
	bare = eh_image_finish(&image);
	cr_expect_eq(eh_rows_read(bare, &rows), -ENODATA);
	cr_expect_null(rows);
}

/* The corpus: each seed whole, cut at each length, and with each byte changed. The process has no
 * more memory than 64 MB above what it has: whatever needs more has to fail with an error. */

#define MEMORY_BYTES (64u << 20)
#define SEED_BYTES   16384

static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
	_cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;
	struct rlimit limit;

	cr_assert(file && fscanf(file, "%lu", &pages) == 1);
	limit.rlim_cur = limit.rlim_max = pages * sysconf(_SC_PAGESIZE) + MEMORY_BYTES;
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
#endif
}

static void try_damage(uint8_t *data, size_t size, size_t step)
{
	static const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff};

	for (size_t cut = 0; cut <= size; cut += step)
		LLVMFuzzerTestOneInput(data, cut);
	for (size_t at = 0; at < size; at += 1 + step / 8) {
		uint8_t whole = data[at];

		data[at] = bytes[at % array_length(bytes)];
		if (data[at] != whole)
			LLVMFuzzerTestOneInput(data, size);
		data[at] = whole ^ 1u << at % 8;
		LLVMFuzzerTestOneInput(data, size);
		data[at] = whole;
	}
}

/* Numbers at their limits in each aligned word, which is where headers have theirs. */
static void try_limits(uint8_t *data, size_t size)
{
	static const uint64_t words[] = {0, UINT64_MAX, INT64_MAX, UINT32_MAX, 0x10000};

	for (size_t at = 0; at + 8 <= size; at += 8) {
		uint64_t whole;

		memcpy(&whole, data + at, 8);
		memcpy(data + at, &words[at / 8 % array_length(words)], 8);
		LLVMFuzzerTestOneInput(data, size);
		memcpy(data + at, &whole, 8);
	}
}

static size_t read_seed(int dir, const char *name, uint8_t *ret)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, SEED_BYTES);

	cr_assert(n > 0, "%s", name);
	return n;
}

Test(eh_rows, bear_any_bytes)
{
	_cleanup_closedir_ DIR *dir = opendir("fuzz/seeds/eh_rows");
	static uint8_t data[SEED_BYTES];
	unsigned n_seeds = 0;

	cr_assert_not_null(dir);
	limit_memory();
	for (struct dirent *entry; (entry = readdir(dir));) {
		size_t size;

		if (entry->d_name[0] == '.')
			continue;
		size = read_seed(dirfd(dir), entry->d_name, data);
		try_damage(data, size, size / 512 + 1);
		try_limits(data, size);
		n_seeds++;
	}
	cr_assert_geq(n_seeds, 4);
}
