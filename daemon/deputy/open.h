/* SPDX-License-Identifier: MIT */
/* Opens a file with the rights of a user, and with no others. */
#pragma once

#include "daemon/base/deputy_wire.h"

/*
 * Opens the file that the request names below the root, for reading: a regular file only, and no
 * link leads out of the root. The kernel checks the rights of the request for each directory on the
 * way and for the file; no capability is in effect meanwhile. Never blocks on a FIFO and never
 * touches a device. The process needs CAP_SETUID and CAP_SETGID, has one thread, and keeps those
 * rights until the next call. Returns the descriptor or a negative errno: -EINVAL where it is no
 * regular file, -EPERM where the rights cannot be taken on.
 */
int open_as(int root, const struct deputy_request *request);
