/* SPDX-License-Identifier: MIT */
/*
 * The part of a stream that is being filled. A full part is sent, so that a part takes some 64 KB.
 * An item may refer to items that were added before it, in the same part or an earlier one.
 */
#pragma once

#include <stdint.h>

#include "daemon/base/export.pb-c.h"
#include "daemon/export/pipe.h"

struct export_chunk;

/* Borrows the pipe. Returns 0 or -ENOMEM. */
int export_chunk_new(const struct export_pipe *pipe, struct export_chunk **ret);
struct export_chunk *export_chunk_free(struct export_chunk *part);

/* Adds an item, after the part was sent if it was full. Texts are borrowed until the part is freed.
 * Returns 0, -ENOMEM, -EMSGSIZE if a text is too long, or an error of export_pipe_write(); so do
 * the functions below that send. */
int export_chunk_add_text(struct export_chunk *part, const char *text);
int export_chunk_add_frame(struct export_chunk *part, const Oxprof__Frame *frame);
int export_chunk_add_task(struct export_chunk *part, const Oxprof__Task *task);
int export_chunk_add_slot(struct export_chunk *part, const Oxprof__Slot *slot);
int export_chunk_add_node(struct export_chunk *part, uint32_t parent, uint32_t frame);
int export_chunk_add_hit(struct export_chunk *part, uint32_t node, uint32_t task, uint32_t slot,
			 uint64_t n);
/* Sets the progress of the whole export, at most 1000. A smaller value than before is ignored. */
void export_chunk_set_permille(struct export_chunk *part, uint32_t permille);

/* Sends the part as it is, be it with the progress alone. */
int export_chunk_send(struct export_chunk *part);
int export_chunk_send_summary(struct export_chunk *part, Oxprof__Summary *summary);
/* Sends the part as it is, with the end of the stream. */
int export_chunk_send_end(struct export_chunk *part, Oxprof__End *end);
/* Drops the items that were not sent; the stream goes on without them. */
void export_chunk_drop(struct export_chunk *part);
