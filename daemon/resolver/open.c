/* SPDX-License-Identifier: MIT */
/* Finds and opens the files that tell the names in a mapping. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/objfile/vdso.h"
#include "daemon/process/process.h"
#include "daemon/process/rights.h"
#include "daemon/resolver/internal.h"

uint64_t resolver_address_in(const struct mapping *mapping, uint64_t address)
{
	return resolver_is_jit(mapping) ? address : address - mapping->start + mapping->file_offset;
}

static int find_mapping_key(struct resolver *resolver, const struct image *image,
			    const struct mapping *mapping, uint32_t *ret_index)
{
	struct mapping_key key = {mapping->start, mapping->end, mapping->file_offset,
				  mapping->since_ns, image->id};
	int r = table_intern(resolver->by_mapping, &key, sizeof(key), ret_index);

	if (r < 0)
		return r;
	if (array_reserve(resolver->mapping_sources, resolver->mapping_sources_size,
			  *ret_index + 1) < 0)
		return -ENOMEM;
	if (r > 0)
		resolver->mapping_sources[*ret_index] = 0;
	return 0;
}

/* Finds the index of the file as the process sees it: another user's may find
 * another debug file. Where the process's view of the file system
 * cannot be read, the image gets an entry of its own. */
static int find_file_key(struct resolver *resolver, const struct image *image, uint32_t file,
			 uint32_t *ret_index)
{
	struct file_key key = {.file = file};
	struct deputy_rights rights;
	int r;

	if (rights_read(resolver->proc, image->pid, &rights) < 0)
		rights_set_nobody(&rights);
	key.user = rights.uid;
	if (process_read_view(resolver->proc, image->pid, &key.view) < 0)
		key.view = (struct process_view){.device = UINT64_MAX, .inode = image->id};
	r = table_intern(resolver->by_file, &key, sizeof(key), ret_index);
	if (r < 0)
		return r;
	if (array_reserve(resolver->file_sources, resolver->file_sources_size, *ret_index + 1) < 0)
		return -ENOMEM;
	if (r > 0)
		resolver->file_sources[*ret_index] = 0;
	return 0;
}

/* Finds the source that another process of the same view has for the file, so that the file need
 * not be opened. The path has to be the same, since it is part of a frame. */
static int find_shared(struct resolver *resolver, const struct image *image,
		       const struct mapping *mapping, uint32_t *ret)
{
	uint32_t file = files_find(resolver->files, image, mapping, NULL), origin, source;
	int r;

	if (!file)
		return 0;
	r = find_file_key(resolver, image, file, &origin);
	if (r < 0)
		return r;
	source = resolver->file_sources[origin];
	if (source && !strcmp(resolver_source_key(resolver, source - 1)->path, mapping->path))
		*ret = source;
	return 0;
}

int resolver_find_source(struct resolver *resolver, const struct image *image,
			 const struct mapping *mapping, uint32_t *ret)
{
	uint32_t site;
	struct jit *jit;
	int r;

	assert(image && mapping);
	*ret = 0;
	if (resolver_is_jit(mapping)) {
		r = resolver_find_jit(resolver, image, &jit);
		if (r < 0)
			return r;
		*ret = jit->source;
		return 0;
	}
	r = find_mapping_key(resolver, image, mapping, &site);
	if (r < 0)
		return r;
	if (!resolver->mapping_sources[site]) {
		r = find_shared(resolver, image, mapping, &resolver->mapping_sources[site]);
		if (r < 0)
			return r;
	}
	*ret = resolver->mapping_sources[site];
	return 0;
}

static int open_vdso(struct resolver *resolver, uint32_t *ret)
{
	const struct source_key key = {.kind = SOURCE_VDSO};
	int fds[3] = {-1, -1, -1}, r;
	uint32_t index;

	r = resolver_intern_source(resolver, &key, "[vdso]", &index);
	if (r < 0)
		return r;
	*ret = index + 1;
	fds[0] = vdso_open();
	return fds[0] < 0 ? 0 : resolver_add_batch(resolver, index, SYMBOLIZER_ELF_OFFSETS, fds);
}

/* Interns a source for a file that cannot be opened: its build-id is the one that was read before,
 * or else the mapping's. */
static int intern_missing(struct resolver *resolver, const struct mapping *mapping, uint32_t file,
			  uint32_t *ret)
{
	const struct source_key key = {.kind = SOURCE_FILE, .file = file};
	const struct elf_info *info = file ? files_get_elf_info(resolver->files, file) : NULL;
	const uint8_t *id = info ? info->build_id : mapping->build_id;
	size_t id_bytes = info ? info->build_id_bytes : mapping->build_id_bytes;
	uint32_t index;
	int r = resolver_intern_source(resolver, &key, mapping->path, &index);

	if (r < 0)
		return r;
	build_id_format(id, id_bytes, resolver->source[index].build_id);
	*ret = index + 1;
	return 0;
}

/* Takes fd and the descriptors in *found, also on failure. */
static int add_file(struct resolver *resolver, const struct image *image,
		    const struct mapping *mapping, uint32_t file, int fd, struct debug_file *found,
		    uint32_t *ret)
{
	const struct source_key key = {
		.kind = SOURCE_FILE,
		.file = file,
		.id = found->debug_id,
		.alt_id = found->alt_id,
	};
	int fds[3] = {fd, found->debug, found->alt};
	uint32_t index, origin;
	int r = resolver_intern_source(resolver, &key, mapping->path, &index);

	if (r == 0)
		r = find_file_key(resolver, image, file, &origin);
	if (r < 0) {
		debug_file_done(found);
		close(fd);
		return r;
	}
	strcpy(resolver->source[index].build_id, found->build_id);
	*ret = resolver->file_sources[origin] = index + 1;
	return resolver_add_batch(resolver, index, SYMBOLIZER_ELF_OFFSETS, fds);
}

static int open_file(struct resolver *resolver, const struct image *image,
		     const struct mapping *mapping, uint32_t *ret)
{
	struct debug_file_owner owner;
	struct debug_file found;
	uint32_t file;
	int fd;

	file = files_find(resolver->files, image, mapping, &fd);
	if (fd < 0)
		return *ret ? 0 : intern_missing(resolver, mapping, file, ret);
	owner = (struct debug_file_owner){image->pid, fd, mapping->path,
					  files_get_elf_info(resolver->files, file)};
	if (debug_file_find(resolver->inspector, resolver->proc, &owner, &found) < 0) {
		close(fd);
		return *ret ? 0 : intern_missing(resolver, mapping, file, ret);
	}
	return add_file(resolver, image, mapping, file, fd, &found, ret);
}

int resolver_open_source(struct resolver *resolver, const struct image *image,
			 const struct mapping *mapping, uint64_t at_ns, uint32_t *ret)
{
	uint32_t site;
	int r;

	if (resolver_is_jit(mapping))
		return resolver_open_jit(resolver, image, at_ns, ret);
	r = find_mapping_key(resolver, image, mapping, &site);
	if (r < 0)
		return r;
	*ret = resolver->mapping_sources[site];
	if (*ret && resolver->source[*ret - 1].batch)
		return 0;
	r = mapping_is_vdso(mapping) ? open_vdso(resolver, ret)
				     : open_file(resolver, image, mapping, ret);
	if (r < 0)
		return r;
	resolver->mapping_sources[site] = *ret;
	return 0;
}
