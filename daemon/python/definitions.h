/* SPDX-License-Identifier: MIT */
/*
 * The definitions of code objects that the kernel side sent (bpf/python.h), put together, and kept
 * as long as samples may name them. Equal ones are kept once: a thousand processes of a program
 * bring the same. Pure.
 *
 * The profiled processes choose all of it, so memory is bounded by the caller: it forgets all
 * definitions when they grow too large. Forgotten ones stay until the next definitions_expire(),
 * for samples that are on their way. Definitions that are never completed are bounded
 * (definition_fragments.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"

struct definitions;

struct definitions *definitions_new(void); /* NULL: no memory */
struct definitions *definitions_free(struct definitions *definitions);

/*
 * Adds a fragment with its bytes behind it, `size` in all (more is passed over). Fragments of one
 * id come in order, between those of others. Of lines that are not all there, as many are kept as
 * there are from the first one on. Returns 0, -EBADMSG where this is no fragment, or -ENOMEM: the
 * definition, if this was its last fragment, is lost.
 */
int definitions_add(struct definitions *definitions, const struct ox_fragment *part, size_t size);

struct definition {
	const char *name;   /* "Class.function" where the class is known; clean, "" unknown */
	const char *module; /* the file's name without ".py" where the module is not known */
	const char *file;
	uint32_t line; /* of the position */
};
/*
 * Finds the index of a definition, for callers that remember more of it: equal definitions have
 * equal indexes, until they are forgotten. No two that are here have the same one: indexes go on
 * where those that were forgotten ended, and begin again behind UINT32_MAX. Returns 0 or -ENOENT.
 */
int definitions_find(const struct definitions *definitions, uint32_t id, uint32_t *ret_index);
/* Gets the definition of an index, and the line of a position in its code. Texts are borrowed until
 * the next call here. Returns 0 or -ENOENT. */
int definitions_get(const struct definitions *definitions, uint32_t index, uint32_t position,
		    struct definition *ret);
/* Returns the bytes held, without what is forgotten. */
size_t definitions_bytes(const struct definitions *definitions);
void definitions_forget(struct definitions *definitions);
void definitions_expire(struct definitions *definitions);
