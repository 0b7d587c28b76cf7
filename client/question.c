/* SPDX-License-Identifier: MIT */
#include "client/question.h"

#include <unistd.h>

#include "client/agent.h"

int question_call(struct bus *bus, const struct request *request, question_fn fn, void *userdata)
{
	pid_t agent;
	int r;

	r = fn(bus, request, userdata);
	if (r >= 0 || request->no_ask_password || !isatty(STDIN_FILENO) ||
	    !bus_needs_questions(bus))
		return r;
	agent = agent_start();
	bus_allow_questions(bus);
	r = fn(bus, request, userdata);
	agent_stop(agent);
	return r;
}
