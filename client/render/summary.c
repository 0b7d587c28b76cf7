/* SPDX-License-Identifier: MIT */
#include "client/render/summary.h"

#include <assert.h>
#include <errno.h>

#include "client/render/render.h"
#include "daemon/base/cleanup.h"

static int add_counts(struct json_object *tree, const char *key, const struct profile_count *counts,
		      size_t n)
{
	struct json_object *object = json_object_new_object();
	int r = object ? tree_add(tree, key, object) : -ENOMEM;

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = tree_add(object, counts[i].reason, json_object_new_uint64(counts[i].n));
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_numbers(struct json_object *tree, const struct profile_summary *summary)
{
	const struct {
		const char *key;
		uint64_t n;
	} numbers[] = {
		{"samples", summary->samples},
		{"since", summary->since_usec},
		{"until", summary->until_usec},
		{"session", (uint64_t)summary->session},
	};

	for (size_t i = 0; i < array_length(numbers); i++) {
		int r = tree_add(tree, numbers[i].key, json_object_new_uint64(numbers[i].n));

		if (r < 0)
			return r;
	}
	return tree_add(tree, "state", json_object_new_string(summary->state));
}

int summary_make_tree(const struct profile_summary *summary, struct json_object **ret)
{
	_cleanup_tree_ struct json_object *tree = json_object_new_object();
	int r;

	if (!tree)
		return -ENOMEM;
	r = add_numbers(tree, summary);
	if (r < 0)
		return r;
	r = add_counts(tree, "lost", summary->lost, summary->n_lost);
	if (r < 0)
		return r;
	r = add_counts(tree, "stacks", summary->stacks, summary->n_stacks);
	if (r < 0)
		return r;
	r = tree_add(tree, "restricted", json_object_new_boolean(summary->restricted));
	if (r < 0)
		return r;
	r = tree_add(tree, "without_kernel", json_object_new_boolean(summary->without_kernel));
	if (r < 0)
		return r;
	*ret = take_ptr(tree);
	return 0;
}

char *summary_describe_losses(const struct profile_summary *summary, const char *before)
{
	_cleanup_tree_ struct json_object *tree = NULL;
	_cleanup_free_ char *losses = NULL;
	char *text;

	if (summary_make_tree(summary, &tree) < 0)
		return NULL;
	losses = render_losses(tree_get_object(tree, "lost"), false);
	if (!losses || !*losses)
		return take_ptr(losses);
	return asprintf(&text, "%slost: %s", before, losses) < 0 ? NULL : text;
}

double summary_find_interval_ns(const struct profile_summary *summary, bool *ret_mixed)
{
	double observed_usec = 0, ticks = 0;
	uint64_t first_ns = 0;

	*ret_mixed = false;
	for (size_t i = 0; i < summary->n_sessions; i++) {
		const struct profile_session *session = &summary->sessions[i];

		if (!session->interval_ns || !session->observed_usec)
			continue;
		first_ns = first_ns ?: session->interval_ns;
		*ret_mixed |= session->interval_ns != first_ns;
		observed_usec += (double)session->observed_usec;
		ticks += (double)session->observed_usec / (double)session->interval_ns;
	}
	assert(!*ret_mixed || ticks > 0);
	return *ret_mixed ? observed_usec / ticks : (double)(first_ns ?: summary->interval_ns);
}

static void write_counts(struct json *json, const char *key, const struct profile_count *counts,
			 size_t n)
{
	json_open(json, key, '{');
	for (size_t i = 0; i < n; i++)
		json_add_u64(json, counts[i].reason, counts[i].n);
	json_close(json, '}');
}

void summary_write(const struct profile_summary *summary, struct json *json)
{
	json_add_text(json, "state", summary->state);
	json_add_known(json, "since", summary->since_usec);
	json_add_known(json, "until", summary->until_usec);
	json_add_known(json, "interval_ns", summary->interval_ns);
	json_add_u64(json, "observed_usec", summary->observed_usec);
	json_add_u64(json, "samples", summary->samples);
	write_counts(json, "stacks", summary->stacks, summary->n_stacks);
	write_counts(json, "lost", summary->lost, summary->n_lost);
	json_add_bool(json, "restricted", summary->restricted);
	json_add_bool(json, "without_kernel", summary->without_kernel);
	json_add_known(json, "session", (uint64_t)summary->session);
}

void summary_write_function(const struct graph_function *function, struct json *json)
{
	json_add_text(json, "name", function->name);
	json_add_text(json, "function", function->function);
	json_add_text(json, "module", function->module);
	json_add_text(json, "file", function->file);
	json_add_known(json, "line", function->line);
	json_add_text(json, "kind", frame_kind_name(function->kind));
}
