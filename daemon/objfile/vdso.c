/* SPDX-License-Identifier: MIT */
#include "daemon/objfile/vdso.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "daemon/base/cleanup.h"

/* Counts the bytes of the vdso: its sections lie behind all else, in the last page that is
 * mapped. */
static size_t count_bytes(const Elf64_Ehdr *header)
{
	const Elf64_Phdr *segments = (const void *)((const char *)header + header->e_phoff);
	size_t bytes = header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;

	for (size_t i = 0; i < header->e_phnum; i++)
		if (segments[i].p_offset + segments[i].p_filesz > bytes)
			bytes = segments[i].p_offset + segments[i].p_filesz;
	return bytes;
}

int vdso_open(void)
{
	const Elf64_Ehdr *header = (const void *)getauxval(AT_SYSINFO_EHDR);
	_cleanup_close_ int fd = -1;
	size_t bytes;

	if (!header)
		return -ENOENT;
	fd = memfd_create("vdso", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	bytes = count_bytes(header);
	if (write(fd, header, bytes) != (ssize_t)bytes)
		return -EIO;
	return take_fd(&fd);
}
