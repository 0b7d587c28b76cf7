/* SPDX-License-Identifier: MIT */
/*
 * A hash table from byte strings to dense indexes 0, 1, 2, ...: it interns. The caller keeps what
 * belongs to an index in an array of its own. Keys are copied. The hash is seeded per table, so
 * that nobody can aim at its chains.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct table;

struct table *table_new(void); /* NULL: no memory, or no random numbers */
struct table *table_free(struct table *table);

/* Finds the index of the key; a new key gets the next one. Returns 1 where the key is new, 0 where
 * it was there, or -ENOMEM. */
int table_intern(struct table *table, const void *key, size_t length, uint32_t *ret_index);
/* Finds the index of the key. Returns 0 or -ENOENT. */
int table_find(const struct table *table, const void *key, size_t length, uint32_t *ret_index);
/* Returns the key of an index below table_count(), aligned to 8 bytes; borrowed until the table is
 * cleared or freed. ret_length may be NULL. */
const void *table_get_key(const struct table *table, uint32_t index, size_t *ret_length);
uint32_t table_count(const struct table *table);
/* Returns the bytes held, keys included. */
size_t table_bytes(const struct table *table);
void table_clear(struct table *table);
