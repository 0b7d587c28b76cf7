/* SPDX-License-Identifier: MIT */
/*
 * Bytes as the data that a process has of its code: as a table of lines of each format, as
 * characters of each width, and as parts of definitions. Whatever they are, the parsers must come
 * back, with clean texts. For libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_python.c
 *         daemon/python/{lines,text,definitions}.c daemon/base/{table,text}.c -lm
 *
 * test_python_lines.c runs it over tests/fuzz/seeds/python and simple mutations of them.
 *
 * Each part is its number of bytes (2 bytes) and then so many bytes. A number of CHUNK_ENDS or more
 * forgets all definitions, and an odd one also expires them.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/python.h"
#include "daemon/base/text.h"
#include "daemon/python/definitions.h"
#include "daemon/python/lines.h"
#include "daemon/python/text.h"

#define CHUNK_ENDS 0xfff0

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_lines(const uint8_t *table, size_t size)
{
	int32_t first_line = 1;

	if (size >= sizeof(first_line))
		memcpy(&first_line, table + size - sizeof(first_line), sizeof(first_line));
	for (uint32_t version = 0x0309; version <= 0x030b; version++)
		for (uint32_t position = 0; position < 4096; position += 126)
			if (python_lines_find(version, table, size, first_line, position) >
			    INT32_MAX)
				__builtin_trap();
}

static void fuzz_text(const uint8_t *text, size_t size)
{
	for (unsigned width = 1; width <= 4; width++)
		for (size_t room = 4; room < 2048; room *= 3) {
			char *ret = malloc(room);

			if (!ret)
				return;
			if (python_text_decode(text, size, width, ret, room) != strlen(ret) ||
			    !text_is_clean(ret))
				__builtin_trap();
			free(ret);
		}
}

/* Adds a part in memory of its own, so that the sanitizer sees reads behind it. */
static void add_part(struct definitions *definitions, const uint8_t *data, size_t size)
{
	struct ox_fragment *part = malloc(size ? size : 1);

	if (part) {
		memcpy(part, data, size);
		definitions_add(definitions, part, size);
	}
	free(part);
}

static void check_definition(const struct definitions *definitions, uint32_t id)
{
	struct definition found;
	uint32_t index;

	if (definitions_find(definitions, id, &index) < 0)
		return;
	if (definitions_get(definitions, index, id, &found) < 0 || found.line > INT32_MAX ||
	    !text_is_clean(found.name) || !text_is_clean(found.module) ||
	    !text_is_clean(found.file))
		__builtin_trap();
}

static void fuzz_definitions(const uint8_t *data, size_t size)
{
	struct definitions *definitions = definitions_new();
	uint16_t length;

	if (!definitions)
		return;
	while (size >= sizeof(length)) {
		memcpy(&length, data, sizeof(length));
		data += sizeof(length);
		size -= sizeof(length);
		if (length >= CHUNK_ENDS) {
			definitions_forget(definitions);
			if (length & 1)
				definitions_expire(definitions);
			continue;
		}
		if (length > size)
			length = (uint16_t)size;
		add_part(definitions, data, length);
		data += length;
		size -= length;
	}
	for (uint32_t id = 0; id < 64; id++)
		check_definition(definitions, id);
	if (definitions_bytes(definitions) > (16u << 20))
		__builtin_trap();
	definitions_free(definitions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return -1;
	memcpy(copy, data, size);
	fuzz_lines(copy, size);
	fuzz_text(copy, size);
	fuzz_definitions(copy, size);
	free(copy);
	return 0;
}
