/* SPDX-License-Identifier: MIT */
/*
 * Turns addresses into named frames. Frames are interned: equal frames have the same index. An
 * address of a file is asked for once, however many processes have that file mapped. One address
 * can stand for several frames: functions that were inlined into one another.
 *
 * A drain announces all addresses first (resolver_want), then the symbolizer is asked for all of
 * them together (resolver_ask), then they are named. An address whose reply has not come by then
 * is named by its number; a reply that comes later is used from the next drain on.
 *
 * The names of a file are kept together with the debug files they were read from: debug files that
 * a container brings name nothing outside of the container. Code made at run time is named by the
 * perf map or jitdump of its process; the file must belong to the process's user or to root.
 *
 * Which cache an exec, a dlopen, a reused pid or a clear empties is listed in internal.h.
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

/* The names that one process writes are read at most once in this time. */
#define RESOLVER_JIT_NS UINT64_C(1000000000)

/* Receives one line about a file whose names cannot be read; called once for each such file. */
typedef void (*resolver_fn)(void *userdata, const char *text);
/* Borrows files, inspector and symbolizer. The caller clears the resolver whenever it clears the
 * files. fn may be NULL. Returns NULL where memory ran out. */
struct resolver *resolver_new(const char *proc, struct files *files, struct inspector *inspector,
			      struct symbolizer *symbolizer, resolver_fn fn, void *userdata);
/* Frees the resolver. The symbolizer may still have its requests open: their replies are dropped.
 * Returns NULL. */
struct resolver *resolver_free(struct resolver *resolver);

/* Announces that the address will have to be named, as it was mapped at at_ns. image is NULL where
 * nothing is known of the process. Returns 0 or -ENOMEM. */
int resolver_want(struct resolver *resolver, const struct image *image, uint64_t address,
		  uint64_t at_ns);
/* Sends the symbolizer all addresses that were announced and waits up to wait_usec for replies. */
void resolver_ask(struct resolver *resolver, uint64_t wait_usec);

/* Writes the indexes (from 0) of the *ret_n frames that the address stands for, outermost first.
 * Returns 0 or -ENOMEM. */
int resolver_name_user(struct resolver *resolver, const struct image *image, uint64_t address,
		       uint64_t at_ns, uint32_t ret_frames[static RESOLVER_INLINES_MAX],
		       uint32_t *ret_n);
/* Finds the frame of a kernel address. ksyms is NULL where the kernel's names could not be read.
 * Returns 0 or -ENOMEM. */
int resolver_name_kernel(struct resolver *resolver, const struct ksyms *ksyms, uint64_t address,
			 uint32_t *ret_frame);
/* Forgets the names of kernel addresses: the ksyms are others from now on. */
void resolver_forget_kernel(struct resolver *resolver);
/* Adds one part of a Python code object as the kernel side sends it (bpf/python.h). Returns 0,
 * -EBADMSG or -ENOMEM as definitions_add() does. */
int resolver_add_part(struct resolver *resolver, const struct ox_fragment *part, size_t size);
/* Finds the frame that a word of a Python stack stands for. Returns 0, 1 where its name is not
 * known (*ret_frame is "[unknown]" then), or -ENOMEM. */
int resolver_name_python(struct resolver *resolver, uint64_t word, uint32_t *ret_frame);
/* Frees the code objects that were forgotten: no sample from before the last clear is left. */
void resolver_expire(struct resolver *resolver);
/* Forgets all Python code objects at once: the numbers of a new kernel side mean other ones. */
void resolver_forget_python(struct resolver *resolver);
/* Finds the frame that stands for missing callers: "[cut]", "[no-table]" ... Returns 0 or
 * -ENOMEM. */
int resolver_name_end(struct resolver *resolver, enum ox_stop end, uint32_t *ret_frame);
/* Finds the frame that stands for stacks that are not kept one by one: "[other]". Returns 0 or
 * -ENOMEM. */
int resolver_name_other(struct resolver *resolver, uint32_t *ret_frame);
/* Fills *ret for the index of a frame; its texts are borrowed until the next clear. */
void resolver_get_frame(const struct resolver *resolver, uint32_t frame, struct frame *ret);
/* Returns the number of frames: their indexes are below it. */
uint32_t resolver_count(const struct resolver *resolver);
/* Returns the bytes held. The caller bounds them by resolver_clear(). */
size_t resolver_bytes(const struct resolver *resolver);
/* Forgets all names and all frames. Python code objects stay until resolver_expire(), for samples
 * on their way; the kernel side has to send them again. */
void resolver_clear(struct resolver *resolver);
