/* SPDX-License-Identifier: MIT */
#include "daemon/process/rights.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/process/process.h"

#define NOBODY 65534 /* of users and of groups */

void rights_set_nobody(struct deputy_rights *ret)
{
	*ret = (struct deputy_rights){.uid = NOBODY, .gid = NOBODY};
}

/* Reads "\t1000\t1000\t1000\t1000": the real, effective, saved and file system's ID. Returns 1 if
 * all are the same, 0 if not, or -EINVAL. */
static int parse_ids(const char *text, uint32_t *ret)
{
	uint32_t ids[4];

	if (!text || sscanf(text, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
		return -EINVAL;
	*ret = ids[3];
	return ids[0] == ids[1] && ids[1] == ids[2] && ids[2] == ids[3];
}

/* Reads "\t4 24 1000 \n". */
static int parse_groups(const char *at, struct deputy_rights *ret)
{
	uint32_t group;
	int length;

	if (!at)
		return -EINVAL;
	for (at += strspn(at, " \t"); *at != '\n'; at += strspn(at, " \t")) {
		if (sscanf(at, "%u%n", &group, &length) != 1)
			return -EINVAL;
		if (ret->n_groups >= DEPUTY_GROUPS_MAX)
			return -E2BIG;
		ret->groups[ret->n_groups++] = group;
		at += length;
	}
	return 0;
}

static int parse_rights(const char *text, struct deputy_rights *ret)
{
	int users = parse_ids(process_find_field(text, "Uid"), &ret->uid);
	int groups = parse_ids(process_find_field(text, "Gid"), &ret->gid);

	if (users < 0 || groups < 0)
		return -EINVAL;
	if (!users || !groups) {
		rights_set_nobody(ret);
		return 0;
	}
	return parse_groups(process_find_field(text, "Groups"), ret);
}

int rights_read(const char *proc, uint32_t pid, struct deputy_rights *ret)
{
	char text[PROCESS_STATUS_BYTES];
	int r = process_read_status(proc, pid, text);

	*ret = (struct deputy_rights){};
	return r < 0 ? r : parse_rights(text, ret);
}

void rights_narrow(struct deputy_rights *rights, uid_t owner)
{
	if (owner != rights->uid && owner != 0)
		rights_set_nobody(rights);
}
