/* SPDX-License-Identifier: MIT */
#include "daemon/bus/waiting.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/authorize.h"

int waiting_check_room(sd_bus_message *call, size_t n_all, size_t n_of_user, const char *until,
		       struct failure *failure)
{
	bool privileged = sender_is_privileged(call);

	assert(n_of_user <= n_all);
	if (!privileged && n_of_user >= OX_WAITING_PER_USER)
		return failure_set(failure, -EBUSY, OX_ERROR_LIMIT_REACHED,
				   "%zu requests of yours wait already until %s; try again later",
				   n_of_user, until);
	if (n_all >= OX_WAITING_MAX - (privileged ? 0 : OX_WAITING_FOR_ROOT))
		return failure_set(failure, -EBUSY, OX_ERROR_LIMIT_REACHED,
				   "%zu requests wait already until %s; try again later", n_all,
				   until);
	return 0;
}

int waiting_add(struct waiting *waiting, sd_bus_message *call, uint32_t uid, const char *until,
		struct failure *failure)
{
	size_t n_of_user = 0;
	int r;

	assert(waiting->n <= array_length(waiting->calls));
	for (size_t i = 0; i < waiting->n; i++)
		n_of_user += waiting->calls[i].uid == uid;
	r = waiting_check_room(call, waiting->n, n_of_user, until, failure);
	if (r < 0)
		return r;
	waiting->calls[waiting->n++] = (struct waiting_call){sd_bus_message_ref(call), uid};
	return 0;
}

struct waiting waiting_take(struct waiting *waiting)
{
	struct waiting taken = *waiting;

	*waiting = (struct waiting){0};
	return taken;
}

void waiting_drop(struct waiting *waiting, const sd_bus *bus)
{
	size_t n = 0;

	for (size_t i = 0; i < waiting->n; i++) {
		struct waiting_call *waits = &waiting->calls[i];

		if (bus && sd_bus_message_get_bus(waits->call) != bus)
			waiting->calls[n++] = *waits;
		else
			sd_bus_message_unref(waits->call);
	}
	waiting->n = n;
}
