/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "client/base/text.h"
#include "client/flame/internal.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/json.h"

#define NONE UINT32_MAX

struct data {
	const struct flame *flame;
	uint32_t *places; /* by function of the graph: its place in "functions", or NONE */
	struct json json;
};

/* ---- a FILE that escapes <, > and &, which JSON has in texts only ---- */

static ssize_t escape_write(void *cookie, const char *text, size_t length)
{
	static const char special[] = "<>&";
	FILE *out = cookie;
	size_t from = 0;

	for (size_t i = 0; i < length; i++) {
		if (!memchr(special, text[i], sizeof(special) - 1))
			continue;
		fwrite(text + from, 1, i - from, out);
		fprintf(out, "\\u%04x", (unsigned char)text[i]);
		from = i + 1;
	}
	fwrite(text + from, 1, length - from, out);
	return ferror(out) ? 0 : (ssize_t)length;
}

static FILE *escape_open(FILE *out)
{
	return fopencookie(out, "w", (cookie_io_functions_t){.write = escape_write});
}

/* ---- the head ---- */

static int add_text(struct json *json, const char *key, const char *text)
{
	_cleanup_free_ char *clean = text_clean_copy(text ? text : "");

	if (!clean)
		return -ENOMEM;
	json_add_text(json, key, clean);
	return 0;
}

struct text {
	const char *key;
	const char *text; /* NULL: "" */
};

static int add_texts(struct json *json, const struct text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = add_text(json, texts[i].key, texts[i].text);

		if (r < 0)
			return r;
	}
	return 0;
}

static int add_side(struct data *data, int i)
{
	const struct flame_side *side = &data->flame->about->sides[i];
	struct json *json = &data->json;
	int r;

	json_open(json, NULL, '{');
	r = add_text(json, "name", side->name);
	if (r < 0)
		return r;
	json_add_u64(json, "samples", side->samples);
	json_add_u64(json, "hits", graph_total(data->flame->graph, 0, i));
	json_add_known(json, "since_usec", side->since_usec);
	json_add_known(json, "until_usec", side->until_usec);
	json_add_known(json, "interval_ns", side->interval_ns);
	json_add_known(json, "observed_usec", side->observed_usec);
	json_close(json, '}');
	return 0;
}

static int add_about(struct data *data)
{
	const struct flame_about *about = data->flame->about;
	const struct text texts[] = {
		{"title", about->title}, {"filters", about->filters}, {"note", about->note}};
	struct json *json = &data->json;
	int r;

	json_add_u64(json, "version", 1);
	r = add_texts(json, texts, array_length(texts));
	if (r < 0)
		return r;
	json_add_bool(json, "restricted", about->restricted);
	json_add_bool(json, "without_kernel", about->without_kernel);
	json_open(json, "sides", '[');
	for (int i = 0; i < (about->diff ? 2 : 1); i++) {
		r = add_side(data, i);
		if (r < 0)
			return r;
	}
	json_close(json, ']');
	return 0;
}

/* ---- functions and nodes ---- */

static int add_function(struct json *json, const struct graph_function *function)
{
	const struct text texts[] = {{"name", function->name},
				     {"function", function->function},
				     {"module", function->module},
				     {"file", function->file}};
	int r;

	json_open(json, NULL, '{');
	r = add_texts(json, texts, array_length(texts));
	if (r < 0)
		return r;
	json_add_known(json, "line", function->line);
	json_add_text(json, "kind", flame_kind(function));
	json_close(json, '}');
	return 0;
}

/* Adds the functions of the nodes that are shown, in the order of their first nodes. */
static int add_functions(struct data *data)
{
	const struct flame *flame = data->flame;
	uint32_t n = 0;

	json_open(&data->json, "functions", '[');
	for (uint32_t i = 1; i < flame->n_nodes; i++) {
		uint32_t function = flame_function_of(flame, i);
		int r;

		if (data->places[function] != NONE)
			continue;
		data->places[function] = n++;
		r = add_function(&data->json, graph_function(flame->graph, function));
		if (r < 0)
			return r;
	}
	json_close(&data->json, ']');
	return 0;
}

static void add_parents(struct data *data)
{
	json_open(&data->json, "parent", '[');
	json_add_null(&data->json, NULL);
	for (uint32_t i = 1; i < data->flame->n_nodes; i++)
		json_add_u64(&data->json, NULL, data->flame->parents[i]);
	json_close(&data->json, ']');
}

static void add_places(struct data *data)
{
	json_open(&data->json, "function", '[');
	json_add_null(&data->json, NULL);
	for (uint32_t i = 1; i < data->flame->n_nodes; i++)
		json_add_u64(&data->json, NULL, data->places[flame_function_of(data->flame, i)]);
	json_close(&data->json, ']');
}

static void add_counts(struct data *data, const char *self, const char *total, int side)
{
	json_open(&data->json, self, '[');
	for (uint32_t i = 0; i < data->flame->n_nodes; i++)
		json_add_u64(&data->json, NULL, flame_self(data->flame, i, side));
	json_close(&data->json, ']');
	json_open(&data->json, total, '[');
	for (uint32_t i = 0; i < data->flame->n_nodes; i++)
		json_add_u64(&data->json, NULL, flame_total(data->flame, i, side));
	json_close(&data->json, ']');
}

static void add_nodes(struct data *data)
{
	bool diff = data->flame->about->diff;

	json_open(&data->json, "nodes", '{');
	add_parents(data);
	add_places(data);
	add_counts(data, "self", "total", diff ? GRAPH_WITH : GRAPH_BASE);
	if (diff)
		add_counts(data, "base_self", "base_total", GRAPH_BASE);
	json_close(&data->json, '}');
}

static int add_all(struct data *data)
{
	const struct flame *flame = data->flame;
	int r;

	json_open(&data->json, NULL, '{');
	r = add_about(data);
	if (r < 0)
		return r;
	r = add_functions(data);
	if (r < 0)
		return r;
	add_nodes(data);
	json_open(&data->json, "left_out", '{');
	json_add_u64(&data->json, "nodes", flame->n_left_out);
	json_add_double(&data->json, "threshold", flame->about->threshold);
	json_close(&data->json, '}');
	json_close(&data->json, '}');
	return 0;
}

static int write_escaped(const struct flame *flame, FILE *out)
{
	uint32_t n = graph_count_functions(flame->graph);
	_cleanup_free_ uint32_t *places = malloc(((size_t)n + 1) * sizeof(*places));
	/* An error of writing at its end is an error of `out` already. */
	_cleanup_fclose_ FILE *escaped = escape_open(out);

	if (!places || !escaped)
		return -ENOMEM;
	memset(places, 0xff, n * sizeof(*places));
	return add_all(&(struct data){flame, places, {escaped, 1}});
}

int flame_write_data(const struct flame *flame, FILE *out)
{
	int r = write_escaped(flame, out);

	if (r < 0)
		return r;
	fputc('\n', out);
	return 0;
}
