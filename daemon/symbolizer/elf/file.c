/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"

#define SECTION_NAMES_MAX (1u << 20)
#define NOTES_MAX         65536u

int elf_file_read(const struct elf_file *elf, uint64_t offset, uint64_t size, void *ret)
{
	uint8_t *at = ret;

	if (offset > elf->size || size > elf->size - offset)
		return -ERANGE;
	if (elf->fd < 0) {
		memcpy(ret, elf->data + offset, size);
		return 0;
	}
	while (size > 0) {
		ssize_t n = pread(elf->fd, at, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -EIO;
		if (n == 0)
			return -ERANGE;
		at += n;
		offset += n;
		size -= n;
	}
	return 0;
}

static int read_memory(const struct elf_file *elf, uint64_t offset, uint64_t size, char **ret)
{
	_cleanup_free_ char *data = NULL;
	int r;

	if (offset > elf->size || size > elf->size - offset)
		return -ERANGE;
	data = malloc(size + 1);
	if (!data)
		return -ENOMEM;
	r = elf_file_read(elf, offset, size, data);
	if (r < 0)
		return r;
	data[size] = '\0';
	*ret = take_ptr(data);
	return 0;
}

int elf_file_read_section(const struct elf_file *elf, const Elf64_Shdr *section, uint64_t max,
			  char **ret)
{
	if (section->sh_size > max)
		return -EFBIG;
	return read_memory(elf, section->sh_offset, section->sh_size, ret);
}

static int check_header(const Elf64_Ehdr *header)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	/* ET_REL is what dwz makes of debug files. */
	if (header->e_machine != EM_X86_64 ||
	    (header->e_type != ET_EXEC && header->e_type != ET_DYN && header->e_type != ET_REL))
		return -ENOEXEC;
	return 0;
}

/* A table that is not all there is left out: the file goes on without it. */
static int read_segments(struct elf_file *elf, const Elf64_Ehdr *header)
{
	size_t size = header->e_phnum * sizeof(Elf64_Phdr);
	char *data;
	int r;

	if (header->e_phnum > ELF_FILE_SEGMENTS_MAX || header->e_phentsize != sizeof(Elf64_Phdr))
		return 0;
	r = read_memory(elf, header->e_phoff, size, &data);
	if (r < 0)
		return r == -ERANGE ? 0 : r;
	elf->segments = (Elf64_Phdr *)data;
	elf->n_segments = header->e_phnum;
	return 0;
}

static int read_sections(struct elf_file *elf, const Elf64_Ehdr *header)
{
	size_t size = header->e_shnum * sizeof(Elf64_Shdr);
	const Elf64_Shdr *names;
	char *data;
	int r;

	if (header->e_shentsize != sizeof(Elf64_Shdr))
		return 0;
	r = read_memory(elf, header->e_shoff, size, &data);
	if (r < 0)
		return r == -ERANGE ? 0 : r;
	elf->sections = (Elf64_Shdr *)data;
	elf->n_sections = header->e_shnum;
	if (header->e_shstrndx >= elf->n_sections)
		return 0;
	names = &elf->sections[header->e_shstrndx];
	r = elf_file_read_section(elf, names, SECTION_NAMES_MAX, &elf->section_names);
	if (r < 0)
		return r == -ERANGE || r == -EFBIG ? 0 : r;
	elf->section_names_bytes = names->sh_size;
	return 0;
}

static int read_headers(struct elf_file *elf)
{
	Elf64_Ehdr header;
	int r;

	r = elf_file_read(elf, 0, sizeof(header), &header);
	if (r < 0)
		return r == -ERANGE ? -ENOEXEC : r;
	r = check_header(&header);
	if (r == 0)
		r = read_segments(elf, &header);
	if (r == 0)
		r = read_sections(elf, &header);
	if (r < 0)
		elf_file_done(elf);
	return r;
}

int elf_file_open(struct elf_file *elf, int fd)
{
	struct stat st;

	*elf = (struct elf_file){.fd = -1};
	if (fstat(fd, &st) < 0)
		return -EIO;
	*elf = (struct elf_file){.fd = fd, .size = (uint64_t)st.st_size};
	return read_headers(elf);
}

int elf_file_open_memory(struct elf_file *elf, const void *data, size_t size)
{
	*elf = (struct elf_file){.fd = -1, .data = data, .size = size};
	return read_headers(elf);
}

void elf_file_done(struct elf_file *elf)
{
	free(elf->segments);
	free(elf->sections);
	free(elf->section_names);
	*elf = (struct elf_file){.fd = -1};
}

int elf_file_find_vaddr(const struct elf_file *elf, uint64_t vaddr, uint64_t *ret_offset,
			uint64_t *ret_bytes)
{
	for (size_t i = 0; i < elf->n_segments; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];
		uint64_t into = vaddr - segment->p_vaddr;

		if (segment->p_type != PT_LOAD || vaddr < segment->p_vaddr ||
		    into >= segment->p_filesz ||
		    __builtin_add_overflow(segment->p_offset, into, ret_offset) ||
		    *ret_offset >= elf->size)
			continue;
		*ret_bytes = segment->p_filesz - into;
		if (*ret_bytes > elf->size - *ret_offset)
			*ret_bytes = elf->size - *ret_offset;
		return 0;
	}
	return -ENOENT;
}

const char *elf_file_section_name(const struct elf_file *elf, const Elf64_Shdr *section)
{
	return section->sh_name < elf->section_names_bytes ? elf->section_names + section->sh_name
							   : "";
}

const Elf64_Shdr *elf_file_find_section(const struct elf_file *elf, uint32_t type, const char *name)
{
	for (size_t i = 0; i < elf->n_sections; i++) {
		const Elf64_Shdr *section = &elf->sections[i];

		if (section->sh_type == type &&
		    (!name || strcmp(elf_file_section_name(elf, section), name) == 0))
			return section;
	}
	return NULL;
}

static size_t find_build_id(const char *notes, size_t size, size_t align, uint8_t *ret)
{
	size_t at = 0;
	Elf64_Nhdr note;

	while (size - at >= sizeof(note)) {
		size_t name, content, end;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		content = name + ((note.n_namesz + align - 1) & ~(align - 1));
		end = content + ((note.n_descsz + align - 1) & ~(align - 1));
		if (content + note.n_descsz > size)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
		    memcmp(notes + name, "GNU", sizeof("GNU")) == 0 &&
		    note.n_descsz <= BUILD_ID_BYTES) {
			memcpy(ret, notes + content, note.n_descsz);
			return note.n_descsz;
		}
		if (end > size)
			return 0;
		at = end;
	}
	return 0;
}

static size_t read_notes(const struct elf_file *elf, uint64_t offset, uint64_t size, uint64_t align,
			 uint8_t *ret)
{
	_cleanup_free_ char *notes = NULL;

	if (size > NOTES_MAX || read_memory(elf, offset, size, &notes) < 0)
		return 0;
	return find_build_id(notes, size, align == 8 ? 8 : 4, ret);
}

/* Sections too: what dwz makes has no segments. */
size_t elf_file_read_build_id(const struct elf_file *elf, uint8_t ret[static BUILD_ID_BYTES])
{
	size_t bytes = 0;

	for (size_t i = 0; i < elf->n_segments && !bytes; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];

		if (segment->p_type == PT_NOTE)
			bytes = read_notes(elf, segment->p_offset, segment->p_filesz,
					   segment->p_align, ret);
	}
	for (size_t i = 0; i < elf->n_sections && !bytes; i++) {
		const Elf64_Shdr *section = &elf->sections[i];

		if (section->sh_type == SHT_NOTE)
			bytes = read_notes(elf, section->sh_offset, section->sh_size,
					   section->sh_addralign, ret);
	}
	return bytes;
}
