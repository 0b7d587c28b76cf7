/* SPDX-License-Identifier: MIT */
/*
 * The stacks of the store as an export sees them, read as they are asked for: of each only its
 * caller and its frame are kept. Nodes and frames are known by their ids in the store.
 *
 * Frames that the query leaves out are taken from each stack, as pruning_judge() says; here
 * stacks that are equal then stay apart where others lay between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/export/internal.h"
#include "db/store.h"

struct export_paths;

struct export_path {
	uint32_t left; /* the node that the stack ends at when frames are left out; 0: nothing */
	unsigned end;  /* stop_of_leaf(), of all of it */
	bool matches;  /* a frame that is left has a name that the filter finds */
};

/* Borrows both. 0, the store's error, -EOVERFLOW: the store has more nodes than can be numbered. */
int export_paths_new(struct store *store, const struct export_order *order,
		     struct export_paths **ret);
struct export_paths *export_paths_free(struct export_paths *paths);

uint32_t export_paths_count(const struct export_paths *paths); /* the largest id of a node */
/* Of a node as of a sample, 0 among them. 0, the store's error, -ELOOP as of pattern_search(). */
int export_paths_find(struct export_paths *paths, int64_t node, struct export_path *ret);
/* Of a node that is left, when its stack was found: what stands before it, 0 nothing. */
uint32_t export_paths_caller(const struct export_paths *paths, uint32_t node);
uint32_t export_paths_frame(const struct export_paths *paths, uint32_t node);
/* Of the frame of such a node: its name matches the pattern `focus`. */
bool export_paths_has_focus(const struct export_paths *paths, uint32_t frame);
