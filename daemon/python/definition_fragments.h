/* SPDX-License-Identifier: MIT */
/*
 * The fragments of definitions whose last fragment has not come (bpf/python.h). Pure.
 *
 * Definitions that are never completed are bounded here, in number and in bytes: the oldest is
 * dropped.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"

struct definition_fragments;

struct definition_fragments *definition_fragments_new(void); /* NULL: no memory */
struct definition_fragments *definition_fragments_free(struct definition_fragments *parts);

/* Adds a fragment of any kind but OX_FRAGMENT_HEAD, with its bytes behind it, no more than
 * OX_FRAGMENT_BYTES_MAX. Returns 0 or -ENOMEM. */
int definition_fragments_add(struct definition_fragments *parts, const struct ox_fragment *part);

/* The fragments of one definition, put together; one that did not come is "" or 0 bytes. */
struct definition_pieces {
	const char *texts[OX_N_PARTS]; /* by kind; clean, "..." behind what was cut */
	const uint8_t *lines;          /* NULL: none */
	size_t n_lines;
};
/* Gets what has come of a definition, borrowed until the next call here. */
void definition_fragments_get(const struct definition_fragments *parts, uint32_t id,
			      struct definition_pieces *ret);
void definition_fragments_drop(struct definition_fragments *parts, uint32_t id);
size_t definition_fragments_bytes(const struct definition_fragments *parts); /* held */
