/* SPDX-License-Identifier: MIT */
#include "daemon/query/stacks.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"

/* Ids of the store, ascending as they were read, and the index that each has here. */
struct ids {
	int64_t *ids;
	uint32_t *indexes;
	uint32_t n;
	size_t ids_size;
	size_t indexes_size;
};

/* Key of a node of the tree. */
struct tree_key {
	uint32_t parent;
	uint32_t frame;
};

/* Key of a function, by the numbers of its texts. There is no padding: keys are compared byte by
 * byte. */
struct function_key {
	uint32_t function;
	uint32_t module;
	uint32_t file;
	uint32_t kind;
};

struct stacks {
	struct calltree *tree;
	struct table *texts;               /* each with its final zero byte; text 0 is "" */
	struct table *keys;                /* struct function_key */
	struct stacks_function *functions; /* of these keys */
	size_t functions_size;
	struct table *frames; /* struct stacks_frame; frame 0 stands for a missing row */
	struct table *nodes;  /* struct tree_key, of the nodes 1, 2, ... */
	uint8_t *stops;       /* by node */
	size_t stops_size;
	struct ids node_ids;
	struct ids frame_ids;
};

define_cleanup(struct stacks *, stacks_free);

static int ids_reserve(struct ids *ids)
{
	size_t n = (size_t)ids->n + 1;
	int r;

	if (n >= UINT32_MAX)
		return -ENOMEM;
	r = array_extend(ids->ids, ids->ids_size, ids->n, n);
	if (r < 0)
		return r;
	return array_extend(ids->indexes, ids->indexes_size, ids->n, n);
}

static void ids_done(struct ids *ids)
{
	free(ids->ids);
	free(ids->indexes);
}

/* Appends an id; ids_reserve() made room for it. */
static void ids_add(struct ids *ids, int64_t id, uint32_t index)
{
	assert(ids->n < ids->ids_size && ids->n < ids->indexes_size);
	ids->ids[ids->n] = id;
	ids->indexes[ids->n++] = index;
}

/* Returns the index of an id, or 0 if it is not there. The first guess holds where ids have no
 * gaps, because nothing was ever rolled back or dropped. */
static uint32_t ids_find(const struct ids *ids, int64_t id)
{
	size_t n;

	if (id > 0 && id <= ids->n && ids->ids[id - 1] == id)
		return ids->indexes[id - 1];
	n = array_upper_bound(ids->ids, ids->n, , id);
	return n && ids->ids[n - 1] == id ? ids->indexes[n - 1] : 0;
}

static int64_t ids_next(const struct ids *ids)
{
	return ids->n ? ids->ids[ids->n - 1] + 1 : 1;
}

static int intern_text(struct stacks *stacks, const char *text, uint32_t *ret)
{
	int r = table_intern(stacks->texts, text, strlen(text) + 1, ret);

	return r < 0 ? r : 0;
}

static int intern_texts(struct stacks *stacks, const struct frame *frame, struct function_key *ret)
{
	int r = intern_text(stacks, frame->function, &ret->function);

	if (r < 0)
		return r;
	r = intern_text(stacks, frame->module, &ret->module);
	if (r < 0)
		return r;
	return intern_text(stacks, frame->file, &ret->file);
}

static int intern_function(struct stacks *stacks, const struct frame *frame, uint32_t *ret)
{
	struct function_key key = {.kind = frame->kind};
	uint32_t n = table_count(stacks->keys);
	int r = array_extend(stacks->functions, stacks->functions_size, n, (size_t)n + 1);

	if (r < 0)
		return r;
	r = intern_texts(stacks, frame, &key);
	if (r < 0)
		return r;
	r = table_intern(stacks->keys, &key, sizeof(key), ret);
	if (r > 0)
		stacks->functions[*ret] = (struct stacks_function){
			.function = stacks_get_text(stacks, key.function),
			.module = stacks_get_text(stacks, key.module),
			.file = stacks_get_text(stacks, key.file),
			.module_text = key.module,
			.file_text = key.file,
			.kind = frame->kind,
		};
	return r;
}

static int intern_frame(struct stacks *stacks, const struct frame *frame, uint32_t *ret)
{
	struct stacks_frame key = {.line = frame->line};
	int r = intern_function(stacks, frame, &key.function);
	uint32_t *line;

	if (r < 0)
		return r;
	line = &stacks->functions[key.function].line;
	if (frame->line && (!*line || frame->line < *line))
		*line = frame->line;
	return table_intern(stacks->frames, &key, sizeof(key), ret);
}

static int on_frame(void *userdata, int64_t id, const struct frame *frame)
{
	struct stacks *stacks = userdata;
	uint32_t index;
	int r = ids_reserve(&stacks->frame_ids);

	if (r < 0)
		return r;
	r = intern_frame(stacks, frame, &index);
	if (r < 0)
		return r;
	ids_add(&stacks->frame_ids, id, index);
	return 0;
}

static uint8_t follow_end(const struct stacks *stacks, const struct tree_key *key)
{
	const struct stacks_function *function =
		stacks_get_function(stacks, stacks_get_frame(stacks, key->frame).function);

	return stop_follow(stacks->stops[key->parent], !key->parent, function->kind,
			   stop_of_mark(function->kind, function->function, function->module));
}

static int add_node(struct stacks *stacks, const struct tree_key *key)
{
	uint32_t n = calltree_count(stacks->tree);
	int r = array_reserve(stacks->stops, stacks->stops_size, (size_t)n + 2);

	if (r < 0)
		return r;
	r = calltree_add_node(stacks->tree, key->parent, key->frame);
	if (r < 0)
		return r;
	stacks->stops[n + 1] = follow_end(stacks, key);
	return 0;
}

/* Takes a node whose parent is missing in a damaged store as a root, and a missing frame as
 * "[unknown]". */
static int on_node(void *userdata, int64_t id, int64_t parent, int64_t frame)
{
	struct stacks *stacks = userdata;
	struct tree_key key = {ids_find(&stacks->node_ids, parent),
			       ids_find(&stacks->frame_ids, frame)};
	uint32_t index;
	int r = ids_reserve(&stacks->node_ids);

	if (r < 0)
		return r;
	r = table_intern(stacks->nodes, &key, sizeof(key), &index);
	if (r < 0)
		return r;
	/* A node that could not be added for lack of memory before has its key already. */
	assert(index <= calltree_count(stacks->tree));
	if (index == calltree_count(stacks->tree)) {
		r = add_node(stacks, &key);
		if (r < 0)
			return r;
	}
	ids_add(&stacks->node_ids, id, index + 1);
	return 0;
}

struct stacks *stacks_new(void)
{
	static const struct frame unknown = {.function = "", .module = "", .file = ""};
	_cleanup_(stacks_free_p) struct stacks *stacks = calloc(1, sizeof(*stacks));
	uint32_t index;

	if (!stacks)
		return NULL;
	stacks->tree = calltree_new();
	stacks->texts = table_new();
	stacks->keys = table_new();
	stacks->frames = table_new();
	stacks->nodes = table_new();
	if (!stacks->tree || !stacks->texts || !stacks->keys || !stacks->frames || !stacks->nodes ||
	    array_reserve(stacks->stops, stacks->stops_size, 1) < 0 ||
	    intern_frame(stacks, &unknown, &index) < 0)
		return NULL;
	stacks->stops[0] = STOP_NONE;
	return take_ptr(stacks);
}

struct stacks *stacks_free(struct stacks *stacks)
{
	if (!stacks)
		return NULL;
	ids_done(&stacks->frame_ids);
	ids_done(&stacks->node_ids);
	free(stacks->stops);
	free(stacks->functions);
	table_free(stacks->nodes);
	table_free(stacks->frames);
	table_free(stacks->keys);
	table_free(stacks->texts);
	calltree_free(stacks->tree);
	free(stacks);
	return NULL;
}

int stacks_read(struct stacks *stacks, struct store *store)
{
	int r = store_foreach_frame(store, ids_next(&stacks->frame_ids), on_frame, stacks);

	if (r < 0)
		return r;
	r = store_foreach_node(store, ids_next(&stacks->node_ids), on_node, stacks);
	return r < 0 ? r : 0;
}

const struct calltree *stacks_tree(const struct stacks *stacks)
{
	return stacks->tree;
}

uint32_t stacks_find_node(const struct stacks *stacks, int64_t id)
{
	return ids_find(&stacks->node_ids, id);
}

unsigned stacks_get_end(const struct stacks *stacks, uint32_t node)
{
	assert(node <= calltree_count(stacks->tree));
	return stop_of_leaf(stacks->stops[node]);
}

uint32_t stacks_count_frames(const struct stacks *stacks)
{
	return table_count(stacks->frames);
}

uint32_t stacks_count_functions(const struct stacks *stacks)
{
	return table_count(stacks->keys);
}

uint32_t stacks_count_texts(const struct stacks *stacks)
{
	return table_count(stacks->texts);
}

struct stacks_frame stacks_get_frame(const struct stacks *stacks, uint32_t frame)
{
	assert(frame < table_count(stacks->frames));
	return *(const struct stacks_frame *)table_get_key(stacks->frames, frame, NULL);
}

const struct stacks_function *stacks_get_function(const struct stacks *stacks, uint32_t function)
{
	assert(function < table_count(stacks->keys));
	return &stacks->functions[function];
}

const char *stacks_get_text(const struct stacks *stacks, uint32_t text)
{
	assert(text < table_count(stacks->texts));
	return table_get_key(stacks->texts, text, NULL);
}
