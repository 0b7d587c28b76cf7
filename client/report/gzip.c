/* SPDX-License-Identifier: MIT */
#include "client/report/gzip.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define OUT_BYTES   65536
#define GZIP_FORMAT 16 /* added to the bits of the window: a gzip header, with no time in it */
#define MEMORY      9
/* Stacks repeat so much that a higher level saves little and takes twice as long. */
#define LEVEL 3

struct gzip {
	FILE *out;
	z_stream z;
	unsigned char bytes[OUT_BYTES];
};

struct gzip *gzip_new(FILE *out)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return NULL;
	gzip->out = out;
	if (deflateInit2(&gzip->z, LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_FORMAT, MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gzip);
		return NULL;
	}
	return gzip;
}

struct gzip *gzip_free(struct gzip *gzip)
{
	if (gzip) {
		deflateEnd(&gzip->z);
		free(gzip);
	}
	return NULL;
}

/* Compresses until all input is taken, or all output has been written. */
static void run(struct gzip *gzip, int flush)
{
	do {
		gzip->z.next_out = gzip->bytes;
		gzip->z.avail_out = OUT_BYTES;
		deflate(&gzip->z, flush);
		fwrite(gzip->bytes, 1, OUT_BYTES - gzip->z.avail_out, gzip->out);
	} while (gzip->z.avail_out == 0);
}

void gzip_write(struct gzip *gzip, const void *bytes, size_t length)
{
	assert(length <= UINT32_MAX);
	gzip->z.next_in = (unsigned char *)(uintptr_t)bytes;
	gzip->z.avail_in = (unsigned)length;
	run(gzip, Z_NO_FLUSH);
}

void gzip_finish(struct gzip *gzip)
{
	gzip->z.avail_in = 0;
	run(gzip, Z_FINISH);
}
