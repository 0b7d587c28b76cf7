/* SPDX-License-Identifier: MIT */
#include "client/doctor/machine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int machine_format_path(const struct machine *machine, const char *path,
			char ret[static MACHINE_PATH_BYTES])
{
	int n = snprintf(ret, MACHINE_PATH_BYTES, "%s%s", machine->root, path);

	assert(path[0] == '/');
	return n < 0 || n >= MACHINE_PATH_BYTES ? -ENAMETOOLONG : 0;
}

/* Reads until the end, since files of /proc come in pieces. */
static ssize_t read_whole(int fd, char *ret, size_t size)
{
	size_t used = 0;
	ssize_t n = 1;

	while (used < size && n > 0) {
		n = read(fd, ret + used, size - used);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			used += (size_t)n;
	}
	return n < 0 ? -errno : (ssize_t)used;
}

int machine_read(const struct machine *machine, const char *path, char *ret, size_t size)
{
	char full[MACHINE_PATH_BYTES];
	_cleanup_close_ int fd = -1;
	ssize_t n;
	int r = machine_format_path(machine, path, full);

	assert(size > 0);
	*ret = '\0';
	if (r < 0)
		return r;
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	n = fd < 0 ? -errno : read_whole(fd, ret, size - 1);
	if (n < 0) {
		*ret = '\0';
		return (int)n;
	}
	while (n > 0 && ret[n - 1] == '\n')
		n--;
	ret[n] = '\0';
	return (int)n;
}

int machine_read_number(const struct machine *machine, const char *path, long long *ret)
{
	char text[32], *end;
	long long number;
	int r = machine_read(machine, path, text, sizeof(text));

	if (r < 0)
		return r;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end)
		return -EBADMSG;
	*ret = number;
	return 0;
}

int machine_read_link(const struct machine *machine, const char *path, char *ret, size_t size)
{
	char full[MACHINE_PATH_BYTES];
	ssize_t n;
	int r = machine_format_path(machine, path, full);

	assert(size > 0);
	*ret = '\0';
	if (r < 0)
		return r;
	n = readlink(full, ret, size - 1);
	if (n < 0) {
		*ret = '\0';
		return -errno;
	}
	ret[n] = '\0';
	return 0;
}

int machine_stat(const struct machine *machine, const char *path, struct stat *ret)
{
	char full[MACHINE_PATH_BYTES];
	int r = machine_format_path(machine, path, full);

	if (r < 0)
		return r;
	return stat(full, ret) < 0 ? -errno : 0;
}

bool machine_has(const struct machine *machine, const char *path)
{
	struct stat st;

	return machine_stat(machine, path, &st) >= 0;
}

FILE *machine_open(const struct machine *machine, const char *path)
{
	char full[MACHINE_PATH_BYTES];
	int r = machine_format_path(machine, path, full);

	if (r < 0) {
		errno = -r;
		return NULL;
	}
	return fopen(full, "re");
}

DIR *machine_open_directory(const struct machine *machine, const char *path)
{
	char full[MACHINE_PATH_BYTES];
	int r = machine_format_path(machine, path, full);

	if (r < 0) {
		errno = -r;
		return NULL;
	}
	return opendir(full);
}

bool machine_file_mentions(const struct machine *machine, const char *path, const char *text)
{
	_cleanup_fclose_ FILE *f = machine_open(machine, path);
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0)
		if (strstr(line, text))
			return true;
	return false;
}
