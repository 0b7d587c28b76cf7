/* SPDX-License-Identifier: MIT */
#include "tests/support/fake/interpreters.h"

#include <stdbool.h>
#include <stdio.h>

#include "daemon/recorder/recorder.h"

static unsigned n_interpreters;

void interpreters_add(unsigned n)
{
	n_interpreters += n;
}

int __wrap_recorder_foreach_interpreter(struct recorder *recorder, recorder_interpreter_fn fn,
					void *userdata);
int __wrap_recorder_foreach_interpreter(struct recorder *recorder, recorder_interpreter_fn fn,
					void *userdata)
{
	int r = 0;

	for (unsigned pid = 1; pid <= n_interpreters && r >= 0; pid++) {
		bool is_read = pid % 2;
		char comm[16];
		struct recorder_interpreter interpreter = {
			.pid = pid,
			.owner = pid,
			.comm = comm,
			.name = is_read ? "CPython 3.11.2" : "PyPy",
			.file = is_read ? "/usr/bin/python3.11" : "/usr/bin/pypy3",
			.state = is_read ? "read" : "pypy",
			.note = is_read ? "" : "its frames are made otherwise",
		};

		snprintf(comm, sizeof(comm), "app%u", pid);
		r = fn(userdata, &interpreter);
	}
	return r;
}
