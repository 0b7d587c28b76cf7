/* SPDX-License-Identifier: MIT */
#include "tests/support/fake/inspector.h"

#include "daemon/symbolizer/elf_info.h"
#include "daemon/symbolizer/python_file.h"
#include "tests/support/named_file.h"

struct inspector fake_inspector;

int inspect_file(struct inspector *inspector, int fd, struct elf_info *ret)
{
	int r = inspector->error;

	inspector->n_looks++;
	if (!r)
		r = elf_info_read(fd, ret);
	if (r < 0)
		*ret = (struct elf_info){};
	return r;
}

int inspect_python(struct inspector *inspector, int fd, struct symbolizer_python *ret)
{
	int r = inspector->python_error;

	inspector->n_python_looks++;
	if (!r)
		r = python_file_read(fd, ret);
	if (r < 0)
		*ret = (struct symbolizer_python){};
	return r;
}

int inspect_open(struct inspector *inspector, const struct named_file *file,
		 const struct deputy_rights *rights)
{
	inspector->rights = *rights;
	return inspector->open_error ?: named_file_open(file);
}
