/* SPDX-License-Identifier: MIT */
#include "daemon/export/paths.h"

#include <assert.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/query/naming.h"
#include "daemon/query/pruning.h"
#include "daemon/query/stop.h"

#define BLOCK   256u /* nodes that are read together: they mostly take one page or two */
#define IDS_MAX (INT64_C(1) << 31)

/* Returned by on_node(); no error of the store has this number, as -ECANCELED has. */
#define BLOCK_IS_OVER (-ERANGE)

/* The state of a node. */
enum {
	STATE_END = 0x0f,     /* mask of stop_follow()'s value */
	STATE_KNOWN = 0x10,   /* the other bits and `left` are set */
	STATE_MATCHES = 0x20, /* the filter finds a frame or mark that is left, up to this node */
	STATE_MARK = 0x40,    /* `left` is a mark, kept only once a frame behind it is kept */
};

_Static_assert(STOP_MAX <= STATE_END, "each end fits into its bits");

enum {
	FRAME_IS_KNOWN = 1,
	FRAME_MATCHES = 2,
	FRAME_HAS_FOCUS = 4,
};

struct frame_facts {
	uint8_t facts;
	uint8_t kind;
	uint8_t mark; /* stop_of_mark() */
};

struct export_paths {
	struct store *store;
	const struct export_order *order;
	bool prunes;
	uint32_t count;
	/* By id of a node. The kernel gives memory only for pages that are used. */
	uint32_t *parents;
	uint32_t *frames; /* 0: there is no such node */
	uint32_t *left;   /* as in struct export_path; NULL if the query leaves nothing out */
	uint8_t *states;
	bool *is_read;             /* by block */
	struct frame_facts *facts; /* by id of a frame */
	size_t facts_size;
	uint8_t *functions; /* by id of a function; facts */
	size_t functions_size;
	struct naming naming;
	uint32_t *way; /* nodes from the one that is asked for up to a known one */
	size_t way_size;
};

define_cleanup(struct export_paths *, export_paths_free);

static int paths_allocate(struct export_paths *paths)
{
	size_t n = (size_t)paths->count + 1;

	paths->parents = calloc(n, sizeof(*paths->parents));
	paths->frames = calloc(n, sizeof(*paths->frames));
	paths->states = calloc(n, sizeof(*paths->states));
	paths->is_read = calloc(n / BLOCK + 1, sizeof(*paths->is_read));
	if (paths->prunes)
		paths->left = calloc(n, sizeof(*paths->left));
	return paths->parents && paths->frames && paths->states && paths->is_read &&
			       (paths->left || !paths->prunes)
		       ? 0
		       : -ENOMEM;
}

int export_paths_new(struct store *store, const struct export_order *order,
		     struct export_paths **ret)
{
	_cleanup_(export_paths_free_p) struct export_paths *paths = calloc(1, sizeof(*paths));
	int64_t last = 0;
	int r;

	if (!paths)
		return -ENOMEM;
	paths->store = store;
	paths->order = order;
	paths->prunes = query_prunes(&order->query);
	r = store_find_last_node(store, &last);
	if (r < 0)
		return r;
	if (last >= IDS_MAX)
		return -EOVERFLOW;
	paths->count = (uint32_t)last;
	r = paths_allocate(paths);
	if (r < 0)
		return r;
	*ret = take_ptr(paths);
	return 0;
}

struct export_paths *export_paths_free(struct export_paths *paths)
{
	if (!paths)
		return NULL;
	free(paths->parents);
	free(paths->frames);
	free(paths->left);
	free(paths->states);
	free(paths->is_read);
	free(paths->facts);
	free(paths->functions);
	free(paths->way);
	naming_done(&paths->naming);
	free(paths);
	return NULL;
}

/* ---- frames ---- */

/* Sets the fact if the pattern finds the name in `naming`. A pattern of NULL finds nothing. */
static int paths_search(struct export_paths *paths, struct pattern *pattern, uint8_t fact,
			uint8_t *facts)
{
	int r;

	if (!pattern)
		return 0;
	r = pattern_search(pattern, paths->naming.text);
	if (r < 0)
		return r;
	if (r > 0)
		*facts |= fact;
	return 0;
}

static int paths_search_function(struct export_paths *paths, const struct frame *frame,
				 uint8_t *facts)
{
	int r;

	naming_clear(&paths->naming);
	r = naming_append_function(&paths->naming, frame->function, frame->module);
	if (r < 0)
		return r;
	r = paths_search(paths, paths->order->filter, FRAME_MATCHES, facts);
	if (r < 0)
		return r;
	return paths_search(paths, paths->order->focus, FRAME_HAS_FOCUS, facts);
}

/* Finds the facts of a frame's function. The name is searched once, however many frames the
 * function has. */
static int paths_read_function(struct export_paths *paths, int64_t id, const struct frame *frame,
			       uint8_t *ret)
{
	uint8_t facts = FRAME_IS_KNOWN;
	int r;

	if (id < 0 || id >= IDS_MAX)
		return -EOVERFLOW;
	r = array_reserve(paths->functions, paths->functions_size, (size_t)id + 1);
	if (r < 0)
		return r;
	if (!paths->functions[id]) {
		r = paths_search_function(paths, frame, &facts);
		if (r < 0)
			return r;
		paths->functions[id] = facts;
	}
	*ret = paths->functions[id];
	return 0;
}

struct frame_reading {
	struct export_paths *paths;
	struct frame_facts facts;
};

static int on_frame(void *userdata, int64_t function, const struct frame *frame)
{
	struct frame_reading *reading = userdata;
	struct pruning_frame pruned = {frame->kind,
				       stop_of_mark(frame->kind, frame->function, frame->module)};

	reading->facts.kind = (uint8_t)pruned.kind;
	reading->facts.mark = (uint8_t)pruned.mark;
	/* A name that is left out is not searched: an error of the search would disclose it. */
	if (!pruning_may_keep(&reading->paths->order->query, &pruned))
		return 0;
	return paths_read_function(reading->paths, function, frame, &reading->facts.facts);
}

/* Finds the facts of a frame; one that is missing in a damaged store is native and "[unknown]". */
static int paths_get_facts(struct export_paths *paths, uint32_t frame, struct frame_facts *ret)
{
	struct frame_reading reading = {.paths = paths};
	int r = array_reserve(paths->facts, paths->facts_size, (size_t)frame + 1);

	if (r < 0)
		return r;
	if (!paths->facts[frame].facts) {
		r = store_read_frame(paths->store, frame, on_frame, &reading);
		if (r < 0)
			return r;
		reading.facts.facts |= FRAME_IS_KNOWN;
		paths->facts[frame] = reading.facts;
	}
	*ret = paths->facts[frame];
	return 0;
}

/* ---- nodes ---- */

struct node_block {
	struct export_paths *paths;
	int64_t below;
};

/* Keeps a node. A parent has a smaller id than its child unless the store is damaged: such a child
 * becomes a root. */
static int on_node(void *userdata, int64_t id, int64_t parent, int64_t frame)
{
	struct node_block *block = userdata;

	if (id >= block->below)
		return BLOCK_IS_OVER;
	if (frame < 0 || frame >= IDS_MAX)
		return -EOVERFLOW;
	block->paths->parents[id] = parent > 0 && parent < id ? (uint32_t)parent : 0;
	block->paths->frames[id] = (uint32_t)frame;
	return 0;
}

static int paths_read_block(struct export_paths *paths, uint32_t node)
{
	int64_t first = node / BLOCK * BLOCK, below = first + BLOCK;
	struct node_block block = {paths,
				   below <= paths->count ? below : (int64_t)paths->count + 1};
	int r;

	if (paths->is_read[node / BLOCK])
		return 0;
	r = store_foreach_node(paths->store, first ? first : 1, on_node, &block);
	if (r < 0 && r != BLOCK_IS_OVER)
		return r;
	paths->is_read[node / BLOCK] = true;
	return 0;
}

/* Returns the node, or 0 if the store has no such node. Its block was read. */
static uint32_t real(const struct export_paths *paths, uint32_t node)
{
	return paths->frames[node] ? node : 0;
}

static uint32_t paths_left(const struct export_paths *paths, uint32_t node)
{
	return paths->prunes ? paths->left[node] : node;
}

static uint8_t follow_end(const struct export_paths *paths, uint32_t parent,
			  const struct frame_facts *facts)
{
	return stop_follow(paths->states[parent] & STATE_END, !parent, facts->kind, facts->mark);
}

/* Judges a node with these facts. Its parent was followed, so that the parent's facts are known. */
static enum pruning_fate judge_node(const struct export_paths *paths, uint32_t parent,
				    const struct frame_facts *facts)
{
	struct frame_facts above = parent ? paths->facts[paths->frames[parent]] : *facts;
	struct pruning_frame frame = {facts->kind, facts->mark}, caller = {above.kind, above.mark};

	assert(above.facts & FRAME_IS_KNOWN);
	return pruning_judge(&paths->order->query, &frame, parent ? &caller : NULL);
}

/* Finds the state of a node, and what is left of its stack, from those of its parent. */
static int follow_node(struct export_paths *paths, uint32_t node)
{
	uint32_t parent = real(paths, paths->parents[node]), left = node;
	uint8_t inherited = STATE_MATCHES, state = STATE_KNOWN;
	enum pruning_fate fate;
	struct frame_facts facts;
	int r;

	assert(parent < node && (!parent || paths->states[parent] & STATE_KNOWN));
	r = paths_get_facts(paths, paths->frames[node], &facts);
	if (r < 0)
		return r;
	state |= follow_end(paths, parent, &facts);
	fate = judge_node(paths, parent, &facts);
	if (fate == PRUNING_DROP_WITH_CALLER)
		parent = real(paths, paths->parents[parent]);
	if (fate == PRUNING_DROP || fate == PRUNING_DROP_WITH_CALLER) {
		assert(paths->prunes);
		inherited |= STATE_MARK;
		left = paths->left[parent];
	} else {
		state |= fate == PRUNING_KEEP_BEFORE_OTHERS ? STATE_MARK : 0;
		state |= facts.facts & FRAME_MATCHES ? STATE_MATCHES : 0;
	}
	if (paths->prunes)
		paths->left[node] = left;
	paths->states[node] = state | (paths->states[parent] & inherited);
	return 0;
}

/* Reads and follows the nodes from the root to this one, as far as they are not known. */
static int paths_follow(struct export_paths *paths, uint32_t node)
{
	size_t n = 0;
	int r;

	for (uint32_t at = node; at && !(paths->states[at] & STATE_KNOWN);
	     at = paths->parents[at]) {
		r = paths_read_block(paths, at);
		if (r < 0)
			return r;
		if (!real(paths, at))
			break;
		r = array_reserve(paths->way, paths->way_size, n + 1);
		if (r < 0)
			return r;
		paths->way[n++] = at;
	}
	while (n > 0) {
		r = follow_node(paths, paths->way[--n]);
		if (r < 0)
			return r;
	}
	return 0;
}

int export_paths_find(struct export_paths *paths, int64_t id, struct export_path *ret)
{
	uint32_t node = id > 0 && id <= paths->count ? (uint32_t)id : 0;
	bool is_mark;
	int r = paths_follow(paths, node);

	if (r < 0)
		return r;
	node = node ? real(paths, node) : 0;
	is_mark = paths->states[node] & STATE_MARK;
	*ret = (struct export_path){
		.left = is_mark ? 0 : paths_left(paths, node),
		.end = node ? stop_of_leaf(paths->states[node] & STATE_END) : STOP_NONE,
		.matches = !is_mark && paths->states[node] & STATE_MATCHES,
	};
	return 0;
}

uint32_t export_paths_count(const struct export_paths *paths)
{
	return paths->count;
}

uint32_t export_paths_caller(const struct export_paths *paths, uint32_t node)
{
	uint32_t parent = real(paths, paths->parents[node]);

	assert(paths->states[node] & STATE_KNOWN);
	return parent ? paths_left(paths, parent) : 0;
}

uint32_t export_paths_frame(const struct export_paths *paths, uint32_t node)
{
	assert(node <= paths->count);
	return paths->frames[node];
}

bool export_paths_has_focus(const struct export_paths *paths, uint32_t frame)
{
	assert(frame < paths->facts_size && paths->facts[frame].facts);
	return paths->facts[frame].facts & FRAME_HAS_FOCUS;
}
