/* SPDX-License-Identifier: MIT */
/*
 * What a stream has told of so far, and by which numbers: texts, frames, tasks, slots and nodes,
 * each when a hit needs it and no earlier, so that nothing is told that the hits do not tell.
 */
#pragma once

#include "daemon/export/chunk.h"
#include "daemon/export/hits.h"
#include "daemon/export/paths.h"
#include "daemon/export/slots.h"

struct export_dictionary;

/* Borrows all. 0, -ENOMEM. */
int export_dictionary_new(struct store *store, const struct export_paths *paths,
			  const struct export_slots *slots, struct export_chunk *part,
			  struct export_dictionary **ret);
struct export_dictionary *export_dictionary_free(struct export_dictionary *dictionary);

/* The hit, and before it what it refers to. Its node is one that is left (export_paths.h). 0, the
 * error of the store or of sending. */
int export_dictionary_emit(struct export_dictionary *dictionary, const struct export_hit *hit);
