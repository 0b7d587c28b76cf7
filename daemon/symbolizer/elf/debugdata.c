/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/debugdata.h"

#include <errno.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf/xz.h"

#define PACKED_MAX (UINT64_C(32) << 20)

int debugdata_open(const struct elf_file *elf, struct elf_file *ret, char **ret_data)
{
	const Elf64_Shdr *section = elf_file_find_section(elf, SHT_PROGBITS, ".gnu_debugdata");
	_cleanup_free_ char *packed = NULL, *data = NULL;
	size_t size;
	int r;

	if (!section)
		return -ENODATA;
	r = elf_file_read_section(elf, section, PACKED_MAX, &packed);
	if (r == 0)
		r = xz_unpack(packed, section->sh_size, SYMBOLS_DEBUGDATA_MAX, &data, &size);
	if (r == 0)
		r = elf_file_open_memory(ret, data, size);
	if (r < 0)
		return r;
	*ret_data = take_ptr(data);
	return 0;
}
