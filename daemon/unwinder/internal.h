/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder alone. */
#pragma once

#include "daemon/base/table.h"
#include "daemon/sampler/blocks.h"
#include "daemon/unwinder/unwinder.h"

/* ---- pack.c ---- */

struct pack {
	uint32_t first_page, n_pages;
	uint32_t *counts; /* number of rows of each page */
	uint32_t *rows;   /* rows, page after page */
	size_t n_rows;
};

/* Lays a table out as the kernel side reads it, except that it has no indexes in the blocks yet.
 * numbers: the number of each of the table's rules among all rules. Returns 0, -ENOMEM or
 * -E2BIG. */
int pack_make(struct pack *pack, const struct symbolizer_table *table, const uint16_t *numbers);
void pack_done(struct pack *pack);

/* ---- tables.c ---- */

/* A table in the blocks. */
struct unwind_table {
	struct pack pack; /* without its rows, which are in the blocks */
	uint32_t pages;   /* index of its directory in the blocks */
	uint64_t used_ns;
	struct unwind_table *next;
};

enum table_state {
	TABLE_UNASKED = 0,
	TABLE_WAITING,
	TABLE_READY,
	TABLE_NONE,    /* the file has no table: frame pointers are followed */
	TABLE_FAILED,  /* its table cannot be read */
	TABLE_REFUSED, /* there was no room or no symbolizer; to be retried */
};

struct unwind_file {
	enum table_state state;
	struct unwind_table *table;
};

/* The vdso is no file, but has a number too. */
#define VDSO_NUMBER 0
#define NO_NUMBER   UINT32_MAX

/* One process that is sampled. */
struct unwound {
	uint32_t pid;
	uint32_t image;
	uint32_t generation;
	uint32_t ranges; /* index in the blocks; 0 if there are none */
	uint32_t n_ranges;
	uint32_t *files; /* number of the file of each range; NO_NUMBER if it has none */
	uint64_t used_ns;
	uint32_t marked_epoch;
	bool asks_again;      /* when it is sampled, one of its tables has to be requested again */
	bool is_held;         /* its events are suppressed until the next update */
	struct unwound *next; /* the next one in the bucket */
};

#define UNWOUND_BUCKETS 1024

struct unwinder {
	struct files *files;
	struct interpreters *interpreters;
	struct symbolizer *symbolizer;
	struct sampler *sampler;
	unwinder_warn_fn warn;
	void *userdata;

	struct unwind_file *states; /* by the number of the file */
	size_t states_size;
	struct unwind_table *tables;
	struct table *rules; /* struct ox_rule -> its number */
	uint64_t now_ns;     /* the newest time passed to unwinder_touch() */
	uint64_t retry_ns;   /* when refused tables were last requested again */
	uint32_t epoch;
	uint32_t life; /* a reply to a request of an earlier life is dropped */
	uint32_t n_evicted;

	struct unwound *unwound[UNWOUND_BUCKETS];
};

/* ---- processes.c ---- */

/* Returns the slot of a process: where it is, or, if *slot is NULL, where it would be. */
struct unwound **unwound_slot(const struct unwinder *unwinder, uint32_t pid);
/* Returns a process, and adds it if it is not there; NULL if there is no memory. */
struct unwound *unwound_get(struct unwinder *unwinder, uint32_t pid);
/* Frees the process in the slot; the kernel side still has it. */
void unwound_remove(struct unwound **slot);
/* Frees all processes; the kernel side still has them. */
void unwinder_forget_processes(struct unwinder *unwinder);
/* Sets what a range of that file says of its table; NULL if it has no file. */
void range_set_table(struct ox_range *range, const struct unwind_file *file);
/* Sets the table of all ranges of the file, in all processes. */
void unwinder_set_ranges(struct unwinder *unwinder, uint32_t number);
/* Marks all processes that have the file mapped: they request its table again. */
void unwinder_ask_again(struct unwinder *unwinder, uint32_t number);
/* Returns when a process that has the file mapped was last sampled; 0 if there is no such
 * process. */
uint64_t unwinder_file_used_ns(const struct unwinder *unwinder, uint32_t number);

/* ---- tables.c ---- */

/* Returns the state of the table of a mapped file, and requests the table if that was not done yet;
 * NULL if there is no such file, or no memory, and *ret_number is NO_NUMBER. */
struct unwind_file *unwinder_get_file(struct unwinder *unwinder, const struct image *image,
				      const struct mapping *mapping, uint32_t *ret_number);
/* Allocates words of the blocks, and drops tables that are not in use if there is no room. Returns
 * 0, -ENOSPC or -ENOMEM. */
int unwinder_alloc(struct unwinder *unwinder, uint32_t n_words, uint32_t *ret_index);
void unwinder_drop_tables(struct unwinder *unwinder, bool in_kernel);
