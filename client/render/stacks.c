/* SPDX-License-Identifier: MIT */
/* Shares of whole stacks: of an answer, of a session, of a target. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "client/render/render.h"

static const char whole_name[] = "root";

/* Cuts instead of rounding, so that 100 means that all are whole. */
double stacks_get_share(struct json_object *stacks)
{
	uint64_t whole = 0, all = 0;

	if (!stacks)
		return -1;
	json_object_object_foreach(stacks, end, value)
	{
		uint64_t n = json_object_get_uint64(value);

		all += n;
		if (!strcmp(end, whole_name))
			whole = n;
	}
	return all ? floor(1000.0 * (double)whole / (double)all) / 10 : -1;
}

char *render_ends(struct json_object *stacks)
{
	const char *gap = "";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (stacks) {
		json_object_object_foreach(stacks, end, value)
		{
			uint64_t n = json_object_get_uint64(value);

			if (!n || !strcmp(end, whole_name))
				continue;
			fprintf(out, "%s%s %" PRIu64, gap, end, n);
			gap = ", ";
		}
	}
	if (fclose(out) != 0)
		free(take_ptr(text));
	return text;
}

char *render_stacks(struct json_object *stacks)
{
	_cleanup_free_ char *ends = render_ends(stacks);
	double share = stacks_get_share(stacks);
	char *text;

	if (!ends)
		return NULL;
	if (share < 0 || share >= 100)
		return strdup("");
	return asprintf(&text, "%.1f %% of the stacks are whole; %.1f %% end early: %s", share,
			100 - share, ends) < 0
		       ? NULL
		       : text;
}
