/* SPDX-License-Identifier: MIT */
/* The v2 hierarchy of cgroups: where it is mounted, and the id of a path in it. */
#pragma once

#include <stdint.h>

/* Finds the id of a cgroup: the inode of its directory, as bpf_get_current_cgroup_id() gives it.
 * `path` is as in /proc/PID/cgroup ("/system.slice/a.service"); `mountinfo` is
 * "/proc/self/mountinfo" or a test's file. Returns 0, -ENOENT where there is no such cgroup,
 * -ENOSYS where no v2 hierarchy is mounted, or another negative errno. */
int cgroup_get_id(const char *mountinfo, const char *path, uint64_t *ret_id);
