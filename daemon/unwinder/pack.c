/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/cleanup.h"
#include "daemon/unwinder/internal.h"

/* The directory of a table of more than 256 MiB of addresses would not fit a block. */
#define PAGES_MAX (OX_BLOCK_WORDS / 2)

static uint32_t page_of(uint32_t address)
{
	return address >> OX_PAGE_SHIFT;
}

static uint32_t row_make(uint32_t address, uint16_t rule)
{
	return (uint32_t)rule << 16 | (address & ((1u << OX_PAGE_SHIFT) - 1));
}

/* Adds the rows of a page, which begins with the rule that holds there, so that a search never has
 * to look back. Returns how many there are. */
static uint32_t page_fill(struct pack *pack, uint32_t page, const struct symbolizer_table *table,
			  const uint16_t *numbers, size_t *next, uint16_t *carry)
{
	size_t first = pack->n_rows;
	bool any = *next < table->n_rows && page_of(table->rows[*next].address) == page;
	bool begins = any && !(table->rows[*next].address & ((1u << OX_PAGE_SHIFT) - 1));

	if (!begins && (any || *carry))
		pack->rows[pack->n_rows++] = row_make(0, *carry);
	while (*next < table->n_rows && page_of(table->rows[*next].address) == page) {
		const struct symbolizer_row *row = &table->rows[(*next)++];

		*carry = numbers[row->rule];
		pack->rows[pack->n_rows++] = row_make(row->address, *carry);
	}
	return pack->n_rows - first;
}

int pack_make(struct pack *pack, const struct symbolizer_table *table, const uint16_t *numbers)
{
	uint16_t carry = 0;
	size_t next = 0;

	*pack = (struct pack){};
	if (!table->n_rows)
		return 0;
	pack->first_page = page_of(table->rows[0].address);
	pack->n_pages = page_of(table->rows[table->n_rows - 1].address) - pack->first_page + 1;
	if (pack->n_pages > PAGES_MAX)
		return -E2BIG;
	pack->counts = calloc(pack->n_pages, sizeof(*pack->counts));
	pack->rows = calloc(table->n_rows + pack->n_pages, sizeof(*pack->rows));
	if (!pack->counts || !pack->rows) {
		pack_done(pack);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < pack->n_pages; i++)
		pack->counts[i] =
			page_fill(pack, pack->first_page + i, table, numbers, &next, &carry);
	/* All rows are in a page, as they rise. */
	assert(next == table->n_rows);
	return 0;
}

void pack_done(struct pack *pack)
{
	free(pack->counts);
	free(pack->rows);
	*pack = (struct pack){};
}
