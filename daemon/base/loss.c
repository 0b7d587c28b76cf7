/* SPDX-License-Identifier: MIT */
#include "daemon/base/loss.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/cleanup.h"

const char *loss_name(enum ox_loss loss)
{
#define NAME(id, name, extent) [OX_LOST_##id] = name,
	static const char *const names[] = {OX_KERNEL_LOSSES(NAME) OX_DAEMON_LOSSES(NAME)};

	assert(loss < OX_N_LOSSES);
	return names[loss];
}

const char *stop_name(enum ox_stop stop)
{
	static const char *const names[] = {
		[OX_STOP_ROOT] = "root",
		[OX_STOP_CUT] = "cut",
		[OX_STOP_NO_TABLE] = "no-table",
		[OX_STOP_BROKEN] = "broken",
		[OX_STOP_UNREADABLE] = "unreadable",
		[OX_STOP_NO_RULE] = "no-rule",
		[OX_STOP_PYTHON] = "python-broken",
	};

	assert(stop < OX_N_STOPS);
	_Static_assert(array_length(names) == OX_N_STOPS, "each stop has a name");
	return names[stop];
}

enum ox_stop stop_of_frame(const char *function, const char *module)
{
	size_t length = strlen(function);

	if (*module || function[0] != '[' || function[length - 1] != ']')
		return OX_STOP_ROOT;
	for (unsigned stop = OX_STOP_ROOT + 1; stop < OX_N_STOPS; stop++)
		if (strlen(stop_name(stop)) == length - 2 &&
		    !strncmp(stop_name(stop), function + 1, length - 2))
			return stop;
	return OX_STOP_ROOT;
}
