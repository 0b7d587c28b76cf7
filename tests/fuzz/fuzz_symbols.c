/* SPDX-License-Identifier: MIT */
/*
 * Bytes as an ELF file: whatever they are, the symbolizer must come back. For libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_symbols.c
 *         daemon/symbolizer/elf/{symbols,functions,file,symtab,plt,debugdata,demangle}.c
 *         daemon/base/{table,text}.c -ldw -lelf -llzma -liberty -lm
 *
 * test_symbols.c runs it over seeds and simple mutations of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

define_cleanup(struct binary *, binary_free);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(binary_free_p) struct binary *binary = NULL;
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct symbol symbol;
	uint64_t vaddr;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -1;
	if (binary_open(fd, &binary) < 0)
		return 0;
	for (uint64_t offset = 0; offset < size; offset += 13)
		if (binary_find_vaddr(binary, offset, &vaddr) == 0 &&
		    binary_find(binary, vaddr, &symbol) > 0 && symbol.name[0] == '\n')
			__builtin_trap(); /* reads the name, and says that it is clean */
	binary_find(binary, UINT64_MAX, &symbol);
	return 0;
}
