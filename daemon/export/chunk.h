/* SPDX-License-Identifier: MIT */
/*
 * The part of a stream that is being filled. When it is full it is sent, so that a part takes some
 * 64 KB; what is sent first may be referred to by what comes later in the same part or another.
 */
#pragma once

#include <stdint.h>

#include "daemon/base/export.pb-c.h"
#include "daemon/export/pipe.h"

struct export_chunk;

int export_chunk_new(const struct export_pipe *pipe, struct export_chunk **ret); /* 0, -ENOMEM */
struct export_chunk *export_chunk_free(struct export_chunk *part);

/* 0, or the error of sending: export_pipe_write(), -ENOMEM, -EMSGSIZE: a text is too long. Texts
 * are borrowed until the part is freed. */
int export_chunk_add_text(struct export_chunk *part, const char *text);
int export_chunk_add_frame(struct export_chunk *part, const Oxprof__Frame *frame);
int export_chunk_add_task(struct export_chunk *part, const Oxprof__Task *task);
int export_chunk_add_slot(struct export_chunk *part, const Oxprof__Slot *slot);
int export_chunk_add_node(struct export_chunk *part, uint32_t parent, uint32_t frame);
int export_chunk_add_hit(struct export_chunk *part, uint32_t node, uint32_t task, uint32_t slot,
			 uint64_t n);
/* Of the work, from now on; never less than before. */
void export_chunk_set_permille(struct export_chunk *part, uint32_t permille);

/* What there is, be it the progress alone. */
int export_chunk_send(struct export_chunk *part);
int export_chunk_send_summary(struct export_chunk *part, Oxprof__Summary *summary);
/* What there is, and the end of the stream. */
int export_chunk_send_end(struct export_chunk *part, Oxprof__End *end);
/* Forgets what was not sent: the stream goes on without it. */
void export_chunk_drop(struct export_chunk *part);
