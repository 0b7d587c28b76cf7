/* SPDX-License-Identifier: MIT */
/*
 * Keeps what the kernel side unwinds by: the tables of files, each made once and shared by all
 * processes that have the file mapped, and the ranges of each process that is sampled. Tables are
 * made by the symbolizer process while sampling goes on; until one is there, frame pointers are
 * followed through its file, and the stack says so.
 *
 * Two files with the same contents (the same library in two containers) share one table: found by
 * comparing them, since a build-id is only a claim.
 *
 * Memory is bounded by the budget of the sampler's blocks. Where it is used up, tables go that no
 * process has mapped which was sampled within UNWINDER_IDLE_NS; where there is none such, the new
 * one is refused until there is.
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

/* A file whose table cannot be made, and why (negative errno); told once. */
typedef void (*unwinder_warn_fn)(void *userdata, const char *path, int error);

/* Borrows all. NULL: no memory. */
struct unwinder *unwinder_new(struct files *files, struct interpreters *interpreters,
			      struct symbolizer *symbolizer, unwinder_warn_fn warn, void *userdata);
/* The symbolizer must be freed first: it still holds requests of ours. */
struct unwinder *unwinder_free(struct unwinder *unwinder);
/* Another kernel side, or none (NULL): all that was in the old one is forgotten. */
void unwinder_attach(struct unwinder *unwinder, struct sampler *sampler);

/* It will be sampled: the tables of what it has mapped are asked for, and it gets its ranges. */
void unwinder_expect(struct unwinder *unwinder, const struct image *image, uint64_t as_of_ns);
/* Remembers where the process is; call it before the time is taken that unwinder_update() gets. */
void unwinder_mark(struct unwinder *unwinder, uint32_t pid);
/* The kernel side gets the ranges of the process and its Python interpreter, which are those of the
 * time as_of_ns. 0; 1: done, but since the mark it paged code in: what that was may have been
 * mapped after as_of_ns. -ENOENT: the kernel side does not know it (any more); -ENOSPC, -ENOMEM,
 * -E2BIG: it goes without tables. */
int unwinder_update(struct unwinder *unwinder, const struct image *image, uint64_t as_of_ns);
/* Whether its ranges are those of the image as it is now, and nothing is to be asked for. */
bool unwinder_is_current(const struct unwinder *unwinder, const struct image *image);
/* It runs code that is nowhere: no news of that until the next update, and one is due. */
void unwinder_hold(struct unwinder *unwinder, uint32_t pid);
/* It was sampled at that time. */
void unwinder_touch(struct unwinder *unwinder, uint32_t pid, uint64_t at_ns);
/* What was refused is asked for again now and then; call it once a drain. */
void unwinder_retry(struct unwinder *unwinder);
/* It has ended. */
void unwinder_forget(struct unwinder *unwinder, uint32_t pid);
/* All processes; tables stay. */
void unwinder_forget_all(struct unwinder *unwinder);
/* Tables and numbers of files too. */
void unwinder_clear(struct unwinder *unwinder);
/* Of all sampled processes; fn may update, but not forget. */
void unwinder_foreach(struct unwinder *unwinder, void (*fn)(void *userdata, uint32_t pid),
		      void *userdata);

struct unwinder_state {
	uint64_t bytes;        /* held in the kernel */
	uint64_t budget_bytes; /* that may be held */
	uint32_t n_tables;
	uint32_t n_waiting; /* files whose tables are being made */
	uint32_t n_refused; /* files whose tables found no room, or cannot be read */
	uint32_t n_evicted; /* tables that had to go, in all */
};
void unwinder_get_state(const struct unwinder *unwinder, struct unwinder_state *ret);
