/* SPDX-License-Identifier: MIT */
#include "daemon/base/table.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

#define CHUNK_BYTES 16384 /* keys; a longer one gets a chunk of its own */
#define SLOTS_MIN   16
#define KEY_ALIGN   8

struct key_chunk {
	struct key_chunk *next;
	size_t used;
	size_t size;
	_Alignas(KEY_ALIGN) unsigned char bytes[];
};

struct table_entry {
	const unsigned char *key;
	uint32_t length;
	uint32_t hash;
};

/* Slots hold index + 1, 0 is free; open addressing, at most three of four in use. */
struct table {
	uint64_t seed[2];
	struct key_chunk *chunks;
	struct table_entry *entries;
	uint32_t *slots;
	uint32_t n_entries;
	size_t n_entries_max;
	size_t n_slots;
	size_t key_bytes;
};

define_cleanup(struct table *, table_free);

static inline uint64_t rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static inline void sip_add(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

/* Hashes a key with SipHash-1-3: as fast as a table needs, and unknown to anyone without the
 * seed. */
static uint32_t hash_key(const struct table *table, const unsigned char *key, size_t length)
{
	uint64_t v[4] = {table->seed[0] ^ UINT64_C(0x736f6d6570736575),
			 table->seed[1] ^ UINT64_C(0x646f72616e646f6d),
			 table->seed[0] ^ UINT64_C(0x6c7967656e657261),
			 table->seed[1] ^ UINT64_C(0x7465646279746573)};
	uint64_t word, tail = (uint64_t)length << 56;
	size_t at = 0;

	for (; at + sizeof(word) <= length; at += sizeof(word)) {
		memcpy(&word, key + at, sizeof(word));
		sip_add(v, word);
	}
	for (int shift = 0; at < length; at++, shift += 8)
		tail |= (uint64_t)key[at] << shift;
	sip_add(v, tail);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(word ^ word >> 32);
}

struct table *table_new(void)
{
	_cleanup_(table_free_p) struct table *table = calloc(1, sizeof(*table));

	if (!table ||
	    getrandom(table->seed, sizeof(table->seed), GRND_INSECURE) != sizeof(table->seed))
		return NULL;
	return take_ptr(table);
}

void table_clear(struct table *table)
{
	while (table->chunks) {
		struct key_chunk *next = table->chunks->next;

		free(table->chunks);
		table->chunks = next;
	}
	free(table->entries);
	free(table->slots);
	table->entries = NULL;
	table->slots = NULL;
	table->n_entries = table->n_entries_max = 0;
	table->n_slots = table->key_bytes = 0;
}

struct table *table_free(struct table *table)
{
	if (table)
		table_clear(table);
	free(table);
	return NULL;
}

/* Returns the slot of the key, or the free one where it belongs. There is always a free one. */
static uint32_t *find_slot(const struct table *table, const void *key, size_t length, uint32_t hash)
{
	size_t at = hash & (table->n_slots - 1);

	assert(table->n_entries < table->n_slots && !(table->n_slots & (table->n_slots - 1)));
	for (;; at = (at + 1) & (table->n_slots - 1)) {
		const struct table_entry *entry;

		if (!table->slots[at])
			return table->slots + at;
		entry = &table->entries[table->slots[at] - 1];
		if (entry->hash == hash && entry->length == length &&
		    (!length || memcmp(entry->key, key, length) == 0))
			return table->slots + at;
	}
}

static int grow_slots(struct table *table)
{
	size_t n = table->n_slots ? table->n_slots * 2 : SLOTS_MIN;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < table->n_entries; i++) {
		size_t at = table->entries[i].hash & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = i + 1;
	}
	free(table->slots);
	table->slots = slots;
	table->n_slots = n;
	return 0;
}

/* Chunks never move, so that keys can be borrowed. */
static unsigned char *copy_key(struct table *table, const void *key, size_t length)
{
	size_t padded = (length + KEY_ALIGN - 1) & ~(size_t)(KEY_ALIGN - 1);
	struct key_chunk *chunk = table->chunks;
	unsigned char *copy;

	if (!chunk || chunk->size - chunk->used < padded) {
		size_t size = padded > CHUNK_BYTES ? padded : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + size);
		if (!chunk)
			return NULL;
		*chunk = (struct key_chunk){.next = table->chunks, .size = size};
		table->chunks = chunk;
		table->key_bytes += sizeof(*chunk) + size;
	}
	copy = chunk->bytes + chunk->used;
	if (length)
		memcpy(copy, key, length);
	chunk->used += padded;
	return copy;
}

static int table_make_room(struct table *table)
{
	size_t n = (size_t)table->n_entries + 1;
	int r;

	if (n > UINT32_MAX)
		return -ENOMEM;
	r = array_extend(table->entries, table->n_entries_max, table->n_entries, n);
	if (r < 0)
		return r;
	return n > table->n_slots / 4 * 3 ? grow_slots(table) : 0;
}

int table_intern(struct table *table, const void *key, size_t length, uint32_t *ret_index)
{
	struct table_entry entry = {.length = (uint32_t)length,
				    .hash = hash_key(table, key, length)};
	uint32_t *slot;
	int r;

	if (length > UINT32_MAX - KEY_ALIGN)
		return -ENOMEM;
	r = table_make_room(table);
	if (r < 0)
		return r;
	slot = find_slot(table, key, length, entry.hash);
	if (*slot) {
		*ret_index = *slot - 1;
		return 0;
	}
	entry.key = copy_key(table, key, length);
	if (!entry.key)
		return -ENOMEM;
	*ret_index = table->n_entries;
	table->entries[table->n_entries++] = entry;
	*slot = table->n_entries;
	return 1;
}

int table_find(const struct table *table, const void *key, size_t length, uint32_t *ret_index)
{
	const uint32_t *slot;

	if (!table->n_entries)
		return -ENOENT;
	slot = find_slot(table, key, length, hash_key(table, key, length));
	if (!*slot)
		return -ENOENT;
	*ret_index = *slot - 1;
	return 0;
}

const void *table_get_key(const struct table *table, uint32_t index, size_t *ret_length)
{
	const struct table_entry *entry = table->entries + index;

	assert(index < table->n_entries);
	if (ret_length)
		*ret_length = entry->length;
	return entry->key;
}

uint32_t table_count(const struct table *table)
{
	return table->n_entries;
}

size_t table_bytes(const struct table *table)
{
	return sizeof(*table) + table->key_bytes + table->n_entries_max * sizeof(*table->entries) +
	       table->n_slots * sizeof(*table->slots);
}
