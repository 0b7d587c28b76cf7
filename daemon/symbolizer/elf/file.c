/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/file.h"

#include <assert.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION_NAMES_MAX (1u << 20)
#define NOTES_MAX         65536u

int elf_file_read(const struct elf_file *elf, uint64_t offset, uint64_t size, void *ret)
{
	uint8_t *at = ret;

	assert(!elf->memory);
	if (offset > elf->size || size > elf->size - offset)
		return -ERANGE;
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

Elf_Data *elf_file_get_data(const struct elf_file *elf, const Elf64_Shdr *section, uint64_t max)
{
	Elf_Data *data;

	if (!section || section->sh_size > max)
		return NULL;
	assert(section >= elf->sections && section < elf->sections + elf->n_sections);
	data = elf_getdata(elf_getscn(elf->handle, section - elf->sections), NULL);
	return data && data->d_buf ? data : NULL;
}

static int check_header(const Elf64_Ehdr *header)
{
	if (!header || header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_X86_64)
		return -ENOEXEC;
	/* ET_REL is what dwz makes of debug files. */
	return header->e_type == ET_EXEC || header->e_type == ET_DYN || header->e_type == ET_REL
		       ? 0
		       : -ENOEXEC;
}

static void find_segments(struct elf_file *elf)
{
	size_t n;

	elf->segments = elf64_getphdr(elf->handle);
	if (elf->segments && elf_getphdrnum(elf->handle, &n) == 0 && n <= ELF_FILE_SEGMENTS_MAX)
		elf->n_segments = n;
}

/* Finds the section of the sections' names. Compressed names are not used: elf_strptr() would
 * unpack them, without a bound. */
static void find_names(struct elf_file *elf)
{
	size_t names;

	if (elf_getshdrstrndx(elf->handle, &names) == 0 && names < elf->n_sections &&
	    elf->sections[names].sh_size <= SECTION_NAMES_MAX &&
	    !(elf->sections[names].sh_flags & SHF_COMPRESSED))
		elf->names = names;
}

static int copy_sections(struct elf_file *elf)
{
	size_t n;

	if (elf_getshdrnum(elf->handle, &n) < 0)
		return 0;
	elf->sections = calloc(n + 1, sizeof(*elf->sections));
	if (!elf->sections)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const Elf64_Shdr *section = elf64_getshdr(elf_getscn(elf->handle, i));

		if (!section)
			break;
		elf->sections[elf->n_sections++] = *section;
	}
	find_names(elf);
	return 0;
}

static int read_headers(struct elf_file *elf)
{
	int r = check_header(elf64_getehdr(elf->handle));

	if (r < 0)
		return r;
	find_segments(elf);
	return copy_sections(elf);
}

int elf_file_open(struct elf_file *elf, int fd)
{
	struct stat st;
	int r;

	*elf = (struct elf_file){.fd = -1};
	if (fstat(fd, &st) < 0)
		return -EIO;
	elf_version(EV_CURRENT);
	*elf = (struct elf_file){
		.handle = elf_begin(fd, ELF_C_READ, NULL),
		.fd = fd,
		.size = (uint64_t)st.st_size,
	};
	r = read_headers(elf);
	if (r < 0)
		elf_file_done(elf);
	return r;
}

int elf_file_open_memory(struct elf_file *elf, char *memory, size_t size)
{
	int r;

	elf_version(EV_CURRENT);
	*elf = (struct elf_file){
		.handle = elf_memory(memory, size),
		.fd = -1,
		.memory = memory,
		.size = size,
	};
	r = read_headers(elf);
	if (r < 0)
		elf_file_done(elf);
	return r;
}

void elf_file_done(struct elf_file *elf)
{
	elf_end(elf->handle);
	free(elf->sections);
	free(elf->memory);
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
	return elf_strptr(elf->handle, elf->names, section->sh_name) ?: "";
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

/* Finds the build-id among notes. The size is rounded up, since ld leaves out the padding of the
 * last note, which gelf_getnote() insists on. Returns its length; 0 if there is none. */
static size_t read_notes(const struct elf_file *elf, uint64_t offset, uint64_t size, uint64_t align,
			 uint8_t *ret)
{
	Elf_Type type = align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;
	size_t at = 0, name, id;
	Elf_Data *notes = NULL;
	GElf_Nhdr note;

	if (size <= NOTES_MAX)
		notes = elf_getdata_rawchunk(elf->handle, offset, (size + 7) & ~7ul, type);
	while (notes && (at = gelf_getnote(notes, at, &note, &name, &id)) > 0)
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
		    memcmp(notes->d_buf + name, "GNU", sizeof("GNU")) == 0 &&
		    note.n_descsz <= BUILD_ID_BYTES) {
			memcpy(ret, notes->d_buf + id, note.n_descsz);
			return note.n_descsz;
		}
	return 0;
}

/* Reads sections too: the files that dwz makes have no segments. */
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

const char *elf_file_get_debuglink(const struct elf_file *elf, uint32_t *ret_checksum)
{
	return elf->names ? dwelf_elf_gnu_debuglink(elf->handle, ret_checksum) : NULL;
}
