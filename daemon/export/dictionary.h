/* SPDX-License-Identifier: MIT */
/*
 * The dictionary of a stream: the numbers of the texts, frames, tasks, slots and nodes that were
 * sent so far. Each is sent just before the first hit that needs it, so that the stream discloses
 * nothing that no hit refers to.
 */
#pragma once

#include "daemon/export/chunk.h"
#include "daemon/export/hits.h"
#include "daemon/export/paths.h"
#include "daemon/export/slots.h"

struct export_dictionary;

/* Borrows all arguments. Returns 0 or -ENOMEM. */
int export_dictionary_new(struct store *store, const struct export_paths *paths,
			  const struct export_slots *slots, struct export_chunk *part,
			  struct export_dictionary **ret);
struct export_dictionary *export_dictionary_free(struct export_dictionary *dictionary);

/* Sends a hit, and before it the items that it refers to. Its node is one that pruning kept
 * (paths.h). Returns 0, or the error of the store or of sending. */
int export_dictionary_emit(struct export_dictionary *dictionary, const struct export_hit *hit);
