/* SPDX-License-Identifier: MIT */
#include "client/base/output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/screen.h"
#include "daemon/base/cleanup.h"

#define BUFFER_BYTES 65536

struct output {
	char *name;      /* as the user gave it; NULL: standard output */
	char *path;      /* the final one, behind symbolic links; NULL: written directly */
	char *temporary; /* the name until the file is complete; NULL: none */
	mode_t mode;     /* that of an old file is kept: nobody else may read the new one */
	uid_t uid;       /* the owner of an old file, with its group; -1: there was none */
	gid_t gid;
	bool is_foreign; /* a new file cannot have that owner, so the old one is filled */
	int fd;
	FILE *file;
	int error; /* the first error of writing */
};

define_cleanup(struct output *, output_free);

/* ---- the file that is not complete, for the handler of signals ---- */

static const char *volatile unfinished;

static void on_signal(int number)
{
	const char *name = unfinished;

	if (name)
		unlink(name);
	/* The default action, which ends the program, is in force again (SA_RESETHAND). */
	raise(number);
}

static void watch_signals(const char *name)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, old;

	/* There is one output at a time. */
	assert(!unfinished);
	unfinished = name;
	for (size_t i = 0; i < array_length(numbers); i++)
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(numbers[i], &action, NULL);
}

/* ---- opening ---- */

static int warn(const struct output *output, int error, char **ret_why)
{
	if (asprintf(ret_why, "cannot write %s: %s", output->name ?: "to standard output",
		     strerror(-error)) < 0)
		*ret_why = NULL;
	return error;
}

static bool is_written_directly(const char *name, const struct stat *st)
{
	/* The files of /dev/shm are files as all others. */
	if (S_ISREG(st->st_mode) && !strncmp(name, "/dev/shm/", 9))
		return false;
	return !S_ISREG(st->st_mode) || !strncmp(name, "/dev/", 5) || !strncmp(name, "/proc/", 6);
}

/* Sets output->path, unless the file is to be written directly. Returns 0 or a negative errno. */
static int find_path(struct output *output)
{
	struct stat st;

	output->mode = 0666;
	output->uid = (uid_t)-1;
	output->gid = (gid_t)-1;
	if (stat(output->name, &st) < 0) {
		if (errno != ENOENT)
			return -errno;
		output->path = strdup(output->name);
		return output->path ? 0 : -ENOMEM;
	}
	if (is_written_directly(output->name, &st))
		return 0;
	/* A rename needs no right to write to the file itself. */
	if (access(output->name, W_OK) < 0)
		return -errno;
	output->mode = st.st_mode & 0777;
	output->uid = st.st_uid;
	output->gid = st.st_gid;
	output->path = realpath(output->name, NULL);
	return output->path ? 0 : -errno;
}

/* Gives the new file the owner of the one that it replaces: a report of root leaves a user's file
 * the user's. */
static int keep_owner(struct output *output)
{
	struct stat st;

	if (output->uid == (uid_t)-1)
		return 0;
	if (fstat(output->fd, &st) < 0)
		return -errno;
	if (st.st_uid != output->uid || st.st_gid != output->gid)
		output->is_foreign = fchown(output->fd, output->uid, output->gid) < 0;
	return 0;
}

/* Opens the temporary file with open(), which applies the umask: mkstemp() would let its owner
 * alone read the file. */
static int open_temporary(struct output *output)
{
	const char *slash = strrchr(output->path, '/');
	int directory = slash ? (int)(slash + 1 - output->path) : 0;
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -errno;
	if (asprintf(&output->temporary, "%.*s.oxprof-%016" PRIx64, directory, output->path,
		     number) < 0) {
		output->temporary = NULL;
		return -ENOMEM;
	}
	watch_signals(output->temporary);
	output->fd = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			  output->mode);
	return output->fd < 0 ? -errno : keep_owner(output);
}

static int open_named(struct output *output)
{
	int r = find_path(output);

	if (r < 0)
		return r;
	if (output->path)
		return open_temporary(output);
	output->fd = open(output->name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return output->fd < 0 ? -errno : 0;
}

/* Writes for stdio and keeps the first error, since stdio forgets why a write failed. */
static ssize_t on_write(void *cookie, const char *text, size_t length)
{
	struct output *output = cookie;
	int r = output->error ? output->error : screen_write(output->fd, text, length);

	output->error = r;
	errno = -r;
	return r < 0 ? 0 : (ssize_t)length;
}

static int open_stream(struct output *output)
{
	output->file = fopencookie(output, "w", (cookie_io_functions_t){.write = on_write});
	if (!output->file || setvbuf(output->file, NULL, _IOFBF, BUFFER_BYTES) != 0)
		return -ENOMEM;
	return 0;
}

static int open_output(struct output *output, const char *name)
{
	int r;

	output->fd = STDOUT_FILENO;
	if (!name)
		return open_stream(output);
	output->fd = -1;
	output->name = strdup(name);
	if (!output->name)
		return -ENOMEM;
	r = open_named(output);
	if (r < 0)
		return r;
	return open_stream(output);
}

int output_open(const char *name, struct output **ret, char **ret_why)
{
	_cleanup_(output_free_p) struct output *output = calloc(1, sizeof(*output));
	int r;

	*ret_why = NULL;
	if (!output)
		return -ENOMEM;
	r = open_output(output, name);
	if (r < 0)
		return warn(output, r, ret_why);
	*ret = take_ptr(output);
	return 0;
}

/* ---- writing ---- */

FILE *output_file(struct output *output)
{
	return output->file;
}

int output_error(const struct output *output)
{
	return output->error;
}

/* Fills the old file, of another user who lets this one write, with what is complete now. */
static int fill_foreign(const struct output *output)
{
	_cleanup_close_ int fd = open(output->path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
	char buffer[BUFFER_BYTES];
	off_t at = 0;
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	while ((n = pread(output->fd, buffer, sizeof(buffer), at)) > 0) {
		r = screen_write(fd, buffer, (size_t)n);
		if (r < 0)
			return r;
		at += n;
	}
	if (n < 0 || close(take_fd(&fd)) < 0)
		return -errno;
	return 0;
}

static int give_name(struct output *output)
{
	if (!output->temporary || output->is_foreign)
		return 0;
	if (rename(output->temporary, output->path) < 0)
		return -errno;
	unfinished = NULL;
	free(take_ptr(output->temporary));
	return 0;
}

static int finish(struct output *output)
{
	int r;

	fflush(output->file);
	if (output->error < 0)
		return output->error;
	if (output->is_foreign) {
		r = fill_foreign(output);
		if (r < 0)
			return r;
	}
	/* Some file systems report a full disk only at close(). */
	if (output->name && close(take_fd(&output->fd)) < 0)
		return -errno;
	return give_name(output);
}

int output_finish(struct output *output, char **ret_why)
{
	int r;

	/* An output is finished once: its descriptor is closed then. */
	assert(!output->name || output->fd >= 0);
	*ret_why = NULL;
	r = finish(output);
	if (r < 0 && r != -EPIPE)
		return warn(output, r, ret_why);
	return r;
}

struct output *output_free(struct output *output)
{
	if (output) {
		/* With an error set, fclose() throws away what is still in the buffer. */
		output->error = output->error ?: -ECANCELED;
		if (output->file)
			fclose(output->file);
		if (output->name && output->fd >= 0)
			close(output->fd);
		/* Until the file is gone the handler of signals must find its name. */
		if (output->temporary)
			unlink(output->temporary);
		unfinished = NULL;
		free(output->temporary);
		free(output->path);
		free(output->name);
		free(output);
	}
	return NULL;
}
