/* SPDX-License-Identifier: MIT */
#include "daemon/process/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"
#include "daemon/base/text.h"

/* Opens the one descriptor below which everything about a process is read: when the pid is used
 * again in between, the old directory answers ESRCH, and never for the new process. */
int process_open_directory(const char *proc, uint32_t pid)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%u", proc, pid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

static int open_below(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

/* Fills at most size - 1 bytes and ends them with a NUL. Returns the length or a negative errno. */
static ssize_t read_below(int dir, const char *name, char *ret, size_t size)
{
	_cleanup_close_ int fd = open_below(dir, name);
	size_t length = 0;

	assert(size > 0);
	if (fd < 0)
		return fd;
	while (length < size - 1) {
		ssize_t n = read(fd, ret + length, size - 1 - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += n;
	}
	ret[length] = '\0';
	return length;
}

/* Reads "1234 (a (b) c) S 1 ...": the comm may hold anything, so its end is the last bracket. */
static int parse_stat(const char *text, struct process_stat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long long start_ticks;
	struct process_stat stat = {};
	unsigned int ppid;
	size_t length;

	if (!open || !close || close < open)
		return -EINVAL;
	if (sscanf(close + 1,
		   " %c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%llu",
		   &stat.state, &ppid, &start_ticks) != 3)
		return -EINVAL;
	length = close - open - 1;
	memcpy(stat.comm, open + 1, length < sizeof(stat.comm) ? length : sizeof(stat.comm) - 1);
	stat.ppid = ppid;
	stat.start_ticks = start_ticks;
	*ret = stat;
	return 0;
}

int process_read_stat(const char *proc, uint32_t pid, struct process_stat *ret)
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	char text[2048];
	ssize_t n;

	if (dir < 0)
		return dir;
	n = read_below(dir, "stat", text, sizeof(text));
	return n < 0 ? n : parse_stat(text, ret);
}

/* Returns the value of a field. The kernel escapes newlines of the name in the first line. */
const char *process_find_field(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = text; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, key, length) == 0 && at[length] == ':')
			return at + length + 1;
	}
	return NULL;
}

/* Reads "NSpid:\t12\t3": the last number is that of the innermost namespace. */
static uint32_t find_ns_pid(const char *text, uint32_t pid)
{
	const char *at = process_find_field(text, "NSpid");
	uint32_t last = pid, n;
	int length;

	for (; at && *at != '\n' && sscanf(at, " %u%n", &n, &length) == 1; at += length)
		last = n;
	return last;
}

int process_read_status(const char *proc, uint32_t pid, char ret[static PROCESS_STATUS_BYTES])
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	ssize_t n = dir < 0 ? dir : read_below(dir, "status", ret, PROCESS_STATUS_BYTES);

	return n < 0 ? n : 0;
}

/* Reads "Gid:\t100\t100\t100\t100". */
static bool has_one_gid(const char *text)
{
	const char *at = process_find_field(text, "Gid");
	uint32_t gids[4];

	return at && sscanf(at, "%u %u %u %u", &gids[0], &gids[1], &gids[2], &gids[3]) == 4 &&
	       gids[0] == gids[1] && gids[1] == gids[2] && gids[2] == gids[3];
}

int process_read_ids(const char *proc, uint32_t pid, struct process_ids *ret)
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	const char *uids, *tgid;
	struct process_ids ids;
	struct stat st;
	char text[PROCESS_STATUS_BYTES];
	ssize_t n;

	if (dir < 0)
		return dir;
	n = read_below(dir, "status", text, sizeof(text));
	if (n < 0)
		return n;
	/* The owner of the directory would always be the process's uid. */
	if (fstatat(dir, "status", &st, 0) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	uids = process_find_field(text, "Uid");
	tgid = process_find_field(text, "Tgid");
	if (!uids || sscanf(uids, "%u %u %u %u", &ids.ruid, &ids.euid, &ids.suid, &ids.fsuid) != 4)
		return -EINVAL;
	if (!tgid || sscanf(tgid, "%u", &ids.tgid) != 1)
		return -EINVAL;
	ids.has_one_gid = has_one_gid(text);
	ids.owner = st.st_uid;
	ids.ns_pid = find_ns_pid(text, pid);
	*ret = ids;
	return 0;
}

static void read_comm(int dir, char *ret, size_t size)
{
	char text[64];
	ssize_t n = read_below(dir, "comm", text, sizeof(text));

	if (n > 0 && text[n - 1] == '\n')
		n--;
	text_clean(text, n > 0 ? n : 0, ret, size);
}

/* Reads the path of the program, without " (deleted)"; "" where it cannot be read. */
static void read_exe(int dir, char *ret, size_t size)
{
	static const char deleted[] = " (deleted)";
	size_t tail = sizeof(deleted) - 1;
	char text[PATH_MAX];
	ssize_t n = readlinkat(dir, "exe", text, sizeof(text));

	if (n > (ssize_t)tail && memcmp(text + n - tail, deleted, tail) == 0)
		n -= tail;
	text_clean(text, n > 0 ? n : 0, ret, size);
}

static void read_cmdline(int dir, char *ret, size_t size)
{
	char text[PROCESS_CMDLINE_BYTES];
	ssize_t n = read_below(dir, "cmdline", text, sizeof(text));

	while (n > 0 && text[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	text_clean(text, n > 0 ? n : 0, ret, size);
}

/* Reads the path in the version 2 hierarchy: the line "0::/path"; others are of version 1. */
static void read_cgroup(int dir, char *ret, size_t size)
{
	char text[8192];
	ssize_t n = read_below(dir, "cgroup", text, sizeof(text));
	const char *at = n > 0 ? text : NULL;

	while (at && strncmp(at, "0::", 3) != 0) {
		at = strchr(at, '\n');
		at += at ? 1 : 0;
	}
	text_clean(at ? at + 3 : "", at ? strcspn(at + 3, "\n") : 0, ret, size);
}

static bool ends_with(const char *text, size_t length, const char *tail)
{
	size_t n = strlen(tail);

	return length > n && memcmp(text + length - n, tail, n) == 0;
}

/* Finds the unit of a v2 cgroup path: "/system.slice/a\x2db.service/payload" is of
 * "a\x2db.service". */
static void find_unit(const char *cgroup, char *ret, size_t size)
{
	const char *unit = "";
	size_t unit_length = 0;
	bool is_slice = true;

	for (const char *at = cgroup; *at;) {
		size_t length = strcspn(at, "/");
		bool runs = ends_with(at, length, ".service") || ends_with(at, length, ".scope");

		if (runs || (is_slice && ends_with(at, length, ".slice"))) {
			unit = at;
			unit_length = length;
			is_slice = !runs;
		}
		at += length + (at[length] == '/');
	}
	snprintf(ret, size, "%.*s", (int)unit_length, unit);
}

int process_read_info(const char *proc, uint32_t pid, struct process_info *ret)
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	struct stat st;

	if (dir < 0)
		return dir;
	/* faccessat() would ask as the real user, without our capabilities. */
	if (fstatat(dir, "comm", &st, 0) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	read_comm(dir, ret->comm, sizeof(ret->comm));
	read_exe(dir, ret->exe, sizeof(ret->exe));
	read_cmdline(dir, ret->cmdline, sizeof(ret->cmdline));
	read_cgroup(dir, ret->cgroup, sizeof(ret->cgroup));
	find_unit(ret->cgroup, ret->unit, sizeof(ret->unit));
	return 0;
}

int process_read_maps(const char *proc, uint32_t pid, uint64_t since_ns, struct maps *maps)
{
	_cleanup_close_ int dir = process_open_directory(proc, pid);
	_cleanup_free_ char *text = NULL;
	size_t size = 32768;
	ssize_t n;

	if (dir < 0)
		return dir;
	/* The kernel gives whole lines, a page at a time; its state is that of each page's moment,
	 * so a text that did not fit is read again as a whole. */
	for (;;) {
		free(text);
		text = malloc(size);
		if (!text)
			return -ENOMEM;
		n = read_below(dir, "maps", text, size);
		if (n < 0)
			return n;
		if ((size_t)n < size - 1 || size >= PROCESS_MAPS_BYTES)
			break;
		size *= 4;
	}
	while (n > 0 && text[n - 1] != '\n')
		n--;
	return maps_parse(maps, text, n, since_ns);
}

int process_foreach(const char *proc, process_fn fn, void *userdata)
{
	_cleanup_closedir_ DIR *dir = opendir(proc);
	struct dirent *entry;

	assert(fn);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		uint64_t pid;
		int r;

		if (parse_u64(entry->d_name, UINT32_MAX, &pid) < 0)
			continue;
		r = fn(userdata, pid);
		if (r < 0)
			return r;
	}
	return 0;
}
