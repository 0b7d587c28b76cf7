/* SPDX-License-Identifier: MIT */
/*
 * Names for what had none. Frames of the history that are only an address in a file ("+0x1234") are
 * looked up once more, in the file where it lies now and in the debug file of its build-id, both as
 * PID 1 sees them. A file that has another build-id by now is passed over.
 *
 * A stored stack cannot grow: of functions that were inlined into one another the outermost gives
 * its name, which is the one that a symbol table would give.
 *
 * Done in steps of some milliseconds, so that an event loop can do other things in between, each of
 * them at most one transaction of RESYMBOLIZE_CHUNK frames. What was named before a failure stays.
 */
#pragma once

#include <stdint.h>

#include "daemon/objfile/inspect.h"
#include "daemon/objfile/symbolizer.h"
#include "db/store.h"

#define RESYMBOLIZE_CHUNK         1024    /* addresses of one request, frames of one transaction */
#define RESYMBOLIZE_ADDRESSES_MAX 2000000 /* of one run, 32 MB; the next run finds the rest */

struct resymbolize;

/* What it asks the symbolizer with: the functions of symbolizer.h, other ones in tests. */
struct resymbolize_ops {
	int (*ask_names)(struct symbolizer *symbolizer, const struct symbolizer_files *files,
			 const uint64_t *addresses, size_t n, symbolizer_fn fn, void *userdata);
	size_t (*get_names)(const struct symbolizer_reply *reply, size_t i, uint64_t *ret_vaddr,
			    struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX]);
};

/* An answer of the symbolizer has come: resymbolize_step() has something to do again. */
typedef void (*resymbolize_wake_t)(void *userdata);

/* Borrows all but the userdata. 0 or -ENOMEM. */
int resymbolize_new(struct store *store, struct symbolizer *symbolizer, struct inspector *inspector,
		    const struct resymbolize_ops *ops, const char *proc, resymbolize_wake_t wake,
		    void *userdata, struct resymbolize **ret);
/* Also while a request is open: what comes for it is thrown away. */
struct resymbolize *resymbolize_free(struct resymbolize *resymbolize);

#define RESYMBOLIZE_DONE    0
#define RESYMBOLIZE_MORE    1 /* call it again soon */
#define RESYMBOLIZE_WAITING 2 /* call it again after the wake */
/* Not while a transaction of the store is open. One of these, or the store's error, or -ECANCELED:
 * the symbolizer was freed. */
int resymbolize_step(struct resymbolize *resymbolize);

/* One file, by its path and build-id; texts are borrowed. */
struct resymbolize_file {
	const char *path;
	const char *build_id;
	uint64_t named, unnamed;
	/* 0: was read; -ENOENT: neither it nor its debug file is here; else as symbolizer_fn's. */
	int error;
};
uint32_t resymbolize_count_files(const struct resymbolize *resymbolize);
void resymbolize_get_file(const struct resymbolize *resymbolize, uint32_t n,
			  struct resymbolize_file *ret);
