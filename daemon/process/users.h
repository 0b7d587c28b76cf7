/* SPDX-License-Identifier: MIT */
/* Names of users, from the system's own databases (nsswitch). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes the name of a user, or the number where there is none. Remembers the last one asked
 * for. */
void users_get_name(uint32_t uid, char *ret, size_t size);
/* Finds a user by name or decimal uid. Returns 0, or -ENOENT where there is no such user. */
int users_find(const char *name, uint32_t *ret_uid);
