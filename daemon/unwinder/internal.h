/* SPDX-License-Identifier: MIT */
/* What the files of the unwinder's room share; nobody else includes it. */
#pragma once

#include "daemon/base/table.h"
#include "daemon/sampler/blocks.h"
#include "daemon/unwinder/unwinder.h"

/* ---- unwinder_pack.c: a table as the kernel side reads it, but for where it lies ---- */

struct pack {
	uint32_t first_page, n_pages;
	uint32_t *counts; /* rows of each page */
	uint32_t *rows;   /* page after page */
	size_t n_rows;
};

/* numbers: of the table's rules among all rules. 0 or -ENOMEM, -E2BIG. */
int pack_make(struct pack *pack, const struct symbolizer_table *table, const uint16_t *numbers);
void pack_done(struct pack *pack);

/* ---- unwinder_tables.c ---- */

/* A table in the blocks. */
struct unwind_table {
	struct pack pack; /* without rows: they are in the blocks */
	uint32_t pages;   /* index of the directory there */
	uint64_t words;
	uint32_t refs; /* files that have it */
	uint64_t used_ns;
	struct unwind_table *next;
};

enum table_state {
	TABLE_UNASKED = 0,
	TABLE_WAITING,
	TABLE_READY,
	TABLE_NONE,    /* the file has none: frame pointers are all there is */
	TABLE_FAILED,  /* it has one that cannot be read */
	TABLE_REFUSED, /* not now: there is no room */
};

struct unwind_file {
	enum table_state state;
	struct unwind_table *table;
};

/* The vdso is no file; it has a number all the same. */
#define VDSO_NUMBER 0
#define NO_NUMBER   UINT32_MAX

/* One process that is sampled. */
struct unwound {
	uint32_t pid;
	uint32_t image;
	uint32_t generation;
	uint32_t ranges; /* index in the blocks; 0: none */
	uint32_t n_ranges;
	uint32_t *files; /* number of the file of each range; NO_NUMBER: none */
	uint64_t used_ns;
	uint32_t marked_epoch;
	bool asks_again;      /* a table of its has to be asked for once more, when it is sampled */
	bool is_held;         /* its events are off until the next update */
	struct unwound *next; /* in the bucket */
};

#define UNWOUND_BUCKETS 1024

struct unwinder {
	struct files *files;
	struct interpreters *interpreters;
	struct symbolizer *symbolizer;
	struct sampler *sampler;
	unwinder_warn_fn warn;
	void *userdata;

	struct unwind_file *states; /* by number of the file */
	size_t states_size;
	struct unwind_table *tables;
	struct table *rules; /* struct ox_rule -> its number */
	uint64_t now_ns;     /* the newest time that was told */
	uint64_t retry_ns;   /* when what was refused was last asked for again */
	uint32_t epoch;
	uint32_t life; /* of the sampler: an answer for an earlier one is of no use */
	uint32_t n_evicted;

	struct unwound *unwound[UNWOUND_BUCKETS];
};

/* ---- processes.c ---- */

/* Where the process is, or would be: NULL behind it. */
struct unwound **unwound_slot(const struct unwinder *unwinder, uint32_t pid);
/* Adds it where it is not there. NULL: no memory. */
struct unwound *unwound_get(struct unwinder *unwinder, uint32_t pid);
/* Frees the one in the slot; the kernel side is not told. */
void unwound_remove(struct unwound **slot);
void unwinder_forget_processes(struct unwinder *unwinder); /* likewise, all */
/* What a range of that file says of its table. */
void range_set_table(struct ox_range *range, const struct unwind_file *file);
/* All ranges of the file, of all processes. */
void unwinder_set_ranges(struct unwinder *unwinder, uint32_t number);
/* All processes that have the file mapped. */
void unwinder_ask_again(struct unwinder *unwinder, uint32_t number);
/* When a process that has it mapped was last sampled; 0: there is no such process. */
uint64_t unwinder_file_used_ns(const struct unwinder *unwinder, uint32_t number);

/* ---- tables.c ---- */

/* The state of a file's table; asks for it where nobody has. */
struct unwind_file *unwinder_get_file(struct unwinder *unwinder, const struct image *image,
				      const struct mapping *mapping, uint32_t *ret_number);
/* Room in the blocks; makes some where there is none. 0, -ENOSPC, -ENOMEM. */
int unwinder_take(struct unwinder *unwinder, uint32_t n_words, uint32_t *ret_index);
void unwinder_drop_tables(struct unwinder *unwinder, bool in_kernel);
