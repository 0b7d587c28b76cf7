/* SPDX-License-Identifier: MIT */
/* Opens the files behind the mappings of a process so that no name or link of the process leads
 * astray. */
#include "daemon/process/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "daemon/base/cleanup.h"

/* True if the file is on overlayfs. Its files have numbers of their own that need not be those in a
 * mapping: nothing can be compared. */
static bool is_overlay(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/*
 * Checks that the descriptor is the file that was mapped. File systems without a device (btrfs,
 * overlayfs) tell fstat() and the mapping different numbers below major 0, so that there the inode
 * has to do; on overlayfs not even the inode is the same, and the path is believed. Returns 0,
 * -ESTALE for another file, -EINVAL for one that is not regular, or another negative errno.
 */
static int check_file(int fd, const struct mapping *mapping)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (mapping->inode == 0)
		return 0;
	if (st.st_ino != mapping->inode)
		return is_overlay(fd) ? 0 : -ESTALE;
	if (mapping->dev_major && major(st.st_dev) &&
	    (mapping->dev_major != major(st.st_dev) || mapping->dev_minor != minor(st.st_dev)))
		return -ESTALE;
	return 0;
}

/* Opens a file that was looked at through an O_PATH descriptor first: opening alone can block (a
 * FIFO) or have effects (a device). That very file is then opened for reading. */
static int open_checked(int path_fd, const struct mapping *mapping)
{
	char path[64];
	int r, fd;

	r = check_file(path_fd, mapping);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

static int open_map_file(int dir, const struct mapping *mapping)
{
	_cleanup_close_ int fd = -1;
	char name[64];

	snprintf(name, sizeof(name), "map_files/%llx-%llx", (unsigned long long)mapping->start,
		 (unsigned long long)mapping->end);
	fd = openat(dir, name, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : open_checked(fd, mapping);
}

static bool has_inode(int fd, const struct mapping *mapping)
{
	struct stat st;

	return mapping->inode && !fstat(fd, &st) && st.st_ino == mapping->inode;
}

/* Opens the program itself, which may have been built again while it runs: unlike map_files, this
 * link needs no capability of its own. */
static int open_exe(int dir, const struct mapping *mapping)
{
	_cleanup_close_ int fd = -1;
	char exe[PATH_MAX];

	fd = openat(dir, "exe", O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	process_read_exe(dir, exe, sizeof(exe));
	if (!has_inode(fd, mapping) && strcmp(exe, mapping->path))
		return -ENOENT;
	return open_checked(fd, mapping);
}

/* Opens a path below the process's root. openat2() keeps "..", absolute links and links of /proc
 * inside the root; nothing else does that without a race, and every kernel that has iter/ksym has
 * it. */
static int open_in_root(int dir, const struct mapping *mapping, int flags)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | flags,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int root = -1, fd = -1;

	assert(mapping->path && !(flags & ~O_NOFOLLOW));
	if (!mapping_is_file(mapping))
		return -ENOENT;
	root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	fd = syscall(SYS_openat2, root, mapping->path, &how, sizeof(how));
	return fd < 0 ? -errno : open_checked(fd, mapping);
}

int process_open_in_root(const char *proc, uint32_t pid, const char *path, int flags)
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	const struct mapping anything = {.path = path};

	return dir < 0 ? dir : open_in_root(dir, &anything, flags);
}

int process_read_view(const char *proc, uint32_t pid, struct process_view *ret)
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	struct stat root, namespace = {};

	if (dir < 0)
		return dir;
	if (fstatat(dir, "root", &root, 0) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (fstatat(dir, "ns/mnt", &namespace, 0) < 0 && errno != ENOENT)
		return -errno;
	*ret = (struct process_view){root.st_dev, root.st_ino, namespace.st_ino};
	return 0;
}

int process_open_mapped(const char *proc, uint32_t pid, const struct mapping *mapping)
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	int fd;

	if (dir < 0)
		return dir;
	fd = open_map_file(dir, mapping);
	if (fd >= 0)
		return fd;
	fd = open_exe(dir, mapping);
	return fd >= 0 ? fd : open_in_root(dir, mapping, 0);
}

int process_open_path(const char *proc, const struct mapping *mapping)
{
	_cleanup_close_ int dir = process_open_directory(proc, 1);

	return dir < 0 ? dir : open_in_root(dir, mapping, 0);
}
