/* SPDX-License-Identifier: MIT */
#include "client/bus/password.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "client/bus/agent.h"
#include "daemon/base/api.h"

/* Set while one thread asks: there is one terminal, and polkit knows one agent for a process. */
static atomic_flag asking = ATOMIC_FLAG_INIT;

/* True if no password was accepted: polkit refuses a right that a password gives only after it has
 * asked for one in vain. */
static bool was_rejected(const struct bus *bus)
{
	const char *name = bus_get_error(bus);

	return name && !strcmp(name, OX_ERROR_NOT_PERMITTED);
}

bool question_is_possible(const struct bus *bus, const struct request *request)
{
	return !request->no_ask_password && isatty(STDIN_FILENO) && bus_needs_questions(bus);
}

int question_ask(struct bus *bus, const struct request *request, question_fn fn, void *userdata)
{
	pid_t agent;
	int r;

	assert(fn);
	if (atomic_flag_test_and_set(&asking))
		return -EINPROGRESS;
	agent = agent_start();
	bus_allow_questions(bus);
	r = fn(bus, request, userdata);
	bus_forbid_questions(bus);
	agent_stop(agent);
	atomic_flag_clear(&asking);
	return r < 0 && was_rejected(bus) ? -EKEYREJECTED : r;
}

int question_call(struct bus *bus, const struct request *request, question_fn fn, void *userdata)
{
	int r = fn(bus, request, userdata);

	return r < 0 && question_is_possible(bus, request)
		       ? question_ask(bus, request, fn, userdata)
		       : r;
}
