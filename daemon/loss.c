/* SPDX-License-Identifier: MIT */
#include "daemon/loss.h"

#include "daemon/cleanup.h"

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
	[OX_LOST_USER_STACK] = {"user-stack", "user stacks without a caller above the leaf"},
	[OX_LOST_CUT] = {"stack-cut", "stacks deeper than is kept; the leaf end is there"},
	[OX_LOST_CHILD] = {"child", "children not followed: the table is full"},
	[OX_LOST_MAPPINGS] = {"mappings", "notices of new mappings dropped by the kernel"},
	[OX_LOST_GONE] = {"gone", "samples without names: the process was gone too soon"},
	[OX_LOST_BROKEN] = {"stack-broken",
			    "user stacks that led out of all code; they end before that"},
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
