/* SPDX-License-Identifier: MIT */
#include "client/graph/names.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"

/* The key of a function, by the numbers of its texts. Keys are compared byte by byte, so there is
 * no padding. */
struct graph_name_key {
	uint32_t function;
	uint32_t module;
	uint32_t file;
	uint32_t kind;
};

struct graph_names {
	unsigned n_refs;
	struct table *texts; /* each with the zero at its end */
	struct table *keys;  /* struct graph_name_key */
	struct graph_function *functions;
	size_t functions_size;
};

define_cleanup(struct graph_names *, graph_names_unref);

struct graph_names *graph_names_new(void)
{
	_cleanup_(graph_names_unref_p) struct graph_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->n_refs = 1;
	names->texts = table_new();
	names->keys = table_new();
	if (!names->texts || !names->keys)
		return NULL;
	return take_ptr(names);
}

struct graph_names *graph_names_ref(struct graph_names *names)
{
	assert(names->n_refs > 0);
	names->n_refs++;
	return names;
}

struct graph_names *graph_names_unref(struct graph_names *names)
{
	assert(!names || names->n_refs > 0);
	if (names && --names->n_refs == 0) {
		table_free(names->texts);
		table_free(names->keys);
		free(names->functions);
		free(names);
	}
	return NULL;
}

static int add_text(struct graph_names *names, const char *text, uint32_t *ret)
{
	return table_intern(names->texts, text, strlen(text) + 1, ret);
}

static const char *get_text(const struct graph_names *names, uint32_t text)
{
	return table_get_key(names->texts, text, NULL);
}

static int make_key(struct graph_names *names, const struct profile_frame *frame,
		    struct graph_name_key *ret)
{
	int r = add_text(names, frame->function, &ret->function);

	if (r < 0)
		return r;
	r = add_text(names, frame->module, &ret->module);
	if (r < 0)
		return r;
	ret->kind = frame->kind;
	return add_text(names, frame->file, &ret->file);
}

static int add_function(struct graph_names *names, const struct profile_frame *frame,
			const char *name, uint32_t *ret)
{
	struct graph_name_key key;
	uint32_t text;
	int r = make_key(names, frame, &key);

	if (r < 0)
		return r;
	r = add_text(names, *name ? name : "[unknown]", &text);
	if (r < 0)
		return r;
	r = array_reserve(names->functions, names->functions_size, table_count(names->keys) + 1);
	if (r < 0)
		return r;
	r = table_intern(names->keys, &key, sizeof(key), ret);
	if (r <= 0)
		return r;
	names->functions[*ret] = (struct graph_function){
		.name = get_text(names, text),
		.function = get_text(names, key.function),
		.module = get_text(names, key.module),
		.file = get_text(names, key.file),
		.kind = frame->kind,
		.focus = frame->focus,
	};
	return 0;
}

static void set_line(struct graph_names *names, uint32_t function, uint32_t line)
{
	uint32_t *known = &names->functions[function].line;

	assert(function < table_count(names->keys));
	if (line && (!*known || line < *known))
		*known = line;
}

void graph_memo_done(struct graph_memo *memo)
{
	free(memo->functions);
	*memo = (struct graph_memo){0};
}

int graph_names_find(struct graph_names *names, struct graph_memo *memo,
		     const struct profile *profile, const struct profile_frame *frame,
		     uint32_t *ret)
{
	uint32_t *known;
	int r = array_reserve(memo->functions, memo->size, (size_t)frame->name + 1);

	if (r < 0)
		return r;
	known = memo->functions + frame->name;
	if (!*known) {
		r = add_function(names, frame, profile_name(profile, frame->name), ret);
		if (r < 0)
			return r;
		*known = *ret + 1;
	}
	*ret = *known - 1;
	set_line(names, *ret, frame->line);
	return 0;
}

uint32_t graph_names_count(const struct graph_names *names)
{
	return table_count(names->keys);
}

const struct graph_function *graph_names_get(const struct graph_names *names, uint32_t function)
{
	assert(function < table_count(names->keys));
	return names->functions + function;
}

static int compare(const void *a, const void *b, void *userdata)
{
	const struct graph_function *functions = userdata;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int r = strcmp(functions[x].name, functions[y].name);

	if (!r)
		r = strcmp(functions[x].file, functions[y].file);
	/* The number makes the order the same each time. */
	return r ? r : (x > y) - (x < y);
}

int graph_names_rank(const struct graph_names *names, uint32_t *ret)
{
	uint32_t n = graph_names_count(names);
	_cleanup_free_ uint32_t *order = calloc(n ? n : 1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), compare, names->functions);
	for (uint32_t i = 0; i < n; i++)
		ret[order[i]] = i;
	return 0;
}
