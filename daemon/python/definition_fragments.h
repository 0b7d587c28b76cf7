/* SPDX-License-Identifier: MIT */
/*
 * The parts of definitions whose last part has not come (bpf/python.h). Pure.
 *
 * What is never completed is bounded here, in number and in bytes: the oldest is dropped.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"

struct definition_fragments;

struct definition_fragments *definition_fragments_new(void); /* NULL: no memory */
struct definition_fragments *definition_fragments_free(struct definition_fragments *parts);

/* Any but OX_FRAGMENT_HEAD, with its bytes behind it, no more than OX_FRAGMENT_BYTES_MAX. 0,
 * -ENOMEM. */
int definition_fragments_add(struct definition_fragments *parts, const struct ox_fragment *part);

/* What there is of one definition; what did not come is "" or 0 bytes. */
struct definition_pieces {
	const char *texts[OX_N_PARTS]; /* by kind; clean, "..." behind what was cut */
	const uint8_t *lines;          /* NULL: none */
	size_t n_lines;
};
/* Borrowed until the next call here. */
void definition_fragments_get(const struct definition_fragments *parts, uint32_t id,
			      struct definition_pieces *ret);
void definition_fragments_drop(struct definition_fragments *parts, uint32_t id);
size_t definition_fragments_bytes(const struct definition_fragments *parts); /* held */
