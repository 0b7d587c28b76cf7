/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/dwarf/file.h"

#include <assert.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf/file.h"

/* Checks how much memory the compressed sections would take, as their headers say. gelf_getchdr()
 * would read all of each section for these few bytes. Returns 0 or -EFBIG. */
static int check_unpacked(const struct elf_file *elf)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < elf->n_sections; i++) {
		const Elf64_Shdr *section = &elf->sections[i];
		Elf64_Chdr header;

		if (!(section->sh_flags & SHF_COMPRESSED) ||
		    elf_file_read(elf, section->sh_offset, sizeof(header), &header) < 0)
			continue;
		assert(sum <= DWARF_FILE_UNPACKED_MAX);
		if (header.ch_size > DWARF_FILE_UNPACKED_MAX - sum)
			return -EFBIG;
		sum += header.ch_size;
	}
	return 0;
}

static bool has_debug_info(const struct elf_file *elf)
{
	for (size_t i = 0; i < elf->n_sections; i++)
		if (elf->sections[i].sh_type == SHT_PROGBITS &&
		    (!strcmp(elf_file_section_name(elf, &elf->sections[i]), ".debug_info") ||
		     !strcmp(elf_file_section_name(elf, &elf->sections[i]), ".zdebug_info")))
			return true;
	return false;
}

static int open_one(int fd, Dwarf **ret)
{
	struct elf_file elf;
	int r;

	r = elf_file_open(&elf, fd);
	if (r < 0)
		return r == -ENOEXEC ? -ENODATA : r;
	r = has_debug_info(&elf) ? check_unpacked(&elf) : -ENODATA;
	elf_file_done(&elf);
	if (r < 0)
		return r;
	*ret = dwarf_begin(fd, DWARF_C_READ);
	return *ret ? 0 : -ENODATA;
}

static bool has_build_id(int fd, const void *id, size_t bytes)
{
	uint8_t own[BUILD_ID_BYTES];
	struct elf_file elf;
	size_t own_bytes;

	if (elf_file_open(&elf, fd) < 0)
		return false;
	own_bytes = elf_file_read_build_id(&elf, own);
	elf_file_done(&elf);
	return own_bytes == bytes && memcmp(own, id, bytes) == 0;
}

/* Opens the file that the DWARF shares with others. libdw would look for a missing one by itself,
 * and open what it finds: so without the right one the DWARF is not used at all. */
static int open_alt(Dwarf *dwarf, int fd, Dwarf **ret)
{
	const char *name;
	const void *id;
	ssize_t bytes = dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &id);
	Dwarf *alt;
	int r;

	if (bytes == 0)
		return 0;
	if (bytes < 0 || fd < 0 || !has_build_id(fd, id, bytes))
		return -ENODATA;
	r = open_one(fd, &alt);
	if (r < 0)
		return r;
	if (dwelf_dwarf_gnu_debugaltlink(alt, &name, &id) != 0) {
		dwarf_end(alt);
		return -ENODATA;
	}
	dwarf_setalt(dwarf, alt);
	*ret = alt;
	return 0;
}

int dwarf_file_open(int fd, int alt, Dwarf **ret, Dwarf **ret_alt)
{
	Dwarf *dwarf, *other = NULL;
	int r = open_one(fd, &dwarf);

	if (r < 0)
		return r;
	r = open_alt(dwarf, alt, &other);
	if (r < 0) {
		dwarf_end(dwarf);
		return r;
	}
	*ret = dwarf;
	*ret_alt = other;
	return 0;
}

void dwarf_file_close(Dwarf *dwarf, Dwarf *alt)
{
	dwarf_end(dwarf);
	dwarf_end(alt);
}
