/* SPDX-License-Identifier: MIT */
/*
 * Bytes as an ELF file that is looked at. For libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_elf_info.c
 *         daemon/symbolizer/{about,python_file,python_code,python_parts}.c
 *         daemon/symbolizer/elf/{file,dynamic,symtab}.c daemon/symbolizer/dwarf/eh_frame.c
 *         daemon/symbolizer/dwarf/eh_rule.c daemon/symbolizer/elf/debugdata.c -ldw -lelf -llzma
 *
 * with tests/fuzz/seeds/{about,eh_rows,names} as its corpus. test_elf_info.c runs it over these and
 * simple mutations of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checks what the daemon requires (symbolizer_reply.c), and that the segments are in the file. */
static void check_elf_info(const struct elf_info *info, size_t size)
{
	if (info->n_segments > SYMBOLIZER_SEGMENTS_MAX || info->has_dwarf > 1 ||
	    info->has_python > 1 || info->build_id_bytes > BUILD_ID_BYTES ||
	    info->alt_id_bytes > BUILD_ID_BYTES ||
	    strnlen(info->link, SYMBOLIZER_LINK_BYTES) == SYMBOLIZER_LINK_BYTES ||
	    strchr(info->link, '/') ||
	    strnlen(info->alt_link, SYMBOLIZER_ALT_BYTES) == SYMBOLIZER_ALT_BYTES ||
	    !info->alt_link[0] != !info->alt_id_bytes)
		__builtin_trap();
	for (size_t i = 0; i < info->n_segments; i++)
		if (info->segments[i].offset >= size ||
		    info->segments[i].bytes > size - info->segments[i].offset)
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct elf_info info;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -1;
	if (elf_info_read(fd, &info) == 0)
		check_elf_info(&info, size);
	return 0;
}
