/* SPDX-License-Identifier: MIT */
/*
 * An array by ids of the store of which only what is used takes memory: it comes in blocks. A
 * question about a minute meets few of the ids of a history of weeks.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BY_ID_BLOCK 64 /* elements that come together */
#define BY_ID_MAX   (INT64_C(1) << 31)

struct by_id {
	void **blocks; /* NULL: not used */
	size_t size;
	size_t n_used;
	size_t element; /* in bytes */
};

#define BY_ID_OF(type) ((struct by_id){.element = sizeof(type)})

void by_id_done(struct by_id *array);
/* Finds the element of an id, with its whole block where that is not used yet, full of zeros. The
 * element stays where it is. Returns 1 where the block is new, 0 where it is not, -EOVERFLOW where
 * the id is below 0 or not below BY_ID_MAX, or -ENOMEM. */
int by_id_find(struct by_id *array, int64_t id, void **ret);
/* Returns the bytes held. */
size_t by_id_bytes(const struct by_id *array);
