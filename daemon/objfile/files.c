/* SPDX-License-Identifier: MIT */
#include "daemon/objfile/files.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/file_id.h"
#include "daemon/base/table.h"
#include "daemon/process/process.h"
#include "daemon/process/rights.h"

/* A mapping of an image, as long as the image lives; a key of the table, so without padding. */
struct place {
	uint64_t start, end, file_offset, since_ns;
	uint64_t image;
};

/* Places are forgotten all at once beyond this many: they are looked up again. */
#define PLACES_MAX 200000

/* The contents of a file, at the index of its number - 1. */
struct file_content {
	/* Either is NULL if it has not been read, or the file has none. */
	struct elf_info *info;
	struct symbolizer_python *python;
	bool is_read;
	uint8_t n_tries;
};

/* A file that took too long is tried again this often: the machine may just be busy. */
#define TRIES_MAX 3

struct files {
	char *proc;
	struct inspector *inspector;
	uint64_t n_late;
	struct file_content *contents;
	size_t contents_size;
	struct table *files; /* struct file_id -> number - 1 */
	struct table *places;
	uint32_t *numbers; /* by index of the place; 0 if it has no file */
	size_t numbers_size;
};

struct files *files_new(const char *proc, struct inspector *inspector)
{
	struct files *files = calloc(1, sizeof(*files));

	assert(proc && inspector);
	if (!files)
		return NULL;
	files->inspector = inspector;
	files->proc = strdup(proc);
	files->files = table_new();
	files->places = table_new();
	if (!files->proc || !files->files || !files->places)
		return files_free(files);
	return files;
}

static void contents_clear(struct files *files)
{
	for (size_t i = 0; i < files->contents_size; i++) {
		free(files->contents[i].info);
		free(files->contents[i].python);
	}
	free(take_ptr(files->contents));
	files->contents_size = 0;
}

struct files *files_free(struct files *files)
{
	if (!files)
		return NULL;
	contents_clear(files);
	table_free(files->files);
	table_free(files->places);
	free(files->numbers);
	free(files->proc);
	free(files);
	return NULL;
}

void files_clear(struct files *files)
{
	table_clear(files->files);
	table_clear(files->places);
	contents_clear(files);
}

enum way {
	WAY_MAPPED,
	WAY_PATH, /* what is no longer mapped: another file may be there by now */
	WAY_GONE, /* the path as PID 1 sees it, for a process that is gone; certainly the file */
	WAY_INIT, /* likewise, but another file may be there */
	N_WAYS,
};

/* Opens the file that is at the path of the mapping now. It was the process that chose the path, at
 * a time of which it is not known whose the process was: so it is what everybody may read. */
static int open_path(const struct files *files, uint32_t pid, const struct mapping *mapping)
{
	const struct named_file named = {.proc = files->proc, .pid = pid, .path = mapping->path};
	struct deputy_rights nobody;
	_cleanup_close_ int fd = -1;
	int r;

	rights_set_nobody(&nobody);
	fd = inspect_open(files->inspector, &named, &nobody);
	if (fd < 0)
		return fd;
	r = process_check_mapped(fd, mapping);
	return r < 0 ? r : take_fd(&fd);
}

/* Returns a time at which the file was mapped. */
static uint64_t mapped_ns(const struct image *image, const struct mapping *mapping)
{
	return mapping->since_ns ?: image->since_ns ?: image->read_ns;
}

static int open_file(const struct files *files, const struct image *image,
		     const struct mapping *mapping, enum way way)
{
	switch (way) {
	case WAY_MAPPED:
		return process_open_mapped(files->proc, image->pid, mapping);
	case WAY_PATH:
		return open_path(files, image->pid, mapping);
	case WAY_GONE:
		return process_open_gone(files->proc, mapping, mapped_ns(image, mapping));
	default:
		return open_path(files, 1, mapping);
	}
}

static bool is_for_gone(enum way way)
{
	return way == WAY_GONE || way == WAY_INIT;
}

static bool is_late(struct file_content *content, int error)
{
	return error == -EAGAIN || (error == -ETIMEDOUT && ++content->n_tries < TRIES_MAX);
}

static int python_read(struct files *files, struct file_content *content, int fd)
{
	_cleanup_free_ struct symbolizer_python *python = malloc(sizeof(*python));
	int r;

	if (!python)
		return -ENOMEM;
	r = inspect_python(files->inspector, fd, python);
	if (is_late(content, r))
		return -EAGAIN;
	content->python = r < 0 || python->kind == SYMBOLIZER_PYTHON_NONE ? NULL : take_ptr(python);
	return 0;
}

/* Reads what is in the file. Returns 0, also if it is no ELF file; -EAGAIN if that is not possible
 * now; -ENOMEM. */
static int content_read(struct files *files, struct file_content *content, int fd)
{
	_cleanup_free_ struct elf_info *info = malloc(sizeof(*info));
	int r;

	if (!info)
		return -ENOMEM;
	r = inspect_file(files->inspector, fd, info);
	if (is_late(content, r))
		return -EAGAIN;
	if (r == 0 && info->has_python) {
		int python_r = python_read(files, content, fd);

		if (python_r < 0)
			return python_r;
	}
	content->is_read = true;
	content->info = r < 0 ? NULL : take_ptr(info);
	return 0;
}

static int identify(struct files *files, int fd, uint32_t *ret)
{
	struct file_content *content;
	struct file_id id;
	int r = file_id_read(fd, &id);

	if (r < 0)
		return r;
	r = table_intern(files->files, &id, sizeof(id), ret);
	if (r < 0)
		return r;
	r = array_reserve(files->contents, files->contents_size, (size_t)*ret + 1);
	if (r < 0)
		return r;
	content = &files->contents[*ret];
	*ret += 1;
	return content->is_read ? 0 : content_read(files, content, fd);
}

/* True if the file is the one that was mapped, as far as is known: an event of a mapping may have
 * the build-id instead of an inode. */
static bool has_build_id(const struct elf_info *info, const struct mapping *mapping)
{
	return !mapping->build_id_bytes ||
	       (info->build_id_bytes == mapping->build_id_bytes &&
		!memcmp(info->build_id, mapping->build_id, info->build_id_bytes));
}

/* Checks that the opened file is the one that was mapped; takes the descriptor. Returns 1, the
 * number and the descriptor if it is; 0 if it is another file; a negative errno if that cannot be
 * decided now. */
static int check_file(struct files *files, int fd, const struct mapping *mapping, uint32_t *ret,
		      int *ret_fd)
{
	_cleanup_close_ int own = fd;
	int r = identify(files, fd, ret);

	if (r < 0)
		return r;
	if (!has_build_id(files_get_elf_info(files, *ret), mapping)) {
		*ret = 0;
		return 0;
	}
	*ret_fd = take_fd(&own);
	return 1;
}

/* Finds the number of the file behind a mapping. Returns 0 and the number, which is 0 if there is
 * no such file; a negative errno if that cannot be decided now. */
static int find_number(struct files *files, const struct image *image,
		       const struct mapping *mapping, uint32_t *ret, int *ret_fd)
{
	bool is_gone = false;
	int r = 0;

	*ret = 0;
	if (!mapping_is_file(mapping))
		return 0;
	for (enum way way = 0; way < N_WAYS && r == 0; way++) {
		int fd = is_for_gone(way) && !is_gone ? -ENOENT
						      : open_file(files, image, mapping, way);

		is_gone |= fd == -ESRCH;
		if (fd == -EAGAIN)
			r = fd;
		if (fd >= 0)
			r = check_file(files, fd, mapping, ret, ret_fd);
	}
	return r < 0 ? r : 0;
}

/* Remembers the number. Failure has no consequence but that the place is looked up again. */
static void place_remember(struct files *files, const struct place *place, uint32_t number)
{
	uint32_t index;

	if (table_count(files->places) >= PLACES_MAX)
		table_clear(files->places);
	if (table_intern(files->places, place, sizeof(*place), &index) < 0)
		return;
	if (array_reserve(files->numbers, files->numbers_size, index + 1) < 0)
		table_clear(files->places);
	else
		files->numbers[index] = number;
}

uint32_t files_find(struct files *files, const struct image *image, const struct mapping *mapping,
		    int *ret_fd)
{
	struct place place = {mapping->start, mapping->end, mapping->file_offset, mapping->since_ns,
			      image->id};
	_cleanup_close_ int fd = -1;
	uint32_t index, number = 0;
	bool known = table_find(files->places, &place, sizeof(place), &index) == 0;

	if (ret_fd)
		*ret_fd = -1;
	if (known && (!ret_fd || !files->numbers[index]))
		return files->numbers[index];
	if (find_number(files, image, mapping, &number, &fd) < 0) {
		files->n_late++;
		return known ? files->numbers[index] : 0;
	}
	if (!known)
		place_remember(files, &place, number);
	else if (number != files->numbers[index])
		return files->numbers[index]; /* another file is there now */
	if (ret_fd && number)
		*ret_fd = take_fd(&fd);
	return number;
}

uint32_t files_count(const struct files *files)
{
	return table_count(files->files);
}

uint64_t files_count_late(const struct files *files)
{
	return files->n_late;
}

const struct elf_info *files_get_elf_info(const struct files *files, uint32_t number)
{
	static const struct elf_info nothing;
	const struct elf_info *info;

	assert(number > 0 && number <= files->contents_size);
	info = files->contents[number - 1].info;
	return info ? info : &nothing;
}

const struct symbolizer_python *files_get_python(const struct files *files, uint32_t number)
{
	assert(number > 0 && number <= files->contents_size);
	return files->contents[number - 1].python;
}

enum fit {
	FIT_NONE,
	FIT_INSIDE,
	FIT_START, /* the first page of the segment, from which it is mapped */
};

static enum fit segment_fit(const struct symbolizer_segment *segment, uint64_t offset)
{
	uint64_t start = segment->offset & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);

	if (offset == start)
		return FIT_START;
	return offset > start && offset < segment->offset + segment->bytes ? FIT_INSIDE : FIT_NONE;
}

/* Prefers, of two segments that share a page of the file, the one that is mapped from it, then the
 * first one that holds the byte; segments are in the order of the file. */
int files_find_vaddr(const struct files *files, uint32_t number, uint64_t offset,
		     uint64_t *ret_vaddr)
{
	const struct elf_info *info = files_get_elf_info(files, number);
	enum fit best = FIT_NONE;

	for (size_t i = 0; i < info->n_segments; i++) {
		const struct symbolizer_segment *segment = &info->segments[i];
		enum fit fit = segment_fit(segment, offset);

		if (fit <= best)
			continue;
		best = fit;
		*ret_vaddr = segment->vaddr - segment->offset + offset;
	}
	return best ? 0 : -ENOENT;
}
