/* SPDX-License-Identifier: MIT */
#include "db/id_set.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/array.h"

#define WORD_BITS   64
#define BLOCK_WORDS 256
#define BLOCK_BITS  (BLOCK_WORDS * WORD_BITS)
/* A million rows a second for a day and a half: nothing gives so many ids. */
#define ID_MAX (INT64_C(1) << 37)

void id_set_done(struct id_set *set)
{
	for (size_t i = 0; i < set->size; i++)
		free(set->blocks[i]);
	free(set->blocks);
	*set = (struct id_set){0};
}

int id_set_add(struct id_set *set, int64_t id)
{
	size_t block = (size_t)id / BLOCK_BITS, word = (size_t)id % BLOCK_BITS / WORD_BITS;
	uint64_t bit = UINT64_C(1) << (id % WORD_BITS);

	assert(id > 0);
	if (id > ID_MAX || array_reserve(set->blocks, set->size, block + 1) < 0)
		return -ENOMEM;
	if (!set->blocks[block])
		set->blocks[block] = calloc(BLOCK_WORDS, sizeof(uint64_t));
	if (!set->blocks[block])
		return -ENOMEM;
	set->n += !(set->blocks[block][word] & bit);
	set->blocks[block][word] |= bit;
	return 0;
}

bool id_set_has(const struct id_set *set, int64_t id)
{
	size_t block = (size_t)id / BLOCK_BITS;

	if (id <= 0 || block >= set->size || !set->blocks[block])
		return false;
	return set->blocks[block][(size_t)id % BLOCK_BITS / WORD_BITS] >> (id % WORD_BITS) & 1;
}

/* Takes the largest bit out of a block. Returns its place, or -1 where there is none. */
static int64_t block_take_last(uint64_t *words)
{
	for (size_t i = BLOCK_WORDS; i-- > 0;) {
		unsigned bit;

		if (!words[i])
			continue;
		bit = WORD_BITS - 1 - __builtin_clzll(words[i]);
		words[i] &= ~(UINT64_C(1) << bit);
		return (int64_t)(i * WORD_BITS + bit);
	}
	return -1;
}

/* Blocks that have become empty are freed, so that many calls read the set once. */
int64_t id_set_take_last(struct id_set *set)
{
	for (; set->size > 0; free(set->blocks[--set->size])) {
		uint64_t *words = set->blocks[set->size - 1];
		int64_t at = words ? block_take_last(words) : -1;

		if (at < 0)
			continue;
		set->n--;
		return (int64_t)(set->size - 1) * BLOCK_BITS + at;
	}
	return 0;
}
