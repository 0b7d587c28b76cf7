/* SPDX-License-Identifier: MIT */
/* The text agent of polkit, which asks for the password on the terminal. */
#pragma once

#include <sys/types.h>

/* Starts the agent and waits until it is registered. Returns its pid, to be given to agent_stop(),
 * or 0 where it is not needed (root), not possible (no terminal) or not installed. */
pid_t agent_start(void);
void agent_stop(pid_t agent);
