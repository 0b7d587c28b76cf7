/* SPDX-License-Identifier: MIT */
/*
 * The stacks of the store as an export sees them, read when they are asked for. Nodes and frames
 * have the numbers of their ids in the store; only the caller and the frame of a node are kept.
 *
 * Frames that the query leaves out are taken from each stack, as pruning_judge() says. Unlike in
 * pruning.h, stacks that become equal by this may stay different nodes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/export/internal.h"
#include "db/store.h"

struct export_paths;

struct export_path {
	uint32_t left; /* the last node of the stack that pruning kept; 0: nothing is left */
	unsigned end;  /* stop_of_leaf() of the whole stack */
	bool matches;  /* the filter finds the name of a frame that is left */
};

/* Borrows both. Returns 0, the store's error, or -EOVERFLOW if the store has more nodes than can be
 * numbered. */
int export_paths_new(struct store *store, const struct export_order *order,
		     struct export_paths **ret);
struct export_paths *export_paths_free(struct export_paths *paths);

/* Returns the largest id of a node. */
uint32_t export_paths_count(const struct export_paths *paths);
/* Finds the path of the node of a sample, which may be 0. Returns 0, the store's error, or -ELOOP
 * of pattern_search(). */
int export_paths_find(struct export_paths *paths, int64_t node, struct export_path *ret);
/* Returns the caller of a node that pruning kept, 0 for a root. Valid for the nodes of a path that
 * export_paths_find() found, as are the functions below for their frames. */
uint32_t export_paths_caller(const struct export_paths *paths, uint32_t node);
uint32_t export_paths_frame(const struct export_paths *paths, uint32_t node);
/* True if the name of the frame matches the pattern `focus`. */
bool export_paths_has_focus(const struct export_paths *paths, uint32_t frame);
