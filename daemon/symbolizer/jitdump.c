/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/jitdump.h"

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/symbolizer/ranges.h"

#define MAGIC            0x4a695444u
#define RECORD_BYTES_MAX (16u << 20) /* of a record that is read: names and lines, but no code */

enum {
	JIT_CODE_LOAD = 0,
	JIT_CODE_MOVE = 1,
	JIT_CODE_DEBUG_INFO = 2,
	JIT_CODE_CLOSE = 3,
};

struct header {
	uint32_t magic, version, total_size, elf_mach, pad, pid;
	uint64_t timestamp, flags;
};

struct record {
	uint32_t id, total_size;
	uint64_t timestamp;
};

struct load {
	uint32_t pid, tid;
	uint64_t vma, code_addr, code_size, code_index;
};

struct move {
	uint32_t pid, tid;
	uint64_t vma, old_code_addr, new_code_addr, code_size, code_index;
};

struct debug_info {
	uint64_t code_addr, nr_entry;
};

struct debug_entry {
	uint64_t code_addr;
	uint32_t line, discrim;
};

struct jit_line {
	uint64_t address;
	uint32_t line;
	uint32_t file; /* offset in texts */
};

struct jit_function {
	uint64_t loaded; /* where it was made; its lines have these addresses */
	uint64_t start;  /* where it is now, which differs once it was moved */
	uint32_t name;   /* offset in texts */
	uint32_t first_line;
	uint32_t n_lines;
};

struct jitdump {
	struct jit_function *functions;
	size_t n_functions;
	size_t functions_size;
	struct jit_line *lines;
	size_t n_lines;
	size_t lines_size;
	char *texts; /* "" at 0 */
	size_t texts_bytes;
	size_t texts_size;
	struct ranges *ranges; /* address -> index in functions */
	struct table *starts;
	uint32_t *newest; /* index of the start -> index in functions */
	size_t newest_size;
	/* Lines come before the code that they belong to: these are the address of that code, and
	 * the first of its lines. */
	uint64_t lines_for;
	size_t lines_begin;
};

struct jitdump *jitdump_free(struct jitdump *dump)
{
	if (!dump)
		return NULL;
	table_free(dump->starts);
	ranges_free(dump->ranges);
	free(dump->newest);
	free(dump->functions);
	free(dump->lines);
	free(dump->texts);
	free(dump);
	return NULL;
}

define_cleanup(struct jitdump *, jitdump_free);

/* Reads exactly size bytes. Returns 0; -ENODATA if the file ends before; -EIO. */
static int read_at(int fd, uint64_t offset, void *ret, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pread(fd, (char *)ret + done, size - done, offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -EIO : -ENODATA;
		done += n;
	}
	return 0;
}

/* Appends a text and returns its offset. Returns -ENODATA if there are too many. */
static int add_text(struct jitdump *dump, const char *text, uint32_t *ret)
{
	size_t bytes = strlen(text) + 1;
	int r;

	assert(dump->texts_bytes <= JITDUMP_TEXT_MAX);
	if (bytes > JITDUMP_TEXT_MAX - dump->texts_bytes)
		return -ENODATA;
	r = array_reserve(dump->texts, dump->texts_size, dump->texts_bytes + bytes);
	if (r < 0)
		return r;
	memcpy(dump->texts + dump->texts_bytes, text, bytes);
	*ret = dump->texts_bytes;
	dump->texts_bytes += bytes;
	return 0;
}

static int add_line(struct jitdump *dump, const struct debug_entry *entry, uint32_t file)
{
	int r;

	if (dump->n_lines >= JITDUMP_LINES_MAX)
		return -ENODATA;
	r = array_reserve(dump->lines, dump->lines_size, dump->n_lines + 1);
	if (r < 0)
		return r;
	dump->lines[dump->n_lines++] = (struct jit_line){entry->code_addr, entry->line, file};
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	const struct jit_line *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Adds up to n lines. `body` ends with a NUL that is not of the file. The name "\xff" stands for
 * that of the line before. Returns 0, -ENODATA if there are too many, or -ENOMEM. */
static int add_entries(struct jitdump *dump, uint64_t n, const char *body, size_t size)
{
	struct debug_entry entry;
	uint32_t file = 0;
	size_t at = 0;

	for (uint64_t i = 0; i < n && at <= size && size - at >= sizeof(entry); i++) {
		const char *name = body + at + sizeof(entry);
		int r = strcmp(name, "\xff") != 0 ? add_text(dump, name, &file) : 0;

		if (r < 0)
			return r;
		memcpy(&entry, body + at, sizeof(entry));
		r = add_line(dump, &entry, file);
		if (r < 0)
			return r;
		at += sizeof(entry) + strlen(name) + 1;
	}
	return 0;
}

/* Reads the lines of the code that comes next, and sorts them, also where some are missing. Returns
 * as add_entries(), or -ENODATA if the record is too short. */
static int add_debug_info(struct jitdump *dump, const char *body, size_t size)
{
	struct debug_info info;
	int r;

	if (size < sizeof(info))
		return -ENODATA;
	memcpy(&info, body, sizeof(info));
	dump->lines_for = info.code_addr;
	dump->lines_begin = dump->n_lines;
	r = add_entries(dump, info.nr_entry, body + sizeof(info), size - sizeof(info));
	if (dump->n_lines > dump->lines_begin)
		qsort(dump->lines + dump->lines_begin, dump->n_lines - dump->lines_begin,
		      sizeof(*dump->lines), compare_lines);
	return r;
}

static int add_function(struct jitdump *dump, const struct jit_function *function, uint64_t size)
{
	uint32_t start;
	int r;

	if (dump->n_functions >= JITDUMP_RECORDS_MAX)
		return -ENODATA;
	r = array_reserve(dump->functions, dump->functions_size, dump->n_functions + 1);
	if (r < 0)
		return r;
	r = table_intern(dump->starts, &function->start, sizeof(function->start), &start);
	if (r < 0)
		return r;
	r = array_reserve(dump->newest, dump->newest_size, start + 1);
	if (r < 0)
		return r;
	r = ranges_add(dump->ranges, function->start, size, dump->n_functions);
	if (r < 0)
		return r == -E2BIG ? -ENODATA : r;
	dump->newest[start] = dump->n_functions;
	dump->functions[dump->n_functions++] = *function;
	return 0;
}

static int add_load(struct jitdump *dump, const char *body, size_t size)
{
	struct jit_function function = {};
	struct load load;
	int r;

	if (size < sizeof(load))
		return -ENODATA;
	memcpy(&load, body, sizeof(load));
	function.loaded = function.start = load.code_addr;
	if (dump->n_lines > dump->lines_begin && dump->lines_for == load.code_addr) {
		function.first_line = dump->lines_begin;
		function.n_lines = dump->n_lines - dump->lines_begin;
	}
	dump->lines_begin = dump->n_lines;
	r = add_text(dump, body + sizeof(load), &function.name);
	return r < 0 ? r : add_function(dump, &function, load.code_size);
}

/* Finds the newest code that was made at that address, or moved there. */
static const struct jit_function *find_newest(const struct jitdump *dump, uint64_t start)
{
	uint32_t index;

	if (table_find(dump->starts, &start, sizeof(start), &index) < 0)
		return NULL;
	return &dump->functions[dump->newest[index]];
}

static int add_move(struct jitdump *dump, const char *body, size_t size)
{
	const struct jit_function *old;
	struct jit_function function;
	struct move move;
	int r;

	if (size < sizeof(move))
		return -ENODATA;
	memcpy(&move, body, sizeof(move));
	old = find_newest(dump, move.old_code_addr);
	if (!old)
		return 0;
	function = *old;
	function.start = move.new_code_addr;
	r = ranges_add(dump->ranges, move.old_code_addr, move.code_size, RANGES_NONE);
	if (r < 0)
		return r == -E2BIG ? -ENODATA : r;
	return add_function(dump, &function, move.code_size);
}

static int add_record(struct jitdump *dump, uint32_t id, const char *body, size_t size)
{
	switch (id) {
	case JIT_CODE_LOAD:
		return add_load(dump, body, size);
	case JIT_CODE_MOVE:
		return add_move(dump, body, size);
	case JIT_CODE_DEBUG_INFO:
		return add_debug_info(dump, body, size);
	case JIT_CODE_CLOSE:
		return -ENODATA;
	default:
		return 0; /* unwinding info, and records of later versions */
	}
}

/* Counts the bytes of a record's body that are read: none of the code itself. */
static size_t count_wanted(const struct record *record)
{
	size_t body = record->total_size - sizeof(*record);
	size_t most = record->id == JIT_CODE_DEBUG_INFO ? RECORD_BYTES_MAX
		      : record->id == JIT_CODE_LOAD     ? sizeof(struct load) + 4096
							: sizeof(struct move);

	return body < most ? body : most;
}

static int read_record(struct jitdump *dump, int fd, uint64_t *offset)
{
	_cleanup_free_ char *body = NULL;
	struct record record;
	size_t wanted;
	int r = read_at(fd, *offset, &record, sizeof(record));

	if (r < 0)
		return r;
	if (record.total_size < sizeof(record))
		return -ENODATA;
	wanted = count_wanted(&record);
	body = malloc(wanted + 1);
	if (!body)
		return -ENOMEM;
	r = read_at(fd, *offset + sizeof(record), body, wanted);
	if (r < 0)
		return r;
	body[wanted] = '\0';
	*offset += record.total_size;
	return add_record(dump, record.id, body, wanted);
}

static int check_header(const struct header *header)
{
	return header->magic == MAGIC && header->version == 1 && header->elf_mach == EM_X86_64 &&
			       header->total_size >= sizeof(*header)
		       ? 0
		       : -ENOEXEC;
}

static int read_records(struct jitdump *dump, int fd)
{
	struct header header;
	uint64_t offset;
	int r = read_at(fd, 0, &header, sizeof(header));

	if (r < 0)
		return r == -ENODATA ? -ENOEXEC : r;
	r = check_header(&header);
	if (r < 0)
		return r;
	offset = header.total_size;
	for (size_t i = 0; i < JITDUMP_RECORDS_MAX && offset < JITDUMP_BYTES_MAX; i++) {
		r = read_record(dump, fd, &offset);
		if (r < 0)
			return r == -ENODATA ? 0 : r;
	}
	return 0;
}

int jitdump_read(int fd, struct jitdump **ret)
{
	_cleanup_(jitdump_free_p) struct jitdump *dump = calloc(1, sizeof(*dump));
	uint32_t empty;
	int r;

	if (!dump)
		return -ENOMEM;
	dump->ranges = ranges_new();
	dump->starts = table_new();
	if (!dump->ranges || !dump->starts)
		return -ENOMEM;
	r = add_text(dump, "", &empty);
	if (r < 0)
		return r;
	r = read_records(dump, fd);
	if (r < 0)
		return r;
	r = ranges_sort(dump->ranges);
	if (r < 0)
		return r;
	*ret = take_ptr(dump);
	return 0;
}

/* Finds the last line that begins at or before the address. */
static const struct jit_line *find_line(const struct jitdump *dump,
					const struct jit_function *function, uint64_t address)
{
	const struct jit_line *lines;
	size_t n;

	if (!function->n_lines)
		return NULL;
	lines = &dump->lines[function->first_line];
	n = array_upper_bound(lines, function->n_lines, .address, address);
	return n > 0 ? &lines[n - 1] : NULL;
}

int jitdump_find(const struct jitdump *dump, uint64_t address, struct jitdump_name *ret)
{
	uint32_t index = ranges_find(dump->ranges, address);
	const struct jit_function *function;
	const struct jit_line *line;

	if (index == RANGES_NONE)
		return -ENOENT;
	assert(index < dump->n_functions);
	function = &dump->functions[index];
	line = find_line(dump, function, address - function->start + function->loaded);
	*ret = (struct jitdump_name){
		.function = dump->texts + function->name,
		.file = dump->texts + (line ? line->file : 0),
		.start = function->start,
		.line = line ? line->line : 0,
	};
	return 0;
}

size_t jitdump_bytes(const struct jitdump *dump)
{
	return sizeof(*dump) + dump->functions_size * sizeof(*dump->functions) +
	       dump->lines_size * sizeof(*dump->lines) + dump->texts_size +
	       dump->newest_size * sizeof(*dump->newest) + table_bytes(dump->starts) +
	       ranges_bytes(dump->ranges);
}
