/* SPDX-License-Identifier: MIT */
#include "daemon/base/loss.h"

#include <string.h>

#include "daemon/base/cleanup.h"

const char *loss_name(enum ox_loss loss)
{
#define NAME(id, name, extent) [OX_LOST_##id] = name,
	static const char *const names[] = {OX_KERNEL_LOSSES(NAME) OX_DAEMON_LOSSES(NAME)};

	return names[loss];
}

const char *end_name(enum ox_end end)
{
	static const char *const names[] = {
		[OX_END_ROOT] = "root",
		[OX_END_CUT] = "cut",
		[OX_END_NO_TABLE] = "no-table",
		[OX_END_BROKEN] = "broken",
		[OX_END_UNREADABLE] = "unreadable",
		[OX_END_NO_RULE] = "no-rule",
		[OX_END_PYTHON] = "python-broken",
	};

	_Static_assert(array_length(names) == OX_N_ENDS, "each end has a name");
	return names[end];
}

enum ox_end end_of_frame(const char *function, const char *module)
{
	size_t length = strlen(function);

	if (*module || function[0] != '[' || function[length - 1] != ']')
		return OX_END_ROOT;
	for (unsigned end = OX_END_ROOT + 1; end < OX_N_ENDS; end++)
		if (strlen(end_name(end)) == length - 2 &&
		    !strncmp(end_name(end), function + 1, length - 2))
			return end;
	return OX_END_ROOT;
}
