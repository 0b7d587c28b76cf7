/* SPDX-License-Identifier: MIT */
/*
 * Bytes as an ELF file that is asked for its interpreter. For libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I.
 *         tests/fuzz/fuzz_python_file.c
 *         daemon/symbolizer/elf/{file,dynamic,symtab}.c
 *         daemon/symbolizer/{python_file,python_code,python_parts}.c
 *         daemon/symbolizer/dwarf/{eh_frame,eh_rule}.c
 *         daemon/symbolizer/elf/debugdata.c -ldw -lelf -llzma
 *
 * with tests/fuzz/seeds/{python_file,eh_rows,names} as its corpus. test_python_file.c runs it over
 * these and simple mutations of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/python_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* Suppresses a leak of libelf 0.188, which forgets some 100 bytes when a damaged file's table of
 * strings cannot be read. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libelf.so";
}

/* Checks what the daemon requires (symbolizer_reply.c). */
static void check_python(const struct symbolizer_python *python)
{
	uint64_t end = 0;

	if (python->kind >= SYMBOLIZER_N_PYTHON_KINDS || python->is_current > 1 ||
	    python->n_offsets > PYTHON_OFFSETS_WORDS ||
	    python->n_ranges > SYMBOLIZER_PYTHON_RANGES_MAX)
		__builtin_trap();
	for (size_t i = 0; i < python->n_ranges; i++) {
		if (python->ranges[i].start < end ||
		    python->ranges[i].start >= python->ranges[i].end ||
		    python->ranges[i].code > SYMBOLIZER_PYTHON_CALL)
			__builtin_trap();
		end = python->ranges[i].end;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	_cleanup_(elf_file_done) struct elf_file elf = {.fd = -1};
	struct symbolizer_python python;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -1;
	if (elf_file_open(&elf, fd) == 0)
		(void)python_file_has(&elf);
	if (python_file_read(fd, &python) == 0)
		check_python(&python);
	return 0;
}
