/* SPDX-License-Identifier: MIT */
#include "daemon/query/nodes.h"

#include <errno.h>

/* Returned by on_node(); no error of the store has this number. */
#define BLOCK_IS_OVER (-ERANGE)

struct reading {
	struct nodes_node *block;
	int64_t first;
};

void nodes_init(struct nodes *nodes, struct store *store)
{
	*nodes = (struct nodes){.store = store, .blocks = BY_ID_OF(struct nodes_node)};
}

void nodes_done(struct nodes *nodes)
{
	by_id_done(&nodes->blocks);
}

/* Keeps a node. A parent has a smaller id than its child unless the store is damaged: such a child
 * becomes a root. */
static int on_node(void *userdata, int64_t id, int64_t parent, int64_t frame)
{
	struct reading *reading = userdata;

	if (id >= reading->first + BY_ID_BLOCK)
		return BLOCK_IS_OVER;
	reading->block[id - reading->first] = (struct nodes_node){
		.parent = parent > 0 && parent < id ? (uint32_t)parent : 0,
		.frame = frame > 0 && frame < BY_ID_MAX ? (uint32_t)frame : 0,
		.is_there = true,
	};
	return 0;
}

static int read_block(struct nodes *nodes, int64_t id, struct nodes_node *node)
{
	struct reading reading = {node - id % BY_ID_BLOCK, id - id % BY_ID_BLOCK};
	int r = store_foreach_node(nodes->store, reading.first, on_node, &reading);

	return r == BLOCK_IS_OVER ? 0 : r;
}

int nodes_find(struct nodes *nodes, int64_t id, struct nodes_node **ret)
{
	void *node;
	int r;

	if (id <= 0)
		return 0;
	r = by_id_find(&nodes->blocks, id, &node);
	if (r > 0)
		r = read_block(nodes, id, node);
	if (r < 0)
		return r;
	*ret = node;
	return (*ret)->is_there;
}
