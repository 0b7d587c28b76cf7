/* SPDX-License-Identifier: MIT */
/*
 * Opens files whose names a process, or a file of it, chose: by asking oxprof-deputy
 * (daemon/base/deputy_wire.h), which opens them with given rights. The daemon's own would open the
 * files of anybody: it would be enough to write down their names.
 *
 * The connection is made by deputy_prepare() or the first file, and stays until deputy_stop().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/deputy_wire.h"

struct deputy;

/* Makes a deputy; `path` is that of the socket. Returns NULL if there is no memory. */
struct deputy *deputy_new(const char *path);
struct deputy *deputy_free(struct deputy *deputy);

/* Makes the connection, without waiting: systemd starts oxprof-deputy meanwhile. Returns 0 or a
 * negative errno. */
int deputy_prepare(struct deputy *deputy);
/* Ends the connection, by which oxprof-deputy ends. */
void deputy_stop(struct deputy *deputy);

/*
 * Opens a file below the root, which stays the caller's, with these rights, for reading: a regular
 * file only, and no link leads out of the root. no_follow: the last part of the path may not be a
 * link. Returns the descriptor, or a negative errno: -EAGAIN where oxprof-deputy has not started
 * yet, -ETIMEDOUT where it took longer than wait_usec, -ENOTCONN where it cannot be reached.
 */
int deputy_open(struct deputy *deputy, int root, const char *path, bool no_follow,
		const struct deputy_rights *rights, uint64_t wait_usec);
