/* SPDX-License-Identifier: MIT */
/* The nodes of the store as they are in it, read by blocks when one of them is asked for:
 * neighbours mostly lie on one page, and many of them are ancestors of each other. */
#pragma once

#include "daemon/query/by_id.h"
#include "db/store.h"

struct nodes {
	struct store *store;
	struct by_id blocks; /* struct nodes_node */
};

struct nodes_node {
	uint32_t parent;     /* id; 0: it is a root */
	uint32_t frame : 31; /* id; 0: none that the store can have */
	bool is_there : 1;
	uint32_t index; /* the caller's own; 0 at first */
};

/* Borrows the store. */
void nodes_init(struct nodes *nodes, struct store *store);
void nodes_done(struct nodes *nodes);
/* Finds a node. It stays where it is. Returns 1, 0 where the store has no such node, or the store's
 * error. */
int nodes_find(struct nodes *nodes, int64_t id, struct nodes_node **ret);
