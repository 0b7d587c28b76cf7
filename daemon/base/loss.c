/* SPDX-License-Identifier: MIT */
#include "daemon/base/loss.h"

#include <string.h>

#include "daemon/base/cleanup.h"

static const struct {
	const char *name;
	const char *explain;
} losses[] = {
	[OX_LOST_LATE] = {"late", "samples: the timer came too late and skipped ticks"},
	[OX_LOST_FULL] = {"arena-full", "samples: no room in the kernel until the next drain"},
	[OX_LOST_CROWDED] = {"index-crowded", "samples: no free slot in the kernel's index"},
	[OX_LOST_NOT_PERMITTED] = {"not-permitted",
				   "samples: the process runs with other ids than its owner's"},
	[OX_LOST_KERNEL_STACK] = {"kernel-stack", "kernel stacks that could not be read"},
	[OX_LOST_USER_STACK] = {"user-stack",
				"user stacks whose memory could not be read; they end there"},
	[OX_LOST_CUT] = {"stack-cut", "stacks deeper than is kept; the leaf end is there"},
	[OX_LOST_CHILD] = {"child", "children not followed: the table is full"},
	[OX_LOST_MAPPINGS] = {"mappings", "notices of new mappings dropped by the kernel"},
	[OX_LOST_GONE] = {"gone", "samples without names: the process was gone too soon"},
	[OX_LOST_BROKEN] = {"stack-broken",
			    "user stacks that led out of all code; they end before that"},
	[OX_LOST_NO_TABLE] = {"no-table",
			      "user stacks that end in code whose unwinding table was not there"},
	[OX_LOST_NO_RULE] = {"no-rule", "user stacks that end where the table has no rule"},
	[OX_LOST_PYTHON] = {"python-broken",
			    "stacks whose Python frames could not be followed to their end"},
	[OX_LOST_PYTHON_NAME] = {"python-name",
				 "stacks with a Python frame whose name could not be read"},
	[OX_LOST_STORE] = {"store", "samples that could not be written to the database"},
};

_Static_assert(array_length(losses) == OX_N_LOSSES, "each loss has a name");

const char *loss_name(enum ox_loss loss)
{
	return losses[loss].name;
}

const char *loss_explain(enum ox_loss loss)
{
	return losses[loss].explain;
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
