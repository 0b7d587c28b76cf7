/* SPDX-License-Identifier: MIT */
/* The tables of files: requested, laid out in the blocks, shared, and dropped when room is
 * needed. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/objfile/vdso.h"
#include "daemon/unwinder/internal.h"

/* ---- requests ---- */

struct table_request {
	struct unwinder *unwinder;
	uint32_t number;
	uint32_t life;
	char path[];
};

static int unwind_table_install(struct unwinder *unwinder, const struct symbolizer_table *rows,
				struct unwind_table **ret);

static enum table_state state_of(int error)
{
	switch (error) {
	case 0:
		return TABLE_READY;
	case -ENODATA:
	case -ENOEXEC:
		return TABLE_NONE;
	case -EBADMSG:
	case -ETIMEDOUT:
	case -EFBIG:
	case -E2BIG:
		return TABLE_FAILED;
	case -ECANCELED:
		return TABLE_UNASKED;
	default: /* there was no room, no memory or no symbolizer */
		return TABLE_REFUSED;
	}
}

static void take_answer(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct table_request *request = userdata;
	struct unwinder *unwinder = request->unwinder;
	struct unwind_file *file = &unwinder->states[request->number];
	struct symbolizer_table rows;

	assert(request->number < unwinder->states_size);
	if (request->life != unwinder->life) {
		free(request);
		return;
	}
	if (error == 0) {
		symbolizer_reply_get_table(reply, &rows);
		error = unwind_table_install(unwinder, &rows, &file->table);
	}
	file->state = state_of(error);
	if (file->state == TABLE_FAILED)
		unwinder->warn(unwinder->userdata, request->path, error);
	unwinder_set_ranges(unwinder, request->number);
	free(request);
}

static enum table_state ask(struct unwinder *unwinder, uint32_t number, const char *path, int fd)
{
	struct table_request *request = malloc(sizeof(*request) + strlen(path) + 1);

	if (!request)
		return TABLE_REFUSED;
	request->unwinder = unwinder;
	request->number = number;
	request->life = unwinder->life;
	strcpy(request->path, path);
	/* The reply may come before this returns. */
	unwinder->states[number].state = TABLE_WAITING;
	if (symbolizer_ask_table(unwinder->symbolizer, fd, take_answer, request) < 0) {
		free(request);
		return TABLE_REFUSED;
	}
	return unwinder->states[number].state;
}

static int open_code(struct unwinder *unwinder, const struct image *image,
		     const struct mapping *mapping)
{
	int fd;

	if (mapping_is_vdso(mapping))
		return vdso_open();
	(void)files_find(unwinder->files, image, mapping, &fd);
	return fd;
}

struct unwind_file *unwinder_get_file(struct unwinder *unwinder, const struct image *image,
				      const struct mapping *mapping, uint32_t *ret_number)
{
	bool is_vdso = mapping_is_vdso(mapping);
	uint32_t number = is_vdso ? VDSO_NUMBER : files_find(unwinder->files, image, mapping, NULL);
	struct unwind_file *file;

	*ret_number = NO_NUMBER;
	if ((!is_vdso && !number) ||
	    array_reserve(unwinder->states, unwinder->states_size, (size_t)number + 1) < 0)
		return NULL;
	*ret_number = number;
	file = &unwinder->states[number];
	if (file->state == TABLE_UNASKED) {
		_cleanup_close_ int fd = open_code(unwinder, image, mapping);

		file->state = fd < 0 ? TABLE_REFUSED : ask(unwinder, number, mapping->path, fd);
	}
	return file;
}

/* ---- rules ---- */

static uint16_t number_rule(struct unwinder *unwinder, const struct ox_rule *rule)
{
	uint32_t number;
	int r;

	if (table_count(unwinder->rules) >= OX_RULES_MAX &&
	    table_find(unwinder->rules, rule, sizeof(*rule), &number) < 0)
		return OX_RULE_BAD;
	r = table_intern(unwinder->rules, rule, sizeof(*rule), &number);
	if (r < 0)
		return OX_RULE_BAD;
	if (r > 0)
		sampler_rules(unwinder->sampler)[number] = *rule;
	return number;
}

/* Numbers the first rules, whose numbers are their kinds, so that 0 is "no rule" and BAD is always
 * there. */
static int number_first_rules(struct unwinder *unwinder)
{
	for (unsigned kind = 0; kind <= OX_RULE_BAD; kind++) {
		struct ox_rule rule = {.kind = kind};

		if (number_rule(unwinder, &rule) != kind)
			return -ENOMEM;
	}
	return 0;
}

static uint16_t *number_rules(struct unwinder *unwinder, const struct symbolizer_table *rows)
{
	uint16_t *numbers = calloc(rows->n_rules + 1, sizeof(*numbers));

	if (!numbers || (!table_count(unwinder->rules) && number_first_rules(unwinder) < 0)) {
		free(numbers);
		return NULL;
	}
	for (size_t i = 0; i < rows->n_rules; i++)
		numbers[i] = number_rule(unwinder, &rows->rules[i]);
	return numbers;
}

/* ---- tables in the blocks ---- */

static struct ox_page *unwind_table_page(const struct unwinder *unwinder,
					 const struct unwind_table *table, uint32_t page)
{
	return (struct ox_page *)sampler_blocks_at(unwinder->sampler, table->pages) + page;
}

static void unwind_table_free(const struct unwinder *unwinder, struct unwind_table *table,
			      bool in_kernel)
{
	if (in_kernel && table->pages) {
		for (uint32_t i = 0; i < table->pack.n_pages; i++) {
			struct ox_page *page = unwind_table_page(unwinder, table, i);

			if (page->rows)
				sampler_blocks_free_block(unwinder->sampler, page->rows,
							  table->pack.counts[i]);
		}
		sampler_blocks_free_block(unwinder->sampler, table->pages, table->pack.n_pages * 2);
	}
	pack_done(&table->pack);
	free(table);
}

static int unwind_table_write(struct unwinder *unwinder, struct unwind_table *table)
{
	const uint32_t *rows = table->pack.rows;
	int r = unwinder_alloc(unwinder, table->pack.n_pages * 2, &table->pages);

	if (r < 0)
		return r;
	memset(unwind_table_page(unwinder, table, 0), 0,
	       table->pack.n_pages * sizeof(struct ox_page));
	for (uint32_t i = 0; i < table->pack.n_pages; i++) {
		uint32_t n = table->pack.counts[i], index;

		if (!n)
			continue;
		r = unwinder_alloc(unwinder, n, &index);
		if (r < 0)
			return r;
		memcpy(sampler_blocks_at(unwinder->sampler, index), rows, n * sizeof(*rows));
		*unwind_table_page(unwinder, table, i) = (struct ox_page){index, n};
		rows += n;
	}
	return 0;
}

static bool unwind_table_is_same(const struct unwinder *unwinder, const struct unwind_table *table,
				 const struct pack *pack)
{
	const uint32_t *rows = pack->rows;

	if (table->pack.first_page != pack->first_page || table->pack.n_pages != pack->n_pages ||
	    table->pack.n_rows != pack->n_rows ||
	    memcmp(table->pack.counts, pack->counts, pack->n_pages * sizeof(*pack->counts)))
		return false;
	for (uint32_t i = 0; i < pack->n_pages; i++) {
		uint32_t n = pack->counts[i];

		if (n && memcmp(sampler_blocks_at(unwinder->sampler,
						  unwind_table_page(unwinder, table, i)->rows),
				rows, n * sizeof(*rows)))
			return false;
		rows += n;
	}
	return true;
}

static struct unwind_table *unwind_table_find_same(const struct unwinder *unwinder,
						   const struct pack *pack)
{
	struct unwind_table *table = unwinder->tables;

	while (table && !unwind_table_is_same(unwinder, table, pack))
		table = table->next;
	return table;
}

/* Adds a table to the blocks; takes the pack, also if it fails. */
static int unwind_table_add(struct unwinder *unwinder, struct pack *pack, struct unwind_table **ret)
{
	struct unwind_table *table = calloc(1, sizeof(*table));
	int r;

	if (!table) {
		pack_done(pack);
		return -ENOMEM;
	}
	table->pack = *pack;
	r = unwind_table_write(unwinder, table);
	if (r < 0) {
		unwind_table_free(unwinder, table, true);
		return r;
	}
	free(take_ptr(table->pack.rows));
	table->next = unwinder->tables;
	unwinder->tables = table;
	*ret = table;
	return 0;
}

static int unwind_table_install(struct unwinder *unwinder, const struct symbolizer_table *rows,
				struct unwind_table **ret)
{
	_cleanup_free_ uint16_t *numbers = number_rules(unwinder, rows);
	struct pack pack;
	int r = numbers ? pack_make(&pack, rows, numbers) : -ENOMEM;

	if (r < 0)
		return r;
	if (!pack.n_pages)
		return -ENODATA;
	*ret = unwind_table_find_same(unwinder, &pack);
	if (!*ret)
		return unwind_table_add(unwinder, &pack, ret);
	pack_done(&pack);
	return 0;
}

/* ---- room ---- */

static void unwind_table_remove(struct unwinder *unwinder, struct unwind_table *table)
{
	struct unwind_table **slot = &unwinder->tables;

	for (size_t i = 0; i < unwinder->states_size; i++)
		if (unwinder->states[i].table == table) {
			unwinder->states[i] = (struct unwind_file){TABLE_UNASKED, NULL};
			unwinder_set_ranges(unwinder, i);
			unwinder_ask_again(unwinder, i);
		}
	sampler_quiesce(unwinder->sampler);
	while (*slot != table) {
		assert(*slot);
		slot = &(*slot)->next;
	}
	*slot = table->next;
	unwind_table_free(unwinder, table, true);
	unwinder->n_evicted++;
}

static void tables_find_use(struct unwinder *unwinder)
{
	for (struct unwind_table *table = unwinder->tables; table; table = table->next)
		table->used_ns = 0;
	for (size_t i = 0; i < unwinder->states_size; i++) {
		struct unwind_table *table = unwinder->states[i].table;
		uint64_t used_ns = table ? unwinder_file_used_ns(unwinder, i) : 0;

		if (table && used_ns > table->used_ns)
			table->used_ns = used_ns;
	}
}

/* Drops the table that was unused for the longest time. Returns false if all are in use. */
static bool evict(struct unwinder *unwinder)
{
	struct unwind_table *oldest = NULL;

	tables_find_use(unwinder);
	for (struct unwind_table *table = unwinder->tables; table; table = table->next)
		if (table->used_ns + UNWINDER_IDLE_NS < unwinder->now_ns &&
		    (!oldest || table->used_ns < oldest->used_ns))
			oldest = table;
	if (oldest)
		unwind_table_remove(unwinder, oldest);
	return oldest;
}

int unwinder_alloc(struct unwinder *unwinder, uint32_t n_words, uint32_t *ret_index)
{
	int r;

	assert(unwinder->sampler);
	do
		r = sampler_blocks_alloc(unwinder->sampler, n_words, ret_index);
	while (r == -ENOSPC && evict(unwinder));
	return r;
}

void unwinder_retry(struct unwinder *unwinder)
{
	if (unwinder->retry_ns + UNWINDER_IDLE_NS > unwinder->now_ns)
		return;
	unwinder->retry_ns = unwinder->now_ns;
	for (size_t i = 0; i < unwinder->states_size; i++)
		if (unwinder->states[i].state == TABLE_REFUSED) {
			unwinder->states[i].state = TABLE_UNASKED;
			unwinder_ask_again(unwinder, i);
		}
}

void unwinder_drop_tables(struct unwinder *unwinder, bool in_kernel)
{
	while (unwinder->tables) {
		struct unwind_table *table = unwinder->tables;

		unwinder->tables = table->next;
		unwind_table_free(unwinder, table, in_kernel);
	}
	for (size_t i = 0; i < unwinder->states_size; i++)
		unwinder->states[i] = (struct unwind_file){TABLE_UNASKED, NULL};
	table_clear(unwinder->rules);
}
