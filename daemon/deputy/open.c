/* SPDX-License-Identifier: MIT */
#include "daemon/deputy/open.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"

#define SET_CAPABILITIES (1u << CAP_SETUID | 1u << CAP_SETGID)

/* Sets the capabilities in effect to these, which all are in the first word. */
static int set_effective(uint32_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[0].effective = wanted;
	data[1].effective = 0;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* Takes on the user and its groups. setfsuid() and setfsgid() do not tell whether they failed; with
 * a number that cannot be they tell what is set. */
static int take_ids(const struct deputy_rights *rights)
{
	if (setgroups(rights->n_groups, rights->groups) < 0)
		return -errno;
	(void)setfsgid(rights->gid);
	(void)setfsuid(rights->uid);
	return (uint32_t)setfsgid(-1) == rights->gid && (uint32_t)setfsuid(-1) == rights->uid
		       ? 0
		       : -EPERM;
}

static int take_rights(const struct deputy_rights *rights)
{
	int r = set_effective(SET_CAPABILITIES), dropped;

	if (r < 0)
		return r;
	r = take_ids(rights);
	/* This is last: to become user 0 brings capabilities back, where they are permitted. */
	dropped = set_effective(0);
	return r < 0 ? r : dropped;
}

/* Opens a file that was looked at through an O_PATH descriptor first: opening alone can block (a
 * FIFO) or have effects (a device). That very file is then opened for reading. */
static int open_regular(int path_fd)
{
	struct stat st;
	char path[64];
	int fd;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

int open_as(int root, const struct deputy_request *request)
{
	/* openat2() keeps "..", absolute links and links of /proc inside the root; nothing else
	 * does that without a race. */
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (request->no_follow ? O_NOFOLLOW : 0),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int fd = -1;
	int r;

	assert(root >= 0 && request->rights.n_groups <= DEPUTY_GROUPS_MAX);
	r = take_rights(&request->rights);
	if (r < 0)
		return r;
	fd = syscall(SYS_openat2, root, request->path, &how, sizeof(how));
	return fd < 0 ? -errno : open_regular(fd);
}
