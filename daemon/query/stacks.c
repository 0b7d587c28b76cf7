/* SPDX-License-Identifier: MIT */
#include "daemon/query/stacks.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/query/nodes.h"

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
	struct store *store;
	struct nodes ids;       /* of the store; `index` is that of the tree */
	struct by_id frame_ids; /* uint32_t, the index of the frame + 1; 0: not read */
	int64_t *way;           /* ids from the one that is asked for up to a known one */
	size_t way_size;
};

define_cleanup(struct stacks *, stacks_free);

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

/* ---- reading ---- */

struct frame_reading {
	struct stacks *stacks;
	uint32_t index;
};

static int on_frame(void *userdata, int64_t function, const struct frame *frame)
{
	struct frame_reading *reading = userdata;

	return intern_frame(reading->stacks, frame, &reading->index);
}

/* Finds the index of a frame of the store; one that is missing in a damaged store is frame 0. */
static int find_frame(struct stacks *stacks, int64_t id, uint32_t *ret)
{
	struct frame_reading reading = {.stacks = stacks};
	void *known;
	int r = by_id_find(&stacks->frame_ids, id, &known);

	if (r < 0)
		return r;
	if (!*(uint32_t *)known) {
		r = store_read_frame(stacks->store, id, on_frame, &reading);
		if (r < 0)
			return r;
		*(uint32_t *)known = reading.index + 1;
	}
	*ret = *(uint32_t *)known - 1;
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

/* Finds the node of the tree for a caller's node and a frame, or adds it. */
static int intern_node(struct stacks *stacks, const struct tree_key *key, uint32_t *ret)
{
	uint32_t index;
	int r = table_intern(stacks->nodes, key, sizeof(*key), &index);

	if (r < 0)
		return r;
	assert(index <= calltree_count(stacks->tree));
	if (r > 0) {
		r = add_node(stacks, key);
		if (r < 0)
			return r;
	}
	*ret = index + 1;
	return 0;
}

/* Notes the ids from `id` up to below a node that is known, or up to the root. *ret_above is the
 * known node's index, 0 above a root. A node whose parent is missing in a damaged store is a root.
 */
static int find_way(struct stacks *stacks, int64_t id, size_t *ret_n, uint32_t *ret_above)
{
	struct nodes_node *node;
	size_t n = 0;
	int r;

	*ret_above = 0;
	for (int64_t at = id; (r = nodes_find(&stacks->ids, at, &node)) > 0; at = node->parent) {
		*ret_above = node->index;
		if (node->index)
			break;
		r = array_reserve(stacks->way, stacks->way_size, n + 1);
		if (r < 0)
			return r;
		stacks->way[n++] = at;
	}
	*ret_n = n;
	return r < 0 ? r : 0;
}

int stacks_find_node(struct stacks *stacks, int64_t id, uint32_t *ret)
{
	struct nodes_node *node;
	struct tree_key key;
	size_t n;
	int r = find_way(stacks, id, &n, &key.parent), is_new;

	if (r < 0)
		return r;
	is_new = n > 0;
	while (n > 0) {
		r = nodes_find(&stacks->ids, stacks->way[--n], &node);
		assert(r != 0);
		if (r < 0)
			return r;
		r = find_frame(stacks, node->frame, &key.frame);
		if (r < 0)
			return r;
		r = intern_node(stacks, &key, &node->index);
		if (r < 0)
			return r;
		key.parent = node->index;
	}
	*ret = key.parent;
	return is_new;
}

struct stacks *stacks_new(struct store *store)
{
	static const struct frame unknown = {.function = "", .module = "", .file = ""};
	_cleanup_(stacks_free_p) struct stacks *stacks = calloc(1, sizeof(*stacks));
	uint32_t index;

	if (!stacks)
		return NULL;
	stacks->store = store;
	nodes_init(&stacks->ids, store);
	stacks->frame_ids = BY_ID_OF(uint32_t);
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
	free(stacks->way);
	by_id_done(&stacks->frame_ids);
	nodes_done(&stacks->ids);
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

size_t stacks_bytes(const struct stacks *stacks)
{
	return table_bytes(stacks->texts) + table_bytes(stacks->keys) +
	       table_bytes(stacks->frames) + table_bytes(stacks->nodes) +
	       calltree_bytes(stacks->tree) + by_id_bytes(&stacks->ids.blocks) +
	       by_id_bytes(&stacks->frame_ids) +
	       stacks->functions_size * sizeof(*stacks->functions) + stacks->stops_size +
	       stacks->way_size * sizeof(*stacks->way);
}

const struct calltree *stacks_tree(const struct stacks *stacks)
{
	return stacks->tree;
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
