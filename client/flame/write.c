/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>

#include "client/flame/internal.h"

int flame_begin(const char *title, enum format format, FILE *out)
{
	return format == FORMAT_FLAMEGRAPH ? flame_begin_page(title, out) : 0;
}

int flame_write(const struct graph *graph, const struct flame_about *about, enum format format,
		FILE *out)
{
	static int (*const writers[N_FORMATS])(const struct flame *flame, FILE *out) = {
		[FORMAT_JSON] = flame_write_data,
		[FORMAT_FLAMEGRAPH] = flame_write_page,
		[FORMAT_SVG] = flame_write_picture,
	};
	struct flame flame;
	int r;

	assert(format < N_FORMATS);
	if (!writers[format])
		return -EINVAL;
	r = flame_init(&flame, graph, about);
	if (r < 0)
		return r;
	r = writers[format](&flame, out);
	flame_done(&flame);
	return r;
}
