/* SPDX-License-Identifier: MIT */
/* The v2 hierarchy of cgroups: where it is mounted, and the id of a path in it. */
#pragma once

#include <stdint.h>

/* `path` as in /proc/PID/cgroup ("/system.slice/a.service"). The id is the directory's inode, as
 * bpf_get_current_cgroup_id() gives it. 0; -ENOENT: there is no such cgroup; -ENOSYS: no v2
 * hierarchy is mounted. `mountinfo` is "/proc/self/mountinfo" or a test's file. */
int cgroup_get_id(const char *mountinfo, const char *path, uint64_t *ret_id);
