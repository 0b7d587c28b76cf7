/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/reply.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/base/text.h"
#include "daemon/symbolizer/dwarf/eh_rows.h"
#include "daemon/symbolizer/elf_info.h"
#include "daemon/symbolizer/python_file.h"

/* The rest of a reply is more than its addresses and frames can take. */
#define TEXT_BYTES_MAX (SYMBOLIZER_ANSWER_BYTES / 2)

/* The frames and texts of a reply while it grows. */
struct names_reply {
	struct wire_address *addresses; /* as many as were asked for */
	struct wire_frame *frames;
	size_t n_frames, frames_size;
	struct table *texts; /* clean, each with its NUL */
	uint32_t *offsets;   /* of each text */
	size_t offsets_size;
	size_t text_bytes;
};

define_cleanup(struct eh_rows *, eh_rows_free);

static int write_part(int fd, const struct iovec *part)
{
	const char *at = part->iov_base;
	size_t left = part->iov_len;

	while (left > 0) {
		ssize_t n = write(fd, at, left);

		if (n < 0 && errno != EINTR)
			return -EIO;
		at += n > 0 ? n : 0;
		left -= n > 0 ? n : 0;
	}
	return 0;
}

static int write_reply(const struct iovec *parts, size_t n, int *ret_fd, uint32_t *ret_bytes)
{
	_cleanup_close_ int fd = memfd_create("reply", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint64_t bytes = 0;

	if (fd < 0)
		return -EIO;
	for (size_t i = 0; i < n; i++) {
		bytes += parts[i].iov_len;
		if (bytes > SYMBOLIZER_ANSWER_BYTES)
			return -EFBIG;
		if (write_part(fd, &parts[i]) < 0)
			return -EIO;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -EIO;
	*ret_fd = take_fd(&fd);
	*ret_bytes = bytes;
	return 0;
}

int reply_make_table(int file, int *ret_fd, uint32_t *ret_bytes)
{
	_cleanup_(eh_rows_free_p) struct eh_rows *rows = NULL;
	struct symbolizer_table table;
	struct wire_table head;
	int r;

	r = eh_rows_read(file, &rows);
	if (r < 0)
		return r;
	eh_rows_get(rows, &table);
	head = (struct wire_table){.n_rules = table.n_rules, .n_rows = table.n_rows};
	const struct iovec parts[] = {
		{&head, sizeof(head)},
		{(void *)table.rules, table.n_rules * sizeof(*table.rules)},
		{(void *)table.rows, table.n_rows * sizeof(*table.rows)},
	};
	return write_reply(parts, array_length(parts), ret_fd, ret_bytes);
}

int reply_make_elf_info(int file, int *ret_fd, uint32_t *ret_bytes)
{
	struct elf_info info;
	const struct iovec part = {&info, sizeof(info)};
	int r = elf_info_read(file, &info);

	return r < 0 ? r : write_reply(&part, 1, ret_fd, ret_bytes);
}

int reply_make_python(int file, int *ret_fd, uint32_t *ret_bytes)
{
	struct symbolizer_python python;
	const struct iovec part = {&python, sizeof(python)};
	int r = python_file_read(file, &python);

	return r < 0 ? r : write_reply(&part, 1, ret_fd, ret_bytes);
}

static void names_done(struct names_reply *names)
{
	free(names->addresses);
	free(names->frames);
	table_free(names->texts);
	free(names->offsets);
}

/* Adds a text, and returns its offset in the reply; one that finds no room counts as unknown. */
static int add_text(struct names_reply *names, const char *text, uint32_t *ret_offset)
{
	char clean[SYMBOLIZER_TEXT_BYTES_MAX];
	size_t length = text_clean(text, strlen(text), clean, sizeof(clean));
	uint32_t index;
	int r;

	*ret_offset = 0;
	if (names->text_bytes + length + 1 > TEXT_BYTES_MAX)
		return 0;
	r = table_intern(names->texts, clean, length + 1, &index);
	if (r < 0)
		return r;
	if (r > 0) {
		r = array_reserve(names->offsets, names->offsets_size, (size_t)index + 1);
		if (r < 0)
			return r;
		names->offsets[index] = names->text_bytes;
		names->text_bytes += length + 1;
	}
	*ret_offset = names->offsets[index];
	return 0;
}

static int add_frame(struct names_reply *names, const struct symbolizer_name *name)
{
	struct wire_frame *frame;
	int r;

	r = array_reserve(names->frames, names->frames_size, names->n_frames + 1);
	if (r < 0)
		return r;
	frame = &names->frames[names->n_frames++];
	*frame = (struct wire_frame){.start = name->start, .line = name->line};
	r = add_text(names, name->function, &frame->function);
	return r < 0 ? r : add_text(names, name->file, &frame->file);
}

static int add_address(struct names_reply *names, struct symbol_set *set, uint64_t address,
		       struct wire_address *entry)
{
	struct symbolizer_name found[SYMBOLIZER_INLINES_MAX];

	entry->first = names->n_frames;
	entry->n = symbol_set_find(set, address, &entry->vaddr, found);
	assert(entry->n <= SYMBOLIZER_INLINES_MAX);
	for (size_t i = 0; i < entry->n; i++) {
		int r = add_frame(names, &found[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int find_names(struct names_reply *names, struct symbol_set *set, const uint64_t *addresses,
		      size_t n)
{
	uint32_t offset;
	int r;

	names->addresses = calloc(n, sizeof(*names->addresses));
	names->texts = table_new();
	if (!names->addresses || !names->texts)
		return -ENOMEM;
	r = add_text(names, "", &offset);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = add_address(names, set, addresses[i], &names->addresses[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_names(const struct names_reply *names, size_t n, int *ret_fd, uint32_t *ret_bytes)
{
	_cleanup_free_ char *text = malloc(names->text_bytes);
	const struct wire_names head = {
		.n_addresses = n, .n_frames = names->n_frames, .text_bytes = names->text_bytes};
	const struct iovec parts[] = {
		{(void *)&head, sizeof(head)},
		{names->addresses, n * sizeof(*names->addresses)},
		{names->frames, names->n_frames * sizeof(*names->frames)},
		{text, names->text_bytes},
	};

	assert(names->text_bytes > 0 && names->text_bytes <= TEXT_BYTES_MAX);
	if (!text)
		return -ENOMEM;
	for (uint32_t i = 0; i < table_count(names->texts); i++) {
		size_t length;
		const void *key = table_get_key(names->texts, i, &length);

		memcpy(text + names->offsets[i], key, length);
	}
	return write_reply(parts, array_length(parts), ret_fd, ret_bytes);
}

int reply_make_names(struct symbol_lookup *lookup, enum symbolizer_source source,
		     const int files[WIRE_FILES], const uint64_t *addresses, size_t n, int *ret_fd,
		     uint32_t *ret_bytes)
{
	_cleanup_(names_done) struct names_reply names = {};
	struct symbol_set *set;
	int r;

	r = symbol_lookup_open(lookup, source, files, &set);
	if (r < 0)
		return r;
	r = find_names(&names, set, addresses, n);
	return r < 0 ? r : write_names(&names, n, ret_fd, ret_bytes);
}
