/* SPDX-License-Identifier: MIT */
#include "db/internal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

/* Up to the first size a file is read whole at each start, after a crash up to the second one (3
 * s). */
#define CHECK_ALWAYS_BYTES (INT64_C(16) << 20)
#define CHECK_CRASH_BYTES  (INT64_C(256) << 20)

/* An empty file beside the database: damage was met while it was in use. */
#define MARK "-damaged"

/* The header of a database file, https://sqlite.org/fileformat.html */
#define HEADER_BYTES          100
#define HEADER_MAGIC          "SQLite format 3" /* and its NUL */
#define HEADER_PAGES          28
#define HEADER_USER_VERSION   60
#define HEADER_APPLICATION_ID 68

int store_explain(char **ret_why, int r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	free(*ret_why);
	if (vasprintf(ret_why, format, arguments) < 0)
		*ret_why = NULL;
	va_end(arguments);
	return r;
}

/*
 * True if several machines may share the filesystem. The write-ahead log lives in memory shared
 * between its users, so they must be on one machine. FUSE and 9p stay allowed: containers and
 * virtual machines have their root on them, and where they cannot map shared memory sqlite says so
 * itself.
 */
static bool filesystem_is_shared(long type)
{
	static const uint32_t shared[] = {
		NFS_SUPER_MAGIC,         SMB_SUPER_MAGIC, 0xff534d42 /* CIFS */,
		0xfe534d42 /* SMB2 */,   AFS_SUPER_MAGIC, 0x6b414653 /* AFS of the kernel */,
		CODA_SUPER_MAGIC,        NCP_SUPER_MAGIC, 0x00c36400 /* Ceph */,
		0x0bd00bd0 /* Lustre */,
	};

	for (size_t i = 0; i < array_length(shared); i++)
		if ((uint32_t)type == shared[i])
			return true;
	return false;
}

static int directory_check(const char *directory, char **ret_why)
{
	struct statfs fs;

	if (statfs(directory, &fs) < 0)
		return store_explain(ret_why, -errno, "cannot examine %s: %m", directory);
	if (filesystem_is_shared(fs.f_type))
		return store_explain(ret_why, -EOPNOTSUPP,
				     "%s is on a network file system, where a history cannot be "
				     "read while it is written; choose a local directory",
				     directory);
	if (faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0)
		return store_explain(ret_why, -errno,
				     "cannot write to the directory %s: %m; make it writable for "
				     "oxprofd or choose another one",
				     directory);
	return 0;
}

int store_file_resolve(const char *path, char **ret_path, char **ret_directory, char **ret_why)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	_cleanup_free_ char *given = slash ? strndup(path, slash - path + 1) : strdup(".");
	_cleanup_free_ char *directory = NULL;
	_cleanup_free_ char *absolute = NULL;
	int r;

	if (!given)
		return -ENOMEM;
	if (!*name)
		return store_explain(ret_why, -EISDIR, "%s names no file", path);
	directory = realpath(given, NULL);
	if (!directory)
		return store_explain(ret_why, -errno, "cannot use the directory %s: %m", given);
	r = directory_check(directory, ret_why);
	if (r < 0)
		return r;
	if (asprintf(&absolute, "%s/%s", directory, name) < 0) {
		absolute = NULL;
		return -ENOMEM;
	}
	*ret_path = take_ptr(absolute);
	*ret_directory = take_ptr(directory);
	return 0;
}

static int file_make(const char *path, char **ret_why)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	/* sqlite gives the side files the mode of the database, so the umask must not decide. */
	if (fd < 0 || fchmod(fd, 0640) < 0)
		return store_explain(ret_why, -errno, "cannot create %s: %m", path);
	return 0;
}

static uint32_t header_number(const uint8_t *header, size_t at)
{
	uint32_t number;

	memcpy(&number, header + at, sizeof(number));
	return be32toh(number);
}

/* Checks the header by hand: sqlite cannot open a file without making or changing its side
 * files. */
static int header_check(const char *path, const uint8_t *header, ssize_t length, char **ret_why)
{
	uint32_t id, version;

	if (length < HEADER_BYTES || memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) != 0)
		return store_explain(ret_why, -EUCLEAN, "%s is not a database", path);
	id = header_number(header, HEADER_APPLICATION_ID);
	version = header_number(header, HEADER_USER_VERSION);
	/* One page without an id: a first start that was killed before the schema was there. */
	if (!id && !version && header_number(header, HEADER_PAGES) <= 1)
		return 0;
	if (id != STORE_APPLICATION_ID)
		return store_explain(ret_why, -EPROTO,
				     "%s is a database of another program; move it away or choose "
				     "another file",
				     path);
	if (version > N_SQL_SCHEMA)
		return store_explain(
			ret_why, -EPROTO,
			"%s was made by a newer oxprof (version %u of the history, this "
			"one knows %d); update oxprof or move the file away",
			path, version, N_SQL_SCHEMA);
	return 0;
}

/* Returns the size of a file beside the database, -1 where there is none. */
static off_t side_file_bytes(const char *path, const char *suffix)
{
	_cleanup_free_ char *name = NULL;
	struct stat st;

	if (asprintf(&name, "%s%s", path, suffix) < 0) {
		name = NULL;
		return -1;
	}
	return stat(name, &st) == 0 ? st.st_size : -1;
}

void store_file_mark_damaged(const char *path)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int fd = -1;

	if (asprintf(&name, "%s" MARK, path) < 0)
		name = NULL;
	else
		fd = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
}

int store_file_probe(const char *path, bool *ret_check, char **ret_why)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t header[HEADER_BYTES] = {};
	struct stat st;
	off_t limit;
	int r;

	*ret_check = false;
	if (fd < 0 && errno == ENOENT)
		return file_make(path, ret_why);
	if (fd < 0 && errno == ELOOP)
		return store_explain(ret_why, -ELOOP,
				     "%s is a symbolic link; name the file it leads to", path);
	if (fd < 0)
		return store_explain(ret_why, -errno, "cannot open %s: %m", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return store_explain(ret_why, -EINVAL, "%s is not a regular file", path);
	if (st.st_size > 0) {
		r = header_check(path, header, pread(fd, header, sizeof(header), 0), ret_why);
		if (r < 0)
			return r;
	}
	if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0)
		return store_explain(ret_why, -errno,
				     "cannot write to %s: %m; make it writable for oxprofd", path);
	if (side_file_bytes(path, MARK) >= 0)
		return store_explain(ret_why, -EUCLEAN, "%s is damaged", path);
	/* sqlite empties the log at its last orderly close. */
	limit = side_file_bytes(path, "-wal") > 0 ? CHECK_CRASH_BYTES : CHECK_ALWAYS_BYTES;
	*ret_check = st.st_size > 0 && st.st_size <= limit;
	return 0;
}

static int file_rename(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* Not every filesystem knows the flag. */
	if (errno == EINVAL && access(to, F_OK) < 0 && rename(from, to) == 0)
		return 0;
	return -errno;
}

static int side_file_set_aside(const char *path, const char *aside, const char *suffix)
{
	_cleanup_free_ char *from = NULL;
	_cleanup_free_ char *to = NULL;
	int r;

	if (asprintf(&from, "%s%s", path, suffix) < 0) {
		from = NULL;
		return -ENOMEM;
	}
	if (asprintf(&to, "%s%s", aside, suffix) < 0) {
		to = NULL;
		return -ENOMEM;
	}
	r = file_rename(from, to);
	return r == -ENOENT ? 0 : r;
}

/* Renames the file to "PATH.damaged-20261123-140307", with "-2" and so on behind it where that is
 * taken. Returns 0, -EEXIST where all are taken, or another negative errno. */
static int file_rename_dated(const char *path, const char *date, char **ret_aside)
{
	int r = -EEXIST;

	for (unsigned int i = 1; r == -EEXIST && i < 1000; i++) {
		_cleanup_free_ char *to = NULL;
		char suffix[16] = "";

		if (i > 1)
			snprintf(suffix, sizeof(suffix), "-%u", i);
		if (asprintf(&to, "%s.damaged-%s%s", path, date, suffix) < 0) {
			to = NULL;
			return -ENOMEM;
		}
		r = file_rename(path, to);
		if (r == 0)
			*ret_aside = take_ptr(to);
	}
	return r;
}

/* Renames the file and its side files. Returns 0 or a negative errno. */
static int files_set_aside(const char *path, const char *date, char **ret_aside)
{
	static const char *const suffixes[] = {"-wal", "-shm", MARK};
	_cleanup_free_ char *aside = NULL;
	int r = file_rename_dated(path, date, &aside);

	for (size_t i = 0; i < array_length(suffixes) && r == 0; i++)
		r = side_file_set_aside(path, aside, suffixes[i]);
	if (r < 0)
		return r;
	*ret_aside = take_ptr(aside);
	return 0;
}

int store_file_set_aside(const char *path, char **ret_aside, char **ret_why)
{
	time_t now = time(NULL);
	char date[32];
	struct tm tm;
	int r;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	r = files_set_aside(path, date, ret_aside);
	if (r < 0)
		return store_explain(ret_why, r, "%s is damaged and cannot be renamed: %s", path,
				     strerror(-r));
	return 0;
}
