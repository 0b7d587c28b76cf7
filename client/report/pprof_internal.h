/* SPDX-License-Identifier: MIT */
/* A file of pprof while it is written, for its own files. */
#pragma once

#include "client/profile/stack.h"
#include "client/report/gzip.h"
#include "client/report/internal.h"
#include "client/report/pprof.pb-c.h"
#include "daemon/base/table.h"

/* Numbers of locations and functions. */
#define PPROF_NO_STACK UINT64_C(1)
#define PPROF_FIRST    UINT64_C(2) /* of all others */

struct pprof_mapping_key {
	int64_t file;
	int64_t build_id;
};

/* What only all of its frames tell. */
struct pprof_mapping {
	uint64_t highest; /* address */
	int64_t path;     /* text; 0: unknown */
};

struct pprof {
	struct report *report;
	struct gzip *gzip;
	struct table *texts;    /* number 0 is "" */
	struct table *mappings; /* struct pprof_mapping_key; the number in the file is one more */
	struct pprof_mapping *extents;
	size_t extent_room;
	uint32_t n_frames; /* that are written, with the unknown one */
	uint32_t n_names;
	struct stack stack;
	uint64_t *locations; /* of the sample */
	size_t location_room;
	uint8_t *bytes; /* packed */
	size_t byte_room;
	uint64_t interval_ns;
	int error; /* the first one: the rest is not written any more */
};

/* What goes wrong in these stays in pprof->error. */

/* Behind the others, as one Profile does behind another. */
void pprof_write_piece(struct pprof *pprof, const Perftools__Profile *piece);
/* The number of a text, which is written when it is new. */
int64_t pprof_find_text(struct pprof *pprof, const char *text);
/* Functions and locations that have come since the last time. */
void pprof_write_dictionary(struct pprof *pprof, const struct profile *profile);
/* At the end, when all that is in them has been seen. */
void pprof_write_mappings(struct pprof *pprof);
