/* SPDX-License-Identifier: MIT */
/* A set of ids of rows: a bit each, in blocks that are there where ids are. Ids begin with 1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins as {}. */
struct id_set {
	uint64_t **blocks; /* NULL: it has no id of that range */
	size_t size;
	size_t n; /* ids in the set */
};

void id_set_done(struct id_set *set);
/* Returns 0, or -ENOMEM, also for an id beyond all that a database can hold. */
int id_set_add(struct id_set *set, int64_t id);
bool id_set_has(const struct id_set *set, int64_t id);
/* Takes the largest id out of the set and returns it, or 0 where the set is empty. */
int64_t id_set_take_last(struct id_set *set);
