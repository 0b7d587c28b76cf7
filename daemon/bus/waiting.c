/* SPDX-License-Identifier: MIT */
#include "daemon/bus/waiting.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/authorize.h"
#include "daemon/bus/reply.h"

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

/* ---- until what was sampled is in the history ---- */

struct waiting_fresh {
	struct waiting_fresh *next;
	sd_bus_message *call;
	struct managed_wait *wait; /* NULL: it is over, and the call comes again */
};

static void fresh_free(struct waiting_fresh *fresh)
{
	manager_drop_wait(fresh->wait);
	sd_bus_message_unref(fresh->call);
	free(fresh);
}

static void on_fresh(void *userdata)
{
	struct waiting_fresh *fresh = userdata;

	fresh->wait = NULL;
	bus_call_again(fresh->call);
}

static int fresh_new(struct manager *manager, sd_bus_message *call, struct waiting_fresh **ret)
{
	struct waiting_fresh *fresh = calloc(1, sizeof(*fresh));
	int r = fresh ? manager_wait_fresh(manager, on_fresh, fresh, &fresh->wait) : -ENOMEM;

	if (r < 0) {
		free(fresh);
		return r;
	}
	fresh->call = sd_bus_message_ref(call);
	*ret = fresh;
	return 0;
}

int waiting_fresh_add(struct waiting_fresh **list, struct manager *manager, sd_bus_message *call)
{
	struct waiting_fresh *fresh;
	size_t n = 0;

	for (fresh = *list; fresh; fresh = fresh->next, n++)
		if (fresh->call == call)
			return !fresh->wait;
	if (!manager_is_running(manager, UINT32_MAX) || n >= OX_WAITING_MAX ||
	    fresh_new(manager, call, &fresh) < 0)
		return 1;
	fresh->next = *list;
	*list = fresh;
	return 0;
}

void waiting_fresh_done(struct waiting_fresh **list, const sd_bus_message *call)
{
	while (*list && (*list)->call != call)
		list = &(*list)->next;
	if (*list) {
		struct waiting_fresh *done = *list;

		*list = done->next;
		fresh_free(done);
	}
}

void waiting_fresh_drop(struct waiting_fresh **list, const sd_bus *bus)
{
	while (*list) {
		struct waiting_fresh *at = *list;

		if (bus && sd_bus_message_get_bus(at->call) != bus) {
			list = &at->next;
			continue;
		}
		*list = at->next;
		fresh_free(at);
	}
}
