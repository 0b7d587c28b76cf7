/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "daemon/process/cgroup.h"
#include "tests/support/directory.h"

static char root[256];
static char mountinfo[300];

static void set_up(void)
{
	char path[400];

	directory_make(root, sizeof(root));
	snprintf(mountinfo, sizeof(mountinfo), "%s/mountinfo", root);
	snprintf(path, sizeof(path), "%s/v2", root);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/v2/a.slice", root);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/v2/cgroup.procs", root);
	cr_assert_not_null(fclose(fopen(path, "we")) ? NULL : root);
}

static void tear_down(void)
{
	directory_remove(root);
}

/* Writes v1 hierarchies before the mount, and something whose options look like it. */
static void write_mounts(const char *point)
{
	FILE *f = fopen(mountinfo, "we");

	cr_assert_not_null(f);
	fprintf(f, "23 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		   "32 31 0:29 / /nowhere/cpu rw,relatime - cgroup cgroup rw,cpu\n"
		   "33 31 0:30 / /nowhere/odd rw,relatime - tmpfs cgroup2 rw\n");
	if (point)
		fprintf(f, "38 31 0:31 / %s%s rw,nosuid shared:9 master:2 - cgroup2 cgroup2 rw\n",
			root, point);
	fclose(f);
}

static uint64_t inode_of(const char *name)
{
	char path[400];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	cr_assert_eq(stat(path, &st), 0);
	return st.st_ino;
}

TestSuite(cgroup, .init = set_up, .fini = tear_down);

Test(cgroup, the_id_is_the_inode_of_the_directory)
{
	uint64_t id = 0;

	write_mounts("/v2");
	cr_assert_eq(cgroup_get_id(mountinfo, "/a.slice", &id), 0);
	cr_assert_eq(id, inode_of("v2/a.slice"));
	cr_assert_eq(cgroup_get_id(mountinfo, "/", &id), 0);
	cr_assert_eq(id, inode_of("v2"));
}

Test(cgroup, what_is_no_cgroup_is_not_found)
{
	uint64_t id = 7;

	write_mounts("/v2");
	cr_assert_eq(cgroup_get_id(mountinfo, "/b.slice", &id), -ENOENT);
	/* A file of the hierarchy is none. */
	cr_assert_eq(cgroup_get_id(mountinfo, "/cgroup.procs", &id), -ENOENT);
	cr_assert_eq(id, 7);
}

Test(cgroup, without_a_v2_hierarchy_there_is_none)
{
	uint64_t id = 7;

	write_mounts(NULL);
	cr_assert_eq(cgroup_get_id(mountinfo, "/a.slice", &id), -ENOSYS);
	cr_assert_eq(id, 7);
}

Test(cgroup, a_path_that_is_too_long_is_told)
{
	char path[9000];
	uint64_t id = 7;

	write_mounts("/v2");
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	cr_assert_eq(cgroup_get_id(mountinfo, path, &id), -ENAMETOOLONG);
	cr_assert_eq(id, 7);
}
