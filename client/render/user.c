/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "client/render/render.h"

char *render_user(uint64_t uid)
{
	struct passwd *user = getpwuid((uid_t)uid);
	char *text;

	if (user)
		return strdup(user->pw_name);
	return asprintf(&text, "%" PRIu64, uid) < 0 ? NULL : text;
}
