/* SPDX-License-Identifier: MIT */
#include "daemon/objfile/interpreters.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/python/layout.h"

/* Beyond this many all entries are dropped at once, and looked up again. */
#define ENTRIES_MAX 20000

struct interpreter_entry {
	uint32_t generation; /* of the image when it was searched */
	bool is_looked_at;
	bool has_interpreter;
	struct interpreter interpreter;
};

struct interpreters {
	struct files *files;
	struct table *images; /* id -> index */
	struct interpreter_entry *entries;
	size_t entries_size;
};

struct interpreters *interpreters_new(struct files *files)
{
	struct interpreters *interpreters = calloc(1, sizeof(*interpreters));

	if (!interpreters)
		return NULL;
	interpreters->files = files;
	interpreters->images = table_new();
	return interpreters->images ? interpreters : interpreters_free(interpreters);
}

static void entries_done(struct interpreters *interpreters)
{
	for (size_t i = 0; i < interpreters->entries_size; i++)
		free(interpreters->entries[i].interpreter.path);
	free(take_ptr(interpreters->entries));
	interpreters->entries_size = 0;
}

struct interpreters *interpreters_free(struct interpreters *interpreters)
{
	if (!interpreters)
		return NULL;
	entries_done(interpreters);
	table_free(interpreters->images);
	free(interpreters);
	return NULL;
}

void interpreters_clear(struct interpreters *interpreters)
{
	entries_done(interpreters);
	table_clear(interpreters->images);
}

/* ---- looking ---- */

static enum interpreter_state find_state(const struct symbolizer_python *python,
					 uint32_t *ret_layout)
{
	int r;

	switch (python->kind) {
	case SYMBOLIZER_PYTHON_FREE_THREADED:
		return INTERPRETER_FREE_THREADED;
	case SYMBOLIZER_PYTHON_PYPY:
		return INTERPRETER_PYPY;
	case SYMBOLIZER_PYTHON_STRIPPED:
		return INTERPRETER_STRIPPED;
	}
	r = python_layout_find(python->version_hex, python->n_offsets ? python->offsets : NULL,
			       python->is_current, ret_layout);
	return r == 0         ? INTERPRETER_READ
	       : r == -EPROTO ? INTERPRETER_OTHER_LAYOUT
			      : INTERPRETER_UNKNOWN_VERSION;
}

static void take_place(struct interpreter *interpreter, const struct symbolizer_python *python)
{
	uint32_t layout = 0;

	interpreter->version_hex = python->version_hex;
	interpreter->state = find_state(python, &layout);
	interpreter->place = (struct ox_interpreter){};
	if (interpreter->state != INTERPRETER_READ)
		return;
	interpreter->place.runtime = python->runtime + interpreter->bias;
	interpreter->place.code_type = python->code_type + interpreter->bias;
	interpreter->place.layout = layout + 1;
}

/* Fills *ret if there is an interpreter in that mapping. Returns 1 if there is one, 0 if not, or
 * -ENOMEM. */
static int look_at_mapping(struct interpreters *interpreters, const struct image *image,
			   const struct maps_view *view, struct interpreter *ret)
{
	uint32_t number = files_find(interpreters->files, image, view->mapping, NULL);
	const struct symbolizer_python *python =
		number ? files_get_python(interpreters->files, number) : NULL;
	uint64_t vaddr;

	if (!python ||
	    files_find_vaddr(interpreters->files, number, view->mapping->file_offset, &vaddr) < 0)
		return 0;
	free(ret->path);
	ret->path = strdup(view->mapping->path);
	ret->pid = image->pid;
	memcpy(ret->comm, image->comm, sizeof(ret->comm));
	ret->file = number;
	ret->bias = view->mapping->start - vaddr;
	take_place(ret, python);
	return ret->path ? 1 : -ENOMEM;
}

static void entry_look(struct interpreters *interpreters, struct interpreter_entry *entry,
		       const struct image *image, uint64_t at_ns)
{
	_cleanup_free_ struct maps_view *views = NULL;
	ssize_t n = maps_list(image->maps, at_ns, &views);
	uint64_t n_late = files_count_late(interpreters->files);
	int r = n < 0 ? n : 0;

	for (ssize_t i = 0; i < n && r == 0; i++)
		r = look_at_mapping(interpreters, image, &views[i], &entry->interpreter);
	entry->has_interpreter = r > 0;
	entry->generation = image->generation;
	/* If a file could not be read for now, the image is searched again the next time. */
	entry->is_looked_at = r > 0 || (r == 0 && files_count_late(interpreters->files) == n_late);
}

const struct interpreter *interpreters_find(struct interpreters *interpreters,
					    const struct image *image, uint64_t at_ns)
{
	struct interpreter_entry *entry;
	uint32_t index;

	if (table_count(interpreters->images) >= ENTRIES_MAX)
		interpreters_clear(interpreters);
	if (table_intern(interpreters->images, &image->id, sizeof(image->id), &index) < 0)
		return NULL;
	if (array_reserve(interpreters->entries, interpreters->entries_size, (size_t)index + 1) <
	    0) {
		interpreters_clear(interpreters);
		return NULL;
	}
	entry = &interpreters->entries[index];
	if (!entry->is_looked_at || entry->generation != image->generation)
		entry_look(interpreters, entry, image, at_ns);
	return entry->has_interpreter ? &entry->interpreter : NULL;
}

/* ---- its code ---- */

enum splice_code interpreters_classify(const struct interpreters *interpreters,
				       const struct interpreter *interpreter, uint64_t address)
{
	const struct symbolizer_python *python =
		files_get_python(interpreters->files, interpreter->file);
	uint64_t vaddr = address - interpreter->bias;
	size_t n = python ? python->n_ranges : 0;
	size_t i = array_upper_bound(python->ranges, n, .end, vaddr);

	if (i >= n || vaddr < python->ranges[i].start)
		return SPLICE_OTHER;
	return python->ranges[i].code == SYMBOLIZER_PYTHON_EVAL ? SPLICE_EVAL : SPLICE_CALL;
}

/* ---- for people ---- */

size_t interpreters_count(const struct interpreters *interpreters)
{
	return table_count(interpreters->images);
}

const struct interpreter *interpreters_get(const struct interpreters *interpreters, size_t i)
{
	const struct interpreter_entry *entry = &interpreters->entries[i];

	assert(i < interpreters_count(interpreters));
	return entry->has_interpreter ? &entry->interpreter : NULL;
}

static const struct {
	const char *name;
	const char *note;
} states[] = {
	[INTERPRETER_READ] = {"read", ""},
	[INTERPRETER_UNKNOWN_VERSION] = {"unknown-version",
					 "oxprof does not know this version: native stacks only"},
	[INTERPRETER_OTHER_LAYOUT] = {"other-layout",
				      "its memory layout is not that of a release build of its "
				      "version (a debug build?): native stacks only"},
	[INTERPRETER_FREE_THREADED] =
		{"free-threaded", "oxprof cannot read free-threaded builds: native stacks only"},
	[INTERPRETER_PYPY] = {"pypy", "PyPy's frames are not read: native stacks only"},
	[INTERPRETER_STRIPPED] = {"stripped",
				  "it was stripped of the symbols that are needed to find "
				  "its threads: native stacks only"},
};

_Static_assert(array_length(states) == N_INTERPRETER_STATES, "each state has a name");

const char *interpreter_state_name(enum interpreter_state state)
{
	assert(state < N_INTERPRETER_STATES);
	return states[state].name;
}

const char *interpreter_explain(enum interpreter_state state)
{
	assert(state < N_INTERPRETER_STATES);
	return states[state].note;
}

/* Unpacks the version as CPython has it, Doc/c-api/apiabiversion.rst: major, minor, micro, level
 * (0xa alpha, 0xb beta, 0xc candidate, 0xf final) and serial. */
void interpreter_name(const struct interpreter *interpreter,
		      char ret[static INTERPRETER_NAME_BYTES])
{
	static const char *const levels[16] = {[0xa] = "a", [0xb] = "b", [0xc] = "rc"};
	uint32_t hex = interpreter->version_hex, level = hex >> 4 & 15;
	const char *kind = interpreter->state == INTERPRETER_PYPY ? "PyPy" : "CPython";
	int n = snprintf(ret, INTERPRETER_NAME_BYTES, "%s", kind);

	if (!hex)
		return;
	n += snprintf(ret + n, INTERPRETER_NAME_BYTES - n, " %u.%u", PYTHON_MAJOR(hex),
		      PYTHON_MINOR(hex));
	/* Up to 3.10 some builds have no more than these two numbers. */
	if (hex & 0xffff)
		n += snprintf(ret + n, INTERPRETER_NAME_BYTES - n, ".%u", hex >> 8 & 0xff);
	if (levels[level])
		snprintf(ret + n, INTERPRETER_NAME_BYTES - n, "%s%u", levels[level], hex & 15);
}
