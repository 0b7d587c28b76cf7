/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf_info.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf/file.h"
#include "daemon/symbolizer/python_file.h"

#define LINK_BYTES_MAX 4096 /* of .gnu_debugaltlink */

/* Adds a segment with code, cut to what is in the file: so offset and length added never exceed 64
 * bits. */
static void take_segment(struct elf_info *info, const Elf64_Phdr *segment, uint64_t size)
{
	uint64_t offset = segment->p_offset, bytes = segment->p_filesz;

	if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || offset >= size ||
	    info->n_segments >= SYMBOLIZER_SEGMENTS_MAX)
		return;
	if (bytes > size - offset)
		bytes = size - offset;
	info->segments[info->n_segments++] =
		(struct symbolizer_segment){offset, bytes, segment->p_vaddr};
}

static void take_link(struct elf_info *info, const struct elf_file *elf)
{
	uint32_t checksum;
	const char *link = elf_file_get_debuglink(elf, &checksum);

	if (link && strlen(link) < sizeof(info->link) && !strchr(link, '/'))
		strcpy(info->link, link);
}

/* Reads the link: a path, its NUL, a build-id. libdwelf offers it only of an open DWARF, for which
 * it reads all sections. */
static void take_alt_link(struct elf_info *info, const struct elf_file *elf)
{
	const Elf64_Shdr *section = elf_file_find_section(elf, SHT_PROGBITS, ".gnu_debugaltlink");
	const Elf_Data *data = elf_file_get_data(elf, section, LINK_BYTES_MAX);
	size_t length = data ? strnlen(data->d_buf, data->d_size) : 0, id_bytes;

	if (length == 0 || length >= sizeof(info->alt_link) || length == data->d_size)
		return;
	id_bytes = data->d_size - length - 1;
	if (id_bytes == 0 || id_bytes > sizeof(info->alt_id))
		return;
	strcpy(info->alt_link, data->d_buf);
	memcpy(info->alt_id, (char *)data->d_buf + length + 1, id_bytes);
	info->alt_id_bytes = id_bytes;
}

int elf_info_read(int fd, struct elf_info *ret)
{
	_cleanup_(elf_file_done) struct elf_file elf = {.fd = -1};
	int r;

	*ret = (struct elf_info){};
	r = elf_file_open(&elf, fd);
	if (r < 0)
		return r;
	for (size_t i = 0; i < elf.n_segments; i++)
		take_segment(ret, &elf.segments[i], elf.size);
	ret->build_id_bytes = elf_file_read_build_id(&elf, ret->build_id);
	ret->has_dwarf = elf_file_find_section(&elf, SHT_PROGBITS, ".debug_info") != NULL;
	ret->has_python = python_file_has(&elf);
	take_link(ret, &elf);
	take_alt_link(ret, &elf);
	return 0;
}
