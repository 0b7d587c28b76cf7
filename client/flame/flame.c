/* SPDX-License-Identifier: MIT */
#include "client/flame/flame.h"

#include <inttypes.h>
#include <string.h>

#include "client/flame/internal.h"
#include "client/render/summary.h"
#include "daemon/base/cleanup.h"

void flame_set_side(struct flame_side *side, const struct profile_summary *summary)
{
	bool mixed;

	side->samples = summary->samples;
	side->since_usec = summary->since_usec;
	side->until_usec = summary->until_usec;
	side->interval_ns = (uint64_t)(summary_find_interval_ns(summary, &mixed) + 0.5);
	side->observed_usec = summary->observed_usec;
}

char *flame_describe_filters(const struct request *request, int64_t session)
{
	const char *gap = "";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < request->n_targets; i++, gap = " ")
		fprintf(out, "%s%s", gap, request->targets[i]);
	if (session)
		fprintf(out, "%ssession:%" PRId64, gap, session), gap = " ";
	if (request->filter)
		fprintf(out, "%sfilter: %s", gap, request->filter), gap = " ";
	if (request->kind)
		fprintf(out, "%sframes: %s only", gap, request->kind);
	if (fclose(out) != 0)
		free(take_ptr(text));
	return text;
}

const char *flame_kind(const struct graph_function *function)
{
	const char *kind = frame_kind_name(function->kind);

	/* A name in brackets is a mark unless it has a module: then it is a place of the code
	 * (daemon/resolver/resolver.h). */
	if (function->function[0] == '[' && !*function->module)
		return "mark";
	return *kind ? kind : "native";
}
