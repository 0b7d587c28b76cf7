/* SPDX-License-Identifier: MIT */
/*
 * Bytes as an ELF file whose unwinding table is wanted. For libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_eh_rows.c
 *         daemon/symbolizer/dwarf/{eh_rows,eh_rule,eh_frame}.c
 *         daemon/symbolizer/elf/file.c daemon/base/table.c -ldw -lelf
 *
 * with tests/fuzz/seeds/eh_rows as its corpus. test_eh_rows.c runs it over these and simple
 * mutations of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/dwarf/eh_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* Suppresses a leak of libelf 0.188, which forgets some 100 bytes when a damaged file's table of
 * strings cannot be read. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libelf.so";
}

define_cleanup(struct eh_rows *, eh_rows_free);

/* Checks what eh_rows.h promises, and the daemon requires. */
static void check_table(const struct symbolizer_table *table)
{
	if (table->n_rows == 0 || table->n_rules > OX_RULES_MAX)
		__builtin_trap();
	for (size_t i = 0; i < table->n_rows; i++)
		if (table->rows[i].rule >= table->n_rules ||
		    (i > 0 && table->rows[i].address <= table->rows[i - 1].address))
			__builtin_trap();
	if (table->rules[table->rows[table->n_rows - 1].rule].kind != OX_RULE_GAP)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(eh_rows_free_p) struct eh_rows *rows = NULL;
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct symbolizer_table table;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -1;
	if (eh_rows_read(fd, &rows) < 0)
		return 0;
	eh_rows_get(rows, &table);
	check_table(&table);
	return 0;
}
