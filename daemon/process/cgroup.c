/* SPDX-License-Identifier: MIT */
#include "daemon/process/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"

/* Finds where cgroup2 is mounted. A line of mountinfo is "ID PARENT MAJ:MIN ROOT MOUNTPOINT OPTIONS
 * ... - TYPE SOURCE SUPER". */
static int find_mount(const char *mountinfo, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen(mountinfo, "re");
	_cleanup_free_ char *line = NULL;
	size_t line_size = 0;

	if (!f)
		return -errno;
	while (getline(&line, &line_size, f) > 0) {
		char mount[4096];
		const char *type = strstr(line, " - ");

		if (!type || strncmp(type, " - cgroup2 ", 11))
			continue;
		if (sscanf(line, "%*s %*s %*s %*s %4095s", mount) != 1)
			continue;
		return snprintf(ret, size, "%s", mount) < (int)size ? 0 : -ENAMETOOLONG;
	}
	return -ENOSYS;
}

int cgroup_get_id(const char *mountinfo, const char *path, uint64_t *ret_id)
{
	char full[8192] = "";
	struct stat st;
	size_t n;
	int r = find_mount(mountinfo, full, 4096);

	if (r < 0)
		return r;
	n = strlen(full);
	if (snprintf(full + n, sizeof(full) - n, "%s", path) >= (int)(sizeof(full) - n))
		return -ENAMETOOLONG;
	if (stat(full, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOENT;
	*ret_id = st.st_ino;
	return 0;
}
