/* SPDX-License-Identifier: MIT */
/*
 * daemon/objfile/inspect.h in the test's own process: it opens and reads the file itself, whatever
 * the rights, or fails when the
 * test says so. It is linked in place of the true one (tests/CMakeLists.txt).
 */
#pragma once

#include <stddef.h>

#include "daemon/objfile/inspect.h"

struct inspector {
	int error; /* instead of an answer */
	int python_error;
	size_t n_looks, n_python_looks;
	int open_error;
	struct deputy_rights rights; /* of the last file that was opened */
};

extern struct inspector fake_inspector;
