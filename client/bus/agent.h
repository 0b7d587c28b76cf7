/* SPDX-License-Identifier: MIT */
/* The text agent of polkit: asks for the password on the terminal. */
#pragma once

#include <sys/types.h>

/* Starts it and waits until it is registered. 0: not needed (root), not possible (no terminal) or
 * not there; else its pid, to be given to agent_stop(). */
pid_t agent_start(void);
void agent_stop(pid_t agent);
