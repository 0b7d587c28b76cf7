/* SPDX-License-Identifier: MIT */
/*
 * Bytes as an ELF file that is looked at. For libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_about.c
 *         daemon/symbolizer/{about,python_file,python_code,python_parts}.c
 *         daemon/symbolizer/elf/{file,dynamic,symtab}.c daemon/symbolizer/dwarf/eh_frame.c
 *         daemon/symbolizer/dwarf/eh_rule.c daemon/symbolizer/elf/debugdata.c -ldw -lelf -llzma
 *
 * with tests/fuzz/seeds/{about,eh_rows,names} as its corpus. test_about.c runs it over these and
 * simple mutations of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/about.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the daemon insists on (symbolizer_reply.c), and what makes sense of a file. */
static void check_about(const struct symbolizer_about *about, size_t size)
{
	if (about->n_segments > SYMBOLIZER_SEGMENTS_MAX || about->has_dwarf > 1 ||
	    about->has_python > 1 || about->build_id_bytes > BUILD_ID_BYTES ||
	    about->alt_id_bytes > BUILD_ID_BYTES ||
	    strnlen(about->link, SYMBOLIZER_LINK_BYTES) == SYMBOLIZER_LINK_BYTES ||
	    strchr(about->link, '/') ||
	    strnlen(about->alt_link, SYMBOLIZER_ALT_BYTES) == SYMBOLIZER_ALT_BYTES ||
	    !about->alt_link[0] != !about->alt_id_bytes)
		__builtin_trap();
	for (size_t i = 0; i < about->n_segments; i++)
		if (about->segments[i].offset >= size ||
		    about->segments[i].bytes > size - about->segments[i].offset)
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct symbolizer_about about;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -1;
	if (about_read(fd, &about) == 0)
		check_about(&about, size);
	return 0;
}
