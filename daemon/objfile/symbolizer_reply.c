/* SPDX-License-Identifier: MIT */
/* Checks the replies of the symbolizer: whoever uses one afterwards need not check an index
 * again. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "daemon/base/text.h"
#include "daemon/objfile/symbolizer_internal.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* True if the file is in memory, and nobody can change it or cut it short while it is mapped. */
static bool is_sealed(int fd, uint32_t bytes)
{
	struct statfs fs;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS && fstatfs(fd, &fs) == 0 &&
	       fs.f_type == TMPFS_MAGIC && fstat(fd, &st) == 0 && st.st_size == (off_t)bytes;
}

static bool table_is_valid(const struct symbolizer_table *table)
{
	for (size_t i = 0; i < table->n_rules; i++)
		if (table->rules[i].kind >= OX_N_RULE_KINDS || table->rules[i].rbp > OX_RBP_RBP)
			return false;
	for (size_t i = 0; i < table->n_rows; i++)
		if (table->rows[i].rule >= table->n_rules ||
		    (i > 0 && table->rows[i].address <= table->rows[i - 1].address))
			return false;
	return table->n_rows > 0;
}

static int open_table(struct symbolizer_reply *reply)
{
	const struct wire_table *head = reply->map;
	struct symbolizer_table *table = &reply->table;
	size_t bytes;

	if (reply->bytes < sizeof(*head) || head->n_rules > OX_RULES_MAX ||
	    head->n_rows > SYMBOLIZER_ROWS_MAX)
		return -EBADMSG;
	bytes = sizeof(*head) + head->n_rules * sizeof(*table->rules) +
		head->n_rows * sizeof(*table->rows);
	if (bytes != reply->bytes)
		return -EBADMSG;
	table->rules = (const void *)(head + 1);
	table->n_rules = head->n_rules;
	table->rows = (const void *)(table->rules + table->n_rules);
	table->n_rows = head->n_rows;
	return table_is_valid(table) ? 0 : -EBADMSG;
}

static bool text_is_valid(const char *text, size_t bytes)
{
	if (bytes == 0 || text[0] != '\0' || text[bytes - 1] != '\0')
		return false;
	for (size_t at = 0; at < bytes;) {
		size_t length = strlen(text + at);

		if (length >= SYMBOLIZER_TEXT_BYTES_MAX || !text_is_clean(text + at))
			return false;
		at += length + 1;
	}
	return true;
}

/* True if a text starts at the offset: the rest of a text need not be clean. */
static bool offset_is_valid(const struct symbolizer_reply *reply, uint32_t offset, size_t bytes)
{
	return offset < bytes && (offset == 0 || reply->text[offset - 1] == '\0');
}

static bool names_are_valid(const struct symbolizer_reply *reply, const struct wire_names *head)
{
	for (size_t i = 0; i < head->n_addresses; i++) {
		const struct wire_address *address = &reply->addresses[i];

		if (address->n > SYMBOLIZER_INLINES_MAX || address->n > head->n_frames ||
		    address->first > head->n_frames - address->n)
			return false;
	}
	for (size_t i = 0; i < head->n_frames; i++)
		if (!offset_is_valid(reply, reply->frames[i].function, head->text_bytes) ||
		    !offset_is_valid(reply, reply->frames[i].file, head->text_bytes))
			return false;
	return text_is_valid(reply->text, head->text_bytes);
}

static int open_names(struct symbolizer_reply *reply, size_t n_addresses)
{
	const struct wire_names *head = reply->map;
	uint64_t bytes;

	if (reply->bytes < sizeof(*head) || head->n_addresses != n_addresses ||
	    head->text_bytes == 0)
		return -EBADMSG;
	bytes = sizeof(*head) + n_addresses * sizeof(*reply->addresses) +
		(uint64_t)head->n_frames * sizeof(*reply->frames) + head->text_bytes;
	if (bytes != reply->bytes)
		return -EBADMSG;
	reply->addresses = (const void *)(head + 1);
	reply->n_addresses = n_addresses;
	reply->frames = (const void *)(reply->addresses + n_addresses);
	reply->text = (const char *)(reply->frames + head->n_frames);
	return names_are_valid(reply, head) ? 0 : -EBADMSG;
}

static bool elf_info_is_valid(const struct elf_info *info)
{
	const size_t link = strnlen(info->link, sizeof(info->link));
	const size_t alt = strnlen(info->alt_link, sizeof(info->alt_link));

	if (info->n_segments > SYMBOLIZER_SEGMENTS_MAX || info->has_dwarf > 1 ||
	    info->has_python > 1 || info->build_id_bytes > BUILD_ID_BYTES ||
	    info->alt_id_bytes > BUILD_ID_BYTES)
		return false;
	for (size_t i = 0; i < info->n_segments; i++)
		if (info->segments[i].offset > INT64_MAX || info->segments[i].bytes > INT64_MAX)
			return false;
	/* `link` becomes a part of a path, in a directory that it must not choose. */
	return link < sizeof(info->link) && !memchr(info->link, '/', link) &&
	       alt < sizeof(info->alt_link) && !info->alt_link[0] == !info->alt_id_bytes;
}

static int open_elf_info(struct symbolizer_reply *reply)
{
	if (reply->bytes != sizeof(*reply->info) || !elf_info_is_valid(reply->map))
		return -EBADMSG;
	reply->info = reply->map;
	return 0;
}

static bool python_is_valid(const struct symbolizer_python *python)
{
	uint64_t end = 0;

	if (python->kind >= SYMBOLIZER_N_PYTHON_KINDS || python->is_current > 1 ||
	    python->n_offsets > PYTHON_OFFSETS_WORDS ||
	    python->n_ranges > SYMBOLIZER_PYTHON_RANGES_MAX)
		return false;
	for (size_t i = 0; i < python->n_ranges; i++) {
		const struct symbolizer_python_range *range = &python->ranges[i];

		if (range->start < end || range->start >= range->end ||
		    range->code > SYMBOLIZER_PYTHON_CALL)
			return false;
		end = range->end;
	}
	return true;
}

static int open_python(struct symbolizer_reply *reply)
{
	if (reply->bytes != sizeof(*reply->python) || !python_is_valid(reply->map))
		return -EBADMSG;
	reply->python = reply->map;
	return 0;
}

static int open_kind(struct symbolizer_reply *reply, const struct wire_request *request)
{
	switch (request->kind) {
	case WIRE_TABLE:
		return open_table(reply);
	case WIRE_ABOUT:
		return open_elf_info(reply);
	case WIRE_PYTHON:
		return open_python(reply);
	default:
		return open_names(reply, request->n_addresses);
	}
}

int reply_open(struct symbolizer_reply *reply, const struct wire_request *request, int fd,
	       uint32_t bytes)
{
	void *map;
	int r;

	*reply = (struct symbolizer_reply){};
	if (fd < 0 || bytes == 0 || bytes > SYMBOLIZER_ANSWER_BYTES || !is_sealed(fd, bytes))
		return -EBADMSG;
	map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	reply->map = map;
	reply->bytes = bytes;
	r = open_kind(reply, request);
	if (r < 0)
		reply_done(reply);
	return r;
}

void reply_done(struct symbolizer_reply *reply)
{
	if (reply->map)
		munmap((void *)reply->map, reply->bytes);
	*reply = (struct symbolizer_reply){};
}

void symbolizer_reply_get_table(const struct symbolizer_reply *reply, struct symbolizer_table *ret)
{
	assert(reply->table.rows);
	*ret = reply->table;
}

void symbolizer_reply_get_elf_info(const struct symbolizer_reply *reply, struct elf_info *ret)
{
	assert(reply->info);
	*ret = *reply->info;
}

void symbolizer_reply_get_python(const struct symbolizer_reply *reply,
				 struct symbolizer_python *ret)
{
	assert(reply->python);
	*ret = *reply->python;
}

size_t symbolizer_reply_get_names(const struct symbolizer_reply *reply, size_t i,
				  uint64_t *ret_vaddr,
				  struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX])
{
	const struct wire_address *address = &reply->addresses[i];

	assert(i < reply->n_addresses);
	*ret_vaddr = address->vaddr;
	for (size_t k = 0; k < address->n; k++) {
		const struct wire_frame *frame = &reply->frames[address->first + k];

		ret[k] = (struct symbolizer_name){.function = reply->text + frame->function,
						  .file = reply->text + frame->file,
						  .start = frame->start,
						  .line = frame->line};
	}
	return address->n;
}
