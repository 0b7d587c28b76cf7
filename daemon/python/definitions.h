/* SPDX-License-Identifier: MIT */
/*
 * What the kernel side sent of code objects (bpf/python.h), put together, and kept as long as
 * samples may name it. Equal ones are kept once: a thousand processes of a program bring the same.
 * Pure.
 *
 * All is chosen by the profiled processes, so memory is bounded by the caller: forget all when this
 * grows too large. What is forgotten stays until the next definitions_expire(), for samples that
 * are on their way. What is never completed is bounded (definition_fragments.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"

struct definitions;

struct definitions *definitions_new(void); /* NULL: no memory */
struct definitions *definitions_free(struct definitions *definitions);

/*
 * One part, with its bytes behind it, `size` in all (more is passed over). Parts of one id come in
 * order, between those of others. Of lines that are not all there, as many as there are from the
 * first one on. 0; -EBADMSG: it is none; -ENOMEM: the definition, if it was the last part, is lost.
 */
int definitions_add(struct definitions *definitions, const struct ox_fragment *part, size_t size);

struct definition {
	const char *name;   /* "Class.function" where the class is known; clean, "" unknown */
	const char *module; /* where it is not known, the file's name without ".py" */
	const char *file;
	uint32_t line; /* of the position */
};
/*
 * What the number is made of, for whoever remembers more of it: equal definitions have equal
 * indexes, until they are forgotten. No two that are here have the same one: indexes go on where
 * those that were forgotten ended, and begin again behind UINT32_MAX. 0, -ENOENT.
 */
int definitions_find(const struct definitions *definitions, uint32_t id, uint32_t *ret_index);
/* Texts are borrowed until the next call here. 0, -ENOENT. */
int definitions_get(const struct definitions *definitions, uint32_t index, uint32_t position,
		    struct definition *ret);
/* Bytes held, without what is forgotten. */
size_t definitions_bytes(const struct definitions *definitions);
void definitions_forget(struct definitions *definitions);
void definitions_expire(struct definitions *definitions);
