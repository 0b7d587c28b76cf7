/* SPDX-License-Identifier: MIT */
/* The rights with which files are opened whose names a process, or a file of it, chose. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/deputy_wire.h"

/* Sets the rights of nobody: what all users may read. */
void rights_set_nobody(struct deputy_rights *ret);

/*
 * Reads the rights of a process: those of its user and groups, without its capabilities. A process
 * whose four user IDs are not all the same, or whose group IDs are not, acts for two users, and may
 * have been started by either: it has the rights of nobody. Returns 0; -E2BIG where it has more
 * groups than DEPUTY_GROUPS_MAX; -EINVAL where the text of /proc is of another form; or another
 * negative errno.
 */
int rights_read(const char *proc, uint32_t pid, struct deputy_rights *ret);

/* Narrows the rights for a name that stands in a file of that owner: unless the owner is the user
 * or root, it was somebody else who chose it, and it is opened with the rights of nobody. */
void rights_narrow(struct deputy_rights *rights, uid_t owner);
