/* SPDX-License-Identifier: MIT */
#include "daemon/process/users.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"

#define PASSWD_BYTES 16384

void users_get_name(uint32_t uid, char *ret, size_t size)
{
	static uint32_t last_uid = UINT32_MAX;
	static char last_name[64];
	struct passwd entry, *found = NULL;
	_cleanup_free_ char *buffer = NULL;

	if (uid != last_uid) {
		buffer = malloc(PASSWD_BYTES);
		if (buffer && !getpwuid_r(uid, &entry, buffer, PASSWD_BYTES, &found) && found)
			snprintf(last_name, sizeof(last_name), "%s", found->pw_name);
		else
			snprintf(last_name, sizeof(last_name), "%u", uid);
		last_uid = uid;
	}
	snprintf(ret, size, "%s", last_name);
}

int users_find(const char *name, uint32_t *ret_uid)
{
	struct passwd entry, *found = NULL;
	_cleanup_free_ char *buffer = malloc(PASSWD_BYTES);
	uint64_t uid;

	if (!parse_u64(name, UINT32_MAX - 1, &uid)) {
		*ret_uid = uid;
		return 0;
	}
	if (!buffer || getpwnam_r(name, &entry, buffer, PASSWD_BYTES, &found) || !found)
		return -ENOENT;
	*ret_uid = found->pw_uid;
	return 0;
}
