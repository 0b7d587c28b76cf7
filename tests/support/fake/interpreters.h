/* SPDX-License-Identifier: MIT */
/* Interpreters as if the recorder had met them: the linker puts this in place of its function. */
#pragma once

/* Adds so many: the processes 1, 2, ... of the users with the same numbers, every second one of
 * them PyPy. */
void interpreters_add(unsigned n);
