/* SPDX-License-Identifier: MIT */
/*
 * daemon/objfile/inspect.h in the test's own process: it reads the file itself, or fails when the
 * test says so. It is linked in place of the true one (tests/CMakeLists.txt).
 */
#pragma once

#include <stddef.h>

#include "daemon/objfile/inspect.h"

struct inspector {
	int error; /* instead of an answer */
	int python_error;
	size_t n_looks, n_python_looks;
};

extern struct inspector fake_inspector;
