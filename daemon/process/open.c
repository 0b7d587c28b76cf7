/* SPDX-License-Identifier: MIT */
/*
 * Opens the files behind the mappings of a process. The daemon's capabilities open any file, so
 * that no name and no link that a process chose may decide which: only what is mapped, which the
 * kernel itself knows, or what is proven to be the same file.
 */
#include "daemon/process/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

define_cleanup(struct maps *, maps_free);

/* True if the file is on overlayfs. Its files have numbers of their own that need not be those in a
 * mapping: nothing can be compared. */
static bool is_overlay(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/*
 * Checks by the numbers of the mapping. File systems without a device (btrfs, overlayfs) tell
 * fstat() and the mapping different numbers below major 0, so that there the inode has to do; on
 * overlayfs not even the inode is the same, and the path is believed.
 */
int process_check_mapped(int fd, const struct mapping *mapping)
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

	r = process_check_mapped(path_fd, mapping);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

static int open_range(int dir, uint64_t start, uint64_t end, const struct mapping *mapping)
{
	_cleanup_close_ int fd = -1;
	char name[64];

	snprintf(name, sizeof(name), "map_files/%llx-%llx", (unsigned long long)start,
		 (unsigned long long)end);
	fd = openat(dir, name, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : open_checked(fd, mapping);
}

static bool is_same(const struct maps_view *now, const struct mapping *mapping)
{
	if (now->end <= mapping->start || now->start >= mapping->end)
		return false;
	return mapping->inode ? now->mapping->inode == mapping->inode
			      : !strcmp(now->mapping->path, mapping->path);
}

/* Opens what is mapped now within the range of the mapping, of which another part may have been
 * unmapped or protected otherwise since: map_files knows only whole ranges of the present. */
static int open_part(const char *proc, uint32_t pid, int dir, const struct mapping *mapping)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();
	_cleanup_free_ struct maps_view *views = NULL;
	int r = maps ? process_read_maps(proc, pid, 0, maps) : -ENOMEM;
	ssize_t n = r < 0 ? r : maps_list(maps, 0, &views);

	for (ssize_t i = 0; i < n; i++)
		if (is_same(&views[i], mapping))
			return open_range(dir, views[i].start, views[i].end, mapping);
	return n < 0 ? n : -ENOENT;
}

int process_open_mapped(const char *proc, uint32_t pid, const struct mapping *mapping)
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	int fd;

	if (dir < 0)
		return dir;
	if (!mapping_is_file(mapping))
		return -ENOENT;
	fd = open_range(dir, mapping->start, mapping->end, mapping);
	return fd >= 0 ? fd : open_part(proc, pid, dir, mapping);
}

int process_open_root(const char *proc, uint32_t pid)
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	int fd;

	if (dir < 0)
		return dir;
	fd = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

/*
 * True if the file was there already when it was mapped. A number is given to another file once its
 * own is deleted, so that alone it would let a user choose: map a file, delete it, wait until a
 * file of somebody else gets the number, and leave a link to that at the path.
 */
static bool is_older(int fd, uint64_t at_ns)
{
	uint64_t now_usec = clock_realtime_usec(), age_usec, born_usec;
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &st) < 0 || !(st.stx_mask & STATX_BTIME))
		return false;
	age_usec = (clock_monotonic_ns() - at_ns) / 1000;
	born_usec = st.stx_btime.tv_sec * UINT64_C(1000000) + st.stx_btime.tv_nsec / 1000;
	return age_usec < now_usec && born_usec < now_usec - age_usec;
}

static bool is_proven(int fd, const struct mapping *mapping, uint64_t at_ns)
{
	struct stat st;

	return mapping->inode && at_ns && fstat(fd, &st) == 0 && st.st_ino == mapping->inode &&
	       major(st.st_dev) == mapping->dev_major && minor(st.st_dev) == mapping->dev_minor &&
	       is_older(fd, at_ns);
}

/* Looks at the file through an O_PATH descriptor, which opens nothing, until it is proven. */
int process_open_gone(const char *proc, const struct mapping *mapping, uint64_t at_ns)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int root = -1, fd = -1;

	assert(mapping->path);
	if (!mapping_is_file(mapping))
		return -ENOENT;
	root = process_open_root(proc, 1);
	if (root < 0)
		return root;
	fd = syscall(SYS_openat2, root, mapping->path, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	return is_proven(fd, mapping, at_ns) ? open_checked(fd, mapping) : -ESTALE;
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
