/* SPDX-License-Identifier: MIT */
/*
 * daemon/objfile/inspect.h in the test's own process: looks itself, or fails as it is told to. A
 * test that includes it does not link the true one.
 */
#pragma once

#include <errno.h>

#include "daemon/objfile/inspect.h"
#include "daemon/symbolizer/about.h"
#include "daemon/symbolizer/python_file.h"

struct look {
	int error; /* instead of an answer */
	int python_error;
	size_t n_looks, n_python_looks;
};

static struct look fake_look;

int look_at(struct look *look, int fd, struct symbolizer_about *ret)
{
	int r = look->error;

	look->n_looks++;
	if (!r)
		r = about_read(fd, ret);
	if (r < 0)
		*ret = (struct symbolizer_about){};
	return r;
}

int look_at_python(struct look *look, int fd, struct symbolizer_python *ret)
{
	int r = look->python_error;

	look->n_python_looks++;
	if (!r)
		r = python_file_read(fd, ret);
	if (r < 0)
		*ret = (struct symbolizer_python){};
	return r;
}
