/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/debugdata.h"

#include <assert.h>
#include <errno.h>
#include <lzma.h>

#include "daemon/base/cleanup.h"

#define PACKED_MAX (UINT64_C(32) << 20)

/* Doubles the output, but not beyond max, where array_reserve() has no bound. Returns 0, -E2BIG if
 * it has max bytes already, or -ENOMEM. */
static int grow_output(lzma_stream *stream, char **output, size_t *size, size_t max)
{
	size_t bigger = *size > max / 2 ? max : *size * 2;
	char *grown;

	assert(stream->avail_out == 0);
	if (*size >= max)
		return -E2BIG;
	grown = realloc(*output, bigger);
	if (!grown)
		return -ENOMEM;
	*output = grown;
	stream->next_out = (uint8_t *)grown + *size;
	stream->avail_out = bigger - *size;
	*size = bigger;
	return 0;
}

static int error_of(lzma_ret code)
{
	if (code == LZMA_MEM_ERROR)
		return -ENOMEM;
	return code == LZMA_MEMLIMIT_ERROR ? -E2BIG : -EINVAL;
}

int xz_unpack(const void *data, size_t size, size_t max, char **ret, size_t *ret_size)
{
	_cleanup_(lzma_end) lzma_stream stream = LZMA_STREAM_INIT;
	_cleanup_free_ char *output = NULL;
	size_t output_size = size < max / 8 ? size * 4 + 4096 : max;
	lzma_ret code;

	assert(max > 0);
	output = malloc(output_size);
	if (!output)
		return -ENOMEM;
	code = lzma_stream_decoder(&stream, XZ_MEMORY_BYTES, 0);
	stream.next_in = data;
	stream.avail_in = size;
	stream.next_out = (uint8_t *)output;
	stream.avail_out = output_size;
	while (code == LZMA_OK) {
		code = lzma_code(&stream, LZMA_FINISH);
		if (code == LZMA_OK && stream.avail_out == 0) {
			int r = grow_output(&stream, &output, &output_size, max);

			if (r < 0)
				return r;
		}
	}
	if (code != LZMA_STREAM_END)
		return error_of(code);
	*ret_size = stream.total_out;
	*ret = take_ptr(output);
	return 0;
}

uint32_t xz_crc32(const void *data, size_t size, uint32_t crc)
{
	return lzma_crc32(data, size, crc);
}

int debugdata_open(const struct elf_file *elf, struct elf_file *ret)
{
	const Elf64_Shdr *section = elf_file_find_section(elf, SHT_PROGBITS, ".gnu_debugdata");
	const Elf_Data *packed = elf_file_get_data(elf, section, PACKED_MAX);
	size_t size;
	char *data;
	int r;

	if (!packed)
		return -ENODATA;
	r = xz_unpack(packed->d_buf, packed->d_size, SYMBOLS_DEBUGDATA_MAX, &data, &size);
	return r < 0 ? r : elf_file_open_memory(ret, data, size);
}
