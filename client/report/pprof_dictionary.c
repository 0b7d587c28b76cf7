/* SPDX-License-Identifier: MIT */
/* Texts, functions, locations and mappings of a file of pprof, each written when it is new. */
#include <errno.h>
#include <string.h>

#include "client/report/pprof_internal.h"
#include "daemon/base/array.h"

#define PAGE_BYTES UINT64_C(4096)

void pprof_write_piece(struct pprof *pprof, const Perftools__Profile *piece)
{
	size_t size = perftools__profile__get_packed_size(piece);

	if (!pprof->error)
		pprof->error = array_fit(pprof->bytes, pprof->byte_room, size);
	if (pprof->error)
		return;
	perftools__profile__pack(piece, pprof->bytes);
	gzip_write(pprof->gzip, pprof->bytes, size);
}

int64_t pprof_find_text(struct pprof *pprof, const char *text)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	char *texts[] = {(char *)(uintptr_t)text};
	uint32_t number = 0;
	int r = table_intern(pprof->texts, text, strlen(text), &number);

	if (r < 0)
		pprof->error = r;
	if (r <= 0)
		return number;
	piece.n_string_table = 1;
	piece.string_table = texts;
	pprof_write_piece(pprof, &piece);
	return number;
}

/* The file of a frame is its source or, where there are no debug symbols, the very ELF file. */
static bool is_path_of(const char *path, const char *module)
{
	const char *slash = strrchr(path, '/');

	return slash && !strcmp(slash + 1, module);
}

static void widen_mapping(struct pprof *pprof, struct pprof_mapping *mapping,
			  const struct profile_frame *frame)
{
	if (frame->offset > mapping->highest)
		mapping->highest = frame->offset;
	if (!mapping->path && is_path_of(frame->file, frame->module))
		mapping->path = pprof_find_text(pprof, frame->file);
}

/* 0: code that is in no file that is mapped, as that of Python. */
static uint64_t find_mapping(struct pprof *pprof, const struct profile_frame *frame)
{
	struct pprof_mapping_key key;
	uint32_t number;
	int r;

	if (frame->kind == FRAME_PYTHON || !*frame->module)
		return 0;
	key.file = pprof_find_text(pprof, frame->module);
	key.build_id = pprof_find_text(pprof, frame->build_id);
	r = table_intern(pprof->mappings, &key, sizeof(key), &number);
	if (r >= 0 &&
	    array_fit(pprof->extents, pprof->extent_room, table_count(pprof->mappings)) < 0)
		r = -ENOMEM;
	if (r < 0) {
		pprof->error = r;
		return 0;
	}
	widen_mapping(pprof, &pprof->extents[number], frame);
	return number + UINT64_C(1);
}

static void write_function(struct pprof *pprof, uint64_t id, const char *name,
			   const struct profile_frame *frame)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	Perftools__Function function = PERFTOOLS__FUNCTION__INIT, *functions[] = {&function};

	function.id = id;
	function.name = pprof_find_text(pprof, name);
	function.system_name = pprof_find_text(pprof, *frame->function ? frame->function : name);
	function.filename = pprof_find_text(pprof, frame->file);
	piece.n_function = 1;
	piece.function = functions;
	pprof_write_piece(pprof, &piece);
}

static void write_location(struct pprof *pprof, uint64_t id, uint64_t function,
			   const struct profile_frame *frame)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	Perftools__Location location = PERFTOOLS__LOCATION__INIT, *locations[] = {&location};
	Perftools__Line line = PERFTOOLS__LINE__INIT, *lines[] = {&line};

	line.function_id = function;
	line.line = frame->line;
	location.id = id;
	location.mapping_id = find_mapping(pprof, frame);
	location.address = frame->offset;
	location.n_line = 1;
	location.line = lines;
	piece.n_location = 1;
	piece.location = locations;
	pprof_write_piece(pprof, &piece);
}

static void write_no_stack(struct pprof *pprof, const struct profile *profile)
{
	const struct profile_frame *unknown = profile_frame(profile, 0);

	write_function(pprof, PPROF_NO_STACK, STACK_NONE, unknown);
	write_location(pprof, PPROF_NO_STACK, PPROF_NO_STACK, unknown);
}

void pprof_write_dictionary(struct pprof *pprof, const struct profile *profile)
{
	if (!pprof->n_frames)
		write_no_stack(pprof, profile);
	for (uint32_t i = pprof->n_names; i < profile_count_names(profile); i++)
		write_function(pprof, PPROF_FIRST + i, profile_name(profile, i),
			       profile_name_frame(profile, i));
	pprof->n_names = profile_count_names(profile);
	for (uint32_t i = pprof->n_frames; i <= profile_count_frames(profile); i++) {
		const struct profile_frame *frame = profile_frame(profile, i);

		write_location(pprof, PPROF_FIRST + i, PPROF_FIRST + frame->name, frame);
	}
	pprof->n_frames = profile_count_frames(profile) + 1;
}

void pprof_write_mappings(struct pprof *pprof)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	Perftools__Mapping mapping = PERFTOOLS__MAPPING__INIT, *mappings[] = {&mapping};

	piece.n_mapping = 1;
	piece.mapping = mappings;
	mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = true;
	for (uint32_t i = 0; i < table_count(pprof->mappings); i++) {
		const struct pprof_mapping_key *key = table_get_key(pprof->mappings, i, NULL);

		mapping.id = i + UINT64_C(1);
		mapping.memory_limit = (pprof->extents[i].highest | (PAGE_BYTES - 1)) + 1;
		mapping.filename = pprof->extents[i].path ?: key->file;
		mapping.build_id = key->build_id;
		pprof_write_piece(pprof, &piece);
	}
}
