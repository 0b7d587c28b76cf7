/* SPDX-License-Identifier: MIT */
#include "tests/support/named_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/process/process.h"

int named_file_open(const struct named_file *file)
{
	struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC |
					(file->no_follow ? O_NOFOLLOW : 0),
			       .resolve = RESOLVE_IN_ROOT};
	_cleanup_close_ int root = process_open_root(file->proc, file->pid), fd = -1;
	struct stat st;

	if (root < 0)
		return root;
	fd = syscall(SYS_openat2, root, file->path, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? take_fd(&fd) : -EINVAL;
}
