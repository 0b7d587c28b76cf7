/* SPDX-License-Identifier: MIT */
#include "client/top/items.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/table.h"

struct top_items {
	struct table *keys;
	struct top_item *items; /* by index of the key */
	size_t size;
	uint32_t n_names;
	char *key; /* the key of the last record */
	size_t key_size;
};

define_cleanup(struct top_items *, top_items_free);

static struct top_name *name_free(struct top_name *name)
{
	while (name) {
		struct top_name *older = name->older;

		free(name->name);
		free(name->file);
		free(name->kind);
		free(name);
		name = older;
	}
	return NULL;
}

define_cleanup(struct top_name *, name_free);

struct top_items *top_items_new(void)
{
	_cleanup_(top_items_free_p) struct top_items *items = calloc(1, sizeof(*items));

	if (!items)
		return NULL;
	items->keys = table_new();
	return items->keys ? take_ptr(items) : NULL;
}

struct top_items *top_items_free(struct top_items *items)
{
	if (!items)
		return NULL;
	for (uint32_t i = 0; i < top_items_count(items) && i < items->size; i++)
		name_free(items->items[i].name);
	table_free(items->keys);
	free(items->items);
	free(items->key);
	free(items);
	return NULL;
}

uint32_t top_items_count(const struct top_items *items)
{
	return items->keys ? table_count(items->keys) : 0;
}

uint32_t top_items_count_names(const struct top_items *items)
{
	return items->n_names;
}

struct top_item *top_items_get(const struct top_items *items, uint32_t index)
{
	assert(index < items->size);
	return &items->items[index];
}

static int key_append(struct top_items *items, size_t *length, const void *bytes, size_t n)
{
	int r = array_reserve(items->key, items->key_size, *length + n);

	if (r < 0)
		return r;
	memcpy(items->key + *length, bytes, n);
	*length += n;
	return 0;
}

/* Makes items->key for the record. A process keeps its key when it runs another program and changes
 * its name. The line is no part of the key: a function's line is the first one sampled so far. */
static int make_key(struct top_items *items, struct json_object *record, size_t *ret_length)
{
	static const char *const texts[] = {"name", "file", "kind"};
	uint64_t numbers[] = {tree_get_u64(record, "pid"), tree_get_u64(record, "tid")};
	size_t length = 0;
	int r = key_append(items, &length, numbers, sizeof(numbers));

	if (r < 0)
		return r;
	for (size_t i = 0; i < array_length(texts) && !numbers[0]; i++) {
		const char *text = tree_get_text(record, texts[i]);

		r = key_append(items, &length, text, strlen(text) + 1);
		if (r < 0)
			return r;
	}
	*ret_length = length;
	return 0;
}

static int make_name(struct json_object *record, struct top_name **ret)
{
	_cleanup_(name_free_p) struct top_name *name = calloc(1, sizeof(*name));

	if (!name)
		return -ENOMEM;
	name->name = strdup(tree_get_text(record, "name"));
	name->file = strdup(tree_get_text(record, "file"));
	name->kind = strdup(tree_get_text(record, "kind"));
	name->line = tree_get_u64(record, "line");
	name->pid = tree_get_u64(record, "pid");
	name->tid = tree_get_u64(record, "tid");
	if (!name->name || !name->file || !name->kind)
		return -ENOMEM;
	*ret = take_ptr(name);
	return 0;
}

/* Makes the text the item's current name and returns true if the item has had that name before: a
 * process can take a previous name again, and answers about older windows have previous names. */
static bool find_name(struct top_item *item, const char *text)
{
	for (struct top_name **at = &item->name; *at; at = &(*at)->older) {
		struct top_name *name = *at;

		if (strcmp(name->name, text) != 0)
			continue;
		*at = name->older;
		name->older = item->name;
		item->name = name;
		return true;
	}
	return false;
}

static int name_item(struct top_items *items, struct top_item *item, struct json_object *record)
{
	const struct top_name *before = item->name;
	struct top_name *name;
	int r;

	if (find_name(item, tree_get_text(record, "name"))) {
		item->name->line = tree_get_u64(record, "line");
		if (item->name != before)
			item->match = TOP_MATCH_UNKNOWN;
		return 0;
	}
	r = make_name(record, &name);
	if (r < 0)
		return r;
	name->older = item->name;
	item->name = name;
	item->match = TOP_MATCH_UNKNOWN;
	items->n_names++;
	return 0;
}

static int read_record(struct top_items *items, struct json_object *record)
{
	struct top_item *item;
	uint32_t index;
	size_t length;
	int r = make_key(items, record, &length);

	if (r < 0)
		return r;
	/* Room comes first, so that each key has an item even where a later step fails. */
	r = array_reserve(items->items, items->size, (size_t)top_items_count(items) + 1);
	if (r < 0)
		return r;
	r = table_intern(items->keys, items->key, length, &index);
	if (r < 0)
		return r;
	assert(index < items->size);
	item = &items->items[index];
	item->next.self += tree_get_u64(record, "self");
	item->next.total += tree_get_u64(record, "total");
	return name_item(items, item, record);
}

int top_items_read(struct top_items *items, struct json_object *answer)
{
	struct json_object *records = tree_get_rows(answer, "records");

	for (uint32_t i = 0; i < top_items_count(items); i++)
		items->items[i].next = (struct top_counter){0};
	if (!records)
		return -EBADMSG;
	for (size_t i = 0; i < json_object_array_length(records); i++) {
		int r = read_record(items, json_object_array_get_idx(records, i));

		if (r < 0)
			return r;
	}
	return 0;
}
