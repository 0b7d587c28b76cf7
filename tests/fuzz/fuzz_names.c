/* SPDX-License-Identifier: MIT */
/*
 * Bytes as an ELF file with debug information: whatever they are, the symbolizer must come back;
 * where libdw does not, the symbolizer process is ended from outside. For libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_names.c
 *         daemon/symbolizer/{symbol_lookup,debug_match}.c daemon/symbolizer/dwarf/{lines,file}.c
 *         daemon/symbolizer/elf/{symbols,functions,file,symtab,plt,debugdata}.c
 *         daemon/symbolizer/elf/demangle.c daemon/symbolizer/{perf_map,jitdump,ranges}.c
 *         daemon/base/{table,text}.c -ldw -lelf -llzma -liberty -lm
 *
 * test_symbol_lookup.c runs it over tests/fuzz/seeds/names and simple mutations of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/symbolizer/symbol_lookup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

define_cleanup(struct symbol_lookup *, symbol_lookup_free);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(symbol_lookup_free_p) struct symbol_lookup *lookup = symbol_lookup_new();
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	const int fds[3] = {fd, fd, fd};
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	struct symbol_set *set;
	uint64_t vaddr;

	if (!lookup || fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -1;
	if (symbol_lookup_open(lookup, SYMBOLIZER_ELF_OFFSETS, fds, &set) < 0)
		return 0;
	for (uint64_t offset = 0; offset < size; offset += 7) {
		size_t n = symbol_set_find(set, offset, &vaddr, names);

		for (size_t i = 0; i < n; i++)
			if (!text_is_clean(names[i].function) || !text_is_clean(names[i].file))
				__builtin_trap();
	}
	symbol_set_find(set, UINT64_MAX, &vaddr, names);
	return 0;
}
