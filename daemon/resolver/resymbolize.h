/* SPDX-License-Identifier: MIT */
/*
 * Names frames of the history that are only an address in a file ("+0x1234"). Each is looked up
 * once more, in the file at its present path and in the debug file of its build-id, both as PID 1
 * sees them. A file that has another build-id by now is passed over.
 *
 * A stored stack cannot grow: where functions were inlined into one another, the frame gets the
 * name of the outermost one, as a symbol table would give it.
 *
 * The work is done in steps of some milliseconds, so that an event loop can do other things in
 * between. A step is at most one transaction of RESYMBOLIZE_CHUNK frames. Names that were written
 * before a failure stay.
 */
#pragma once

#include <stdint.h>

#include "daemon/objfile/inspect.h"
#include "daemon/objfile/symbolizer.h"
#include "db/store.h"

#define RESYMBOLIZE_CHUNK         1024    /* addresses of one request, frames of one transaction */
#define RESYMBOLIZE_ADDRESSES_MAX 2000000 /* of one run, 32 MB; the next run finds the rest */

struct resymbolize;

/* The functions that ask the symbolizer: those of symbolizer.h, or a test's own. */
struct resymbolize_ops {
	int (*ask_names)(struct symbolizer *symbolizer, const struct symbolizer_files *files,
			 const uint64_t *addresses, size_t n, symbolizer_fn fn, void *userdata);
	size_t (*get_names)(const struct symbolizer_reply *reply, size_t i, uint64_t *ret_vaddr,
			    struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX]);
};

/* Called when a reply of the symbolizer has come: resymbolize_step() has work again. */
typedef void (*resymbolize_wake_t)(void *userdata);

/* Borrows the store, the symbolizer, the inspector and ops; copies proc. Returns 0 or -ENOMEM. */
int resymbolize_new(struct store *store, struct symbolizer *symbolizer, struct inspector *inspector,
		    const struct resymbolize_ops *ops, const char *proc, resymbolize_wake_t wake,
		    void *userdata, struct resymbolize **ret);
/* Frees the object, also while a request is open: the reply is dropped. Returns NULL. */
struct resymbolize *resymbolize_free(struct resymbolize *resymbolize);

#define RESYMBOLIZE_DONE    0
#define RESYMBOLIZE_MORE    1 /* call it again soon */
#define RESYMBOLIZE_WAITING 2 /* call it again after the wake */
/* Does the next step; no transaction of the store may be open. Returns one of these, the store's
 * error, -ENOMEM, or -ECANCELED where the symbolizer was freed. */
int resymbolize_step(struct resymbolize *resymbolize);

/* One file, by its path and build-id; its texts are borrowed until resymbolize_free(). */
struct resymbolize_file {
	const char *path;
	const char *build_id;
	uint64_t named, unnamed;
	/* 0: the file was read; -ENOENT: neither the file nor its debug file is there; else as the
	 * error of symbolizer_fn. */
	int error;
};
uint32_t resymbolize_count_files(const struct resymbolize *resymbolize);
void resymbolize_get_file(const struct resymbolize *resymbolize, uint32_t n,
			  struct resymbolize_file *ret);
