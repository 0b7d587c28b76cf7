/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <lzma.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf/debugdata.h"

#define BYTES 100000

static uint8_t packed[2 * BYTES];
static size_t packed_size;

static void pack_zeros(void)
{
	_cleanup_free_ uint8_t *zeros = calloc(1, BYTES);

	packed_size = 0;
	cr_assert(eq(int,
		     lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, zeros, BYTES, packed,
					     &packed_size, sizeof(packed)),
		     LZMA_OK));
}

TestSuite(xz, .init = pack_zeros);

static int unpack(const void *data, size_t size, size_t max, size_t *ret_size)
{
	_cleanup_free_ char *output = NULL;

	return xz_unpack(data, size, max, &output, ret_size);
}

Test(xz, unpacks_up_to_the_bound)
{
	size_t size = 0;

	cr_assert(eq(int, unpack(packed, packed_size, BYTES, &size), 0));
	cr_assert(eq(sz, size, BYTES));
	cr_assert(eq(int, unpack(packed, packed_size, 10 * BYTES, &size), 0));
	cr_assert(eq(int, unpack(packed, packed_size, BYTES - 1, &size), -E2BIG));
	cr_assert(eq(int, unpack(packed, packed_size, 1, &size), -E2BIG));
}

Test(xz, refuses_what_is_damaged)
{
	size_t size = 7;

	for (size_t length = 0; length < packed_size; length++)
		cr_assert(eq(int, unpack(packed, length, 2 * BYTES, &size), -EINVAL));
	packed[packed_size / 2] ^= 0xff;
	cr_assert(eq(int, unpack(packed, packed_size, BYTES, &size), -EINVAL));
	cr_assert(eq(sz, size, 7), "nothing is written on failure");
}

Test(xz, refuses_a_decoder_that_asks_for_too_much_memory)
{
	lzma_options_lzma options;
	lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
	size_t size = 0;

	cr_assert(not(lzma_lzma_preset(&options, 0)));
	options.dict_size = 2 * XZ_MEMORY_BYTES;
	packed_size = 0;
	cr_assert(eq(int,
		     lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL,
					       (const uint8_t *)"text", 4, packed, &packed_size,
					       sizeof(packed)),
		     LZMA_OK));
	cr_assert(eq(int, unpack(packed, packed_size, BYTES, &size), -E2BIG));
}
