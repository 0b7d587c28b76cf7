/* SPDX-License-Identifier: MIT */
/*
 * Addresses to named frames. Each new address of an image is looked up once; frames are interned,
 * equal ones have the same index.
 */
#pragma once

#include <stdint.h>

#include "daemon/frame.h"
#include "daemon/images.h"
#include "daemon/ksyms.h"

struct resolver;

struct resolver *resolver_new(const char *proc); /* NULL: no memory */
struct resolver *resolver_free(struct resolver *resolver);

/* Indexes count from 0. 0 or -ENOMEM. image NULL: nothing is known of the process. */
int resolver_name_user(struct resolver *resolver, const struct image *image, uint64_t address,
		       uint64_t at_ns, uint32_t *ret_frame);
/* ksyms NULL: the kernel's names could not be read. */
int resolver_name_kernel(struct resolver *resolver, const struct ksyms *ksyms, uint64_t address,
			 uint32_t *ret_frame);
/* Other kernel symbols from now on. */
void resolver_forget_kernel(struct resolver *resolver);
/* The frame "[cut]", which stands for callers that were not kept. */
int resolver_name_cut(struct resolver *resolver, uint32_t *ret_frame);
/* Borrowed until the next clear. */
void resolver_get_frame(const struct resolver *resolver, uint32_t frame, struct frame *ret);
uint32_t resolver_count(const struct resolver *resolver);
/* Memory is bounded by the caller: forget all when this grows too large. */
size_t resolver_bytes(const struct resolver *resolver);
void resolver_clear(struct resolver *resolver);
