/* SPDX-License-Identifier: MIT */
#include "daemon/stacks.h"

#include <errno.h>
#include <string.h>

#include "daemon/cleanup.h"
#include "daemon/table.h"

#define IDS_MIN 1024

/* Ids of the store in the order they came, which is ascending. */
struct ids {
	int64_t *ids;
	uint32_t n;
	uint32_t size;
};

/* Key of a function; numbers are texts. No padding: it is compared byte by byte. */
struct function_key {
	uint32_t function;
	uint32_t module;
	uint32_t file;
	uint32_t kind;
};

struct stacks {
	struct calltree *tree;
	struct table *texts;               /* with the zero at their end; 0 is "" */
	struct table *keys;                /* struct function_key */
	struct stacks_function *functions; /* of these keys */
	uint32_t functions_size;
	struct stacks_frame *frames; /* [0] is one that the store does not have */
	uint32_t frames_size;
	struct ids node_ids;  /* of the nodes 1, 2, ... */
	struct ids frame_ids; /* of the frames 1, 2, ... */
};

define_cleanup(struct stacks *, stacks_free);

static int ids_reserve(struct ids *ids)
{
	uint32_t size = ids->size + ids->size / 2 + IDS_MIN;
	int64_t *grown;

	if (ids->n < ids->size)
		return 0;
	if (size <= ids->size || size > UINT32_MAX - 2)
		return -ENOMEM;
	grown = reallocarray(ids->ids, size, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ids->ids = grown;
	ids->size = size;
	return 0;
}

/* The index, counted from 1; 0: it is not there. Where nothing was ever rolled back or thrown away,
 * an id is its own index. */
static uint32_t ids_find(const struct ids *ids, int64_t id)
{
	uint32_t low = 0, high = ids->n;

	if (id > 0 && id <= ids->n && ids->ids[id - 1] == id)
		return (uint32_t)id;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ids->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ids->n && ids->ids[low] == id ? low + 1 : 0;
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

static int reserve_function(struct stacks *stacks)
{
	uint32_t size = stacks->functions_size + stacks->functions_size / 2 + IDS_MIN;
	struct stacks_function *functions;

	if (table_count(stacks->keys) < stacks->functions_size)
		return 0;
	functions = reallocarray(stacks->functions, size, sizeof(*functions));
	if (!functions)
		return -ENOMEM;
	stacks->functions = functions;
	stacks->functions_size = size;
	return 0;
}

static int intern_function(struct stacks *stacks, const struct frame *frame, uint32_t *ret)
{
	struct function_key key = {.kind = frame->kind};
	int r = reserve_function(stacks);

	if (r >= 0)
		r = intern_text(stacks, frame->function, &key.function);
	if (r >= 0)
		r = intern_text(stacks, frame->module, &key.module);
	if (r >= 0)
		r = intern_text(stacks, frame->file, &key.file);
	if (r >= 0)
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

static int reserve_frame(struct stacks *stacks)
{
	uint32_t size = stacks->frames_size + stacks->frames_size / 2 + IDS_MIN;
	struct stacks_frame *frames;

	if (stacks->frame_ids.n + 1 < stacks->frames_size)
		return 0;
	frames = reallocarray(stacks->frames, size, sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	stacks->frames = frames;
	stacks->frames_size = size;
	return 0;
}

static int add_frame(struct stacks *stacks, uint32_t index, const struct frame *frame)
{
	uint32_t function, *line;
	int r = intern_function(stacks, frame, &function);

	if (r < 0)
		return r;
	line = &stacks->functions[function].line;
	if (frame->line && (!*line || frame->line < *line))
		*line = frame->line;
	stacks->frames[index] = (struct stacks_frame){function, frame->line};
	return 0;
}

static int on_frame(void *userdata, int64_t id, const struct frame *frame)
{
	struct stacks *stacks = userdata;
	struct ids *ids = &stacks->frame_ids;
	int r = ids_reserve(ids);

	if (r >= 0)
		r = reserve_frame(stacks);
	if (r >= 0)
		r = add_frame(stacks, ids->n + 1, frame);
	if (r < 0)
		return r;
	ids->ids[ids->n++] = id;
	return 0;
}

/* A parent or a frame that the store does not have (it was damaged) makes a root or "[unknown]". */
static int on_node(void *userdata, int64_t id, int64_t parent, int64_t frame)
{
	struct stacks *stacks = userdata;
	struct ids *ids = &stacks->node_ids;
	int r = ids_reserve(ids);

	if (r >= 0)
		r = calltree_add_node(stacks->tree, ids_find(ids, parent),
				      ids_find(&stacks->frame_ids, frame));
	if (r < 0)
		return r;
	ids->ids[ids->n++] = id;
	return 0;
}

struct stacks *stacks_new(void)
{
	static const struct frame unknown = {.function = "", .module = "", .file = ""};
	_cleanup_(stacks_free_p) struct stacks *stacks = calloc(1, sizeof(*stacks));

	if (!stacks)
		return NULL;
	stacks->tree = calltree_new();
	stacks->texts = table_new();
	stacks->keys = table_new();
	if (!stacks->tree || !stacks->texts || !stacks->keys || reserve_frame(stacks) < 0 ||
	    add_frame(stacks, 0, &unknown) < 0)
		return NULL;
	return take_ptr(stacks);
}

struct stacks *stacks_free(struct stacks *stacks)
{
	if (!stacks)
		return NULL;
	free(stacks->frame_ids.ids);
	free(stacks->node_ids.ids);
	free(stacks->frames);
	free(stacks->functions);
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

uint32_t stacks_count_frames(const struct stacks *stacks)
{
	return stacks->frame_ids.n + 1;
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
	return stacks->frames[frame];
}

const struct stacks_function *stacks_get_function(const struct stacks *stacks, uint32_t function)
{
	return &stacks->functions[function];
}

const char *stacks_get_text(const struct stacks *stacks, uint32_t text)
{
	return table_get_key(stacks->texts, text, NULL);
}
