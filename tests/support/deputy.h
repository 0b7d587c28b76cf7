/* SPDX-License-Identifier: MIT */
/* oxprof-deputy but for its main(), in a process of its own; it needs root. */
#pragma once

/* Listens at a path below the directory, which it writes, and serves connections, one after the
 * other, until the test ends. */
void deputy_serve_at(const char *directory, char *ret_path, unsigned size);
