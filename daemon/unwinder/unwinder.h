/* SPDX-License-Identifier: MIT */
/*
 * Keeps what the kernel side unwinds by: the tables of files, each made once and shared by all
 * processes that have the file mapped, and the ranges of each process that is sampled. Tables are
 * made by the symbolizer process while sampling goes on; until a table is there, frame pointers are
 * followed through its file, and the stack says so.
 *
 * Two files with the same contents (the same library in two containers) share one table: found by
 * comparing them, since a build-id is only a claim.
 *
 * Memory is bounded by the budget of the sampler's blocks. When it is used up, a table is dropped
 * if no process that has it mapped was sampled within UNWINDER_IDLE_NS; if there is no such table,
 * the new one is refused until there is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/objfile/files.h"
#include "daemon/objfile/interpreters.h"
#include "daemon/objfile/symbolizer.h"
#include "daemon/process/images.h"
#include "daemon/sampler/sampler.h"

#define UNWINDER_IDLE_NS UINT64_C(60000000000)

struct unwinder;

/* Takes the path of a file whose table cannot be made, once for each file, and why (negative
 * errno). */
typedef void (*unwinder_warn_fn)(void *userdata, const char *path, int error);

/* Borrows all arguments. Returns NULL if there is no memory. */
struct unwinder *unwinder_new(struct files *files, struct interpreters *interpreters,
			      struct symbolizer *symbolizer, unwinder_warn_fn warn, void *userdata);
/* Frees the unwinder. The symbolizer must be freed first: its open requests refer to the
 * unwinder. */
struct unwinder *unwinder_free(struct unwinder *unwinder);
/* Attaches another sampler, or none (NULL), and forgets all that was in the old one. */
void unwinder_attach(struct unwinder *unwinder, struct sampler *sampler);

/* Prepares a process that will be sampled: requests the tables of its files, and gives the kernel
 * side its ranges. */
void unwinder_expect(struct unwinder *unwinder, const struct image *image, uint64_t as_of_ns);
/* Marks the process: unwinder_update() returns 1 if it pages code in after this. To be called
 * before the time is taken that unwinder_update() gets. */
void unwinder_mark(struct unwinder *unwinder, uint32_t pid);
/* Gives the kernel side the ranges of the process and its Python interpreter, as of the time
 * as_of_ns. Returns 0; 1 if the process paged in code since the mark, which may have been mapped
 * after as_of_ns; -ENOENT if the kernel side does not know the process (any more); -ENOSPC, -ENOMEM
 * or -E2BIG if the process has no tables. */
int unwinder_update(struct unwinder *unwinder, const struct image *image, uint64_t as_of_ns);
/* True if the kernel side has the ranges of the image as it is now, and no table has to be
 * requested. */
bool unwinder_is_current(const struct unwinder *unwinder, const struct image *image);
/* Marks the process stale: it ran at an address in no known range. Its events are suppressed until
 * unwinder_update(), which is due. */
void unwinder_hold(struct unwinder *unwinder, uint32_t pid);
/* Remembers that the process was sampled at that time. */
void unwinder_touch(struct unwinder *unwinder, uint32_t pid, uint64_t at_ns);
/* Requests refused tables again, if the last time is long enough ago. To be called once a drain. */
void unwinder_retry(struct unwinder *unwinder);
/* Forgets a process that has ended. */
void unwinder_forget(struct unwinder *unwinder, uint32_t pid);
/* Forgets all processes; tables stay. */
void unwinder_forget_all(struct unwinder *unwinder);
/* Forgets all processes, tables and numbers of files. */
void unwinder_clear(struct unwinder *unwinder);
/* Calls fn for all sampled processes; fn may call unwinder_update() and unwinder_forget() for that
 * one. */
void unwinder_foreach(struct unwinder *unwinder, void (*fn)(void *userdata, uint32_t pid),
		      void *userdata);

struct unwinder_state {
	uint64_t bytes;        /* bytes held in the kernel */
	uint64_t budget_bytes; /* most bytes that may be held */
	uint32_t n_tables;
	uint32_t n_waiting; /* number of files whose tables are being made */
	uint32_t n_refused; /* number of files whose tables found no room, or cannot be read */
	uint32_t n_evicted; /* number of tables that were dropped for room, in all */
};
void unwinder_get_state(const struct unwinder *unwinder, struct unwinder_state *ret);
