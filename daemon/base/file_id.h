/* SPDX-License-Identifier: MIT */
/* The identity of an open file: tells it from another one, and from itself when it was written
 * again. A build-id does not: it is a claim of the file's own. */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

/* All bytes are compared, so there is no padding. Zeros say that there is no file. */
struct file_id {
	uint64_t device, inode, size;
	int64_t mtime_sec, mtime_nsec, ctime_sec, ctime_nsec;
};

static inline struct file_id file_id_of(const struct stat *st)
{
	return (struct file_id){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.mtime_sec = st->st_mtim.tv_sec,
		.mtime_nsec = st->st_mtim.tv_nsec,
		.ctime_sec = st->st_ctim.tv_sec,
		.ctime_nsec = st->st_ctim.tv_nsec,
	};
}

/* Reads the identity of an open file into *ret. Returns 0 or a negative errno. */
static inline int file_id_read(int fd, struct file_id *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = file_id_of(&st);
	return 0;
}
