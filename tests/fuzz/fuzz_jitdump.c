/* SPDX-License-Identifier: MIT */
/*
 * Bytes as a jitdump: whatever they are, the symbolizer must come back. For libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_jitdump.c
 *         daemon/symbolizer/{jitdump,ranges}.c daemon/base/table.c
 *
 * test_jitdump.c runs it over tests/fuzz/seeds/jitdump and simple mutations of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/jitdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct jitdump *dump = NULL;
	struct jitdump_name name;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -1;
	if (jitdump_read(fd, &dump) < 0)
		return 0;
	for (uint64_t address = 0; address < 0x10000; address += 61)
		if (jitdump_find(dump, address, &name) == 0 &&
		    strlen(name.function) + strlen(name.file) > 2 * size)
			__builtin_trap();
	jitdump_find(dump, UINT64_MAX, &name);
	jitdump_free(dump);
	return 0;
}
