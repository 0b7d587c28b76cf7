/* SPDX-License-Identifier: MIT */
/*
 * Addresses to named frames; frames are interned, equal ones have the same index. An address of a
 * file is asked for once, whoever has that file mapped. One address can stand for several frames:
 * functions that were inlined into one another.
 *
 * A drain tells all addresses first (resolver_want), then the symbolizer is asked for all of them
 * together (resolver_ask), then they are named. What has no answer by then is named by its address;
 * an answer that comes later is there for the next time.
 *
 * What is remembered of a file is remembered with the debug files it was read with: those that a
 * container brings name nothing outside of it. Code made at run time is named by the perf map or
 * jitdump of its process, one that belongs to the process's user or to root.
 */
#pragma once

#include <stdint.h>

#include "daemon/base/frame.h"
#include "daemon/objfile/files.h"
#include "daemon/objfile/symbolizer.h"
#include "daemon/process/images.h"
#include "daemon/resolver/ksyms.h"

struct resolver;

#define RESOLVER_INLINES_MAX SYMBOLIZER_INLINES_MAX

/* How often the names that one process writes are read anew, at most. */
#define RESOLVER_JIT_NS UINT64_C(1000000000)

/* Called with one line about a file whose names cannot be read, once for each: it is damaged, or
 * too large. */
typedef void (*resolver_fn)(void *userdata, const char *text);
/* files, inspector and symbolizer are borrowed; when the files are cleared, so has this to be. fn
 * may be NULL. NULL: no memory. */
struct resolver *resolver_new(const char *proc, struct files *files, struct inspector *inspector,
			      struct symbolizer *symbolizer, resolver_fn fn, void *userdata);
/* The symbolizer may still have requests of it open. */
struct resolver *resolver_free(struct resolver *resolver);

/* 0 or -ENOMEM. image NULL: nothing is known of the process. */
int resolver_want(struct resolver *resolver, const struct image *image, uint64_t address,
		  uint64_t at_ns);
void resolver_ask(struct resolver *resolver, uint64_t wait_usec);

/* Indexes count from 0; outermost first, *ret_n of them. 0 or -ENOMEM. */
int resolver_name_user(struct resolver *resolver, const struct image *image, uint64_t address,
		       uint64_t at_ns, uint32_t ret_frames[static RESOLVER_INLINES_MAX],
		       uint32_t *ret_n);
/* ksyms NULL: the kernel's names could not be read. */
int resolver_name_kernel(struct resolver *resolver, const struct ksyms *ksyms, uint64_t address,
			 uint32_t *ret_frame);
/* Other kernel symbols from now on. */
void resolver_forget_kernel(struct resolver *resolver);
/* Python code objects, as the kernel side sends them (bpf/python.h). 0, -EBADMSG, -ENOMEM. */
int resolver_add_part(struct resolver *resolver, const struct ox_fragment *part, size_t size);
/* A word of a Python stack that stands for a frame. 0; 1: its name is not known; -ENOMEM. */
int resolver_name_python(struct resolver *resolver, uint64_t word, uint32_t *ret_frame);
/* No sample is left that is older than the last clear. */
void resolver_expire(struct resolver *resolver);
/* Another kernel side: its numbers mean other code objects. */
void resolver_forget_python(struct resolver *resolver);
/* The frame that stands for callers that are not there: "[cut]", "[no-table]" ... 0 or -ENOMEM. */
int resolver_name_end(struct resolver *resolver, enum ox_stop end, uint32_t *ret_frame);
/* Borrowed until the next clear. */
void resolver_get_frame(const struct resolver *resolver, uint32_t frame, struct frame *ret);
uint32_t resolver_count(const struct resolver *resolver);
/* Memory is bounded by the caller: forget all when this grows too large. Python code objects stay
 * until they expire; the kernel side has to send them anew. */
size_t resolver_bytes(const struct resolver *resolver);
void resolver_clear(struct resolver *resolver);
