/* SPDX-License-Identifier: MIT */
/* This does what oxprof-deputy does, in the test's own process and with its rights. */
#pragma once

#include "daemon/objfile/inspect.h"

/* Opens the file below the root of the process. Returns the descriptor or a negative errno. */
int named_file_open(const struct named_file *file);
