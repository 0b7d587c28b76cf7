/* SPDX-License-Identifier: MIT */
#include "daemon/resolver/ksyms.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

/* The text does not tell where functions and modules end. No function is as long as this, so an
 * address further on belongs to none. */
#define FUNCTION_BYTES_MAX (UINT64_C(1) << 20)
#define NAMES_BYTES_MAX    (1u << 30)

struct ksym {
	uint64_t address;
	uint32_t name;   /* in names; grows in the order of the lines */
	uint32_t module; /* in names */
	bool is_weak;
};

struct ksyms {
	struct ksym *symbols;
	size_t n_symbols;
	size_t size;
	char *names; /* all strings, one after the other */
	size_t names_bytes;
	size_t names_size;
	uint32_t module; /* of the line before: modules come in runs */
	bool is_sorted;
};

struct ksyms *ksyms_free(struct ksyms *ksyms)
{
	if (!ksyms)
		return NULL;
	free(ksyms->symbols);
	free(ksyms->names);
	free(ksyms);
	return NULL;
}

define_cleanup(struct ksyms *, ksyms_free);

static int add_name(struct ksyms *ksyms, const char *name, size_t length, uint32_t *ret)
{
	size_t bytes = ksyms->names_bytes + length + 1;

	if (bytes > NAMES_BYTES_MAX)
		return -ENOMEM;
	if (array_extend(ksyms->names, ksyms->names_size, ksyms->names_bytes, bytes) < 0)
		return -ENOMEM;
	memcpy(ksyms->names + ksyms->names_bytes, name, length);
	ksyms->names[bytes - 1] = '\0';
	*ret = ksyms->names_bytes;
	ksyms->names_bytes = bytes;
	return 0;
}

struct ksyms *ksyms_new(void)
{
	_cleanup_(ksyms_free_p) struct ksyms *ksyms = calloc(1, sizeof(*ksyms));

	if (!ksyms || add_name(ksyms, "kernel", strlen("kernel"), &ksyms->module) < 0)
		return NULL;
	return take_ptr(ksyms);
}

static int set_module(struct ksyms *ksyms, const char *name, size_t length)
{
	const char *current = ksyms->names + ksyms->module;

	if (length == strlen(current) && memcmp(name, current, length) == 0)
		return 0;
	return add_name(ksyms, name, length, &ksyms->module);
}

static int add_symbol(struct ksyms *ksyms, const struct ksym *symbol)
{
	if (array_extend(ksyms->symbols, ksyms->size, ksyms->n_symbols, ksyms->n_symbols + 1) < 0)
		return -ENOMEM;
	ksyms->symbols[ksyms->n_symbols++] = *symbol;
	return 0;
}

static const char *take_address(const char *at, const char *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (; at < end && *at != ' '; at++) {
		unsigned char c = *at | 0x20;

		if (c >= '0' && c <= '9')
			c -= '0';
		else if (c >= 'a' && c <= 'f')
			c -= 'a' - 10;
		else
			return NULL;
		if (value >> 60)
			return NULL;
		value = value << 4 | c;
	}
	*ret = value;
	return at;
}

/* Adds the function of a line. Lines with the address 0 are passed over: the kernel shows 0 to
 * readers who may not see addresses. Returns 0 or -ENOMEM. */
static int parse_line(struct ksyms *ksyms, const char *at, const char *end)
{
	const char *name, *name_end, *module = "kernel";
	size_t module_length = strlen(module);
	struct ksym symbol;
	int r;

	at = take_address(at, end, &symbol.address);
	if (!at || symbol.address == 0 || end - at < 4 || at[2] != ' ' || !strchr("tTwW", at[1]) ||
	    !at[1])
		return 0;
	symbol.is_weak = at[1] == 'w' || at[1] == 'W';
	name = at + 3;
	name_end = memchr(name, '\t', end - name) ?: end;
	if (name_end == name)
		return 0;
	if (name_end < end) {
		if (end - name_end < 4 || name_end[1] != '[' || end[-1] != ']')
			return 0;
		module = name_end + 2;
		module_length = end - 1 - module;
	}
	r = set_module(ksyms, module, module_length);
	if (r < 0)
		return r;
	symbol.module = ksyms->module;
	r = add_name(ksyms, name, name_end - name, &symbol.name);
	return r < 0 ? r : add_symbol(ksyms, &symbol);
}

int ksyms_parse(struct ksyms *ksyms, const char *text, size_t length)
{
	const char *at = text, *end = text + length;

	ksyms->is_sorted = false;

	while (at < end) {
		const char *newline = memchr(at, '\n', end - at) ?: end;
		int r = parse_line(ksyms, at, newline);

		if (r < 0)
			return r;
		at = newline + 1;
	}
	return 0;
}

static int compare_symbols(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->is_weak != y->is_weak)
		return x->is_weak ? 1 : -1;
	return x->name < y->name ? -1 : x->name > y->name;
}

void ksyms_sort(struct ksyms *ksyms)
{
	size_t kept = 0;

	ksyms->is_sorted = true;
	if (ksyms->n_symbols == 0)
		return;
	qsort(ksyms->symbols, ksyms->n_symbols, sizeof(*ksyms->symbols), compare_symbols);
	for (size_t i = 1; i < ksyms->n_symbols; i++)
		if (ksyms->symbols[i].address != ksyms->symbols[kept].address)
			ksyms->symbols[++kept] = ksyms->symbols[i];
	ksyms->n_symbols = kept + 1;
}

int ksyms_find(const struct ksyms *ksyms, uint64_t address, const char **ret_name,
	       const char **ret_module)
{
	size_t n = array_upper_bound(ksyms->symbols, ksyms->n_symbols, .address, address);
	const struct ksym *symbol;

	assert(ksyms->is_sorted);
	if (n == 0)
		return 0;
	symbol = &ksyms->symbols[n - 1];
	if (address - symbol->address >= FUNCTION_BYTES_MAX)
		return 0;
	*ret_name = ksyms->names + symbol->name;
	*ret_module = ksyms->names + symbol->module;
	return 1;
}
