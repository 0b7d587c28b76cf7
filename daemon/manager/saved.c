/* SPDX-License-Identifier: MIT */
#include "daemon/manager/saved.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"

/*
 * The format: a line "oxprof 1 BOOT-ID TRIES", then for each session
 *   session OWNER ANYBODY KERNEL RUNNING INTERVAL_NS
 *   target STATE CHILDREN UNTIL_NS START_TICKS ADDED_TICKS TEXT CGROUP
 * with a line for each of its targets; texts are escaped as in the database, "-" is none.
 */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

void saved_set_directory(struct manager *manager, const char *directory)
{
	manager->saved.directory = directory;
}

int saved_open_directory(const struct manager *manager)
{
	int fd;

	if (!manager->saved.directory)
		return -ENOENT;
	fd = open(manager->saved.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int saved_read_boot_id(char boot_id[static 37])
{
	_cleanup_fclose_ FILE *f = fopen(BOOT_ID, "re");

	return f && fscanf(f, "%36s", boot_id) == 1 ? 0 : -EIO;
}

/* ---- writing ---- */

static void write_text(FILE *f, const char *text)
{
	fputc(' ', f);
	if (*text)
		target_write_escaped(f, text);
	else
		fputc('-', f);
}

static void write_target(FILE *f, const struct managed *managed)
{
	fprintf(f, "target %u %d %" PRIu64 " %" PRIu64 " %" PRIu64, managed->state,
		managed->wanted.children, managed->until_ns, managed->start_ticks,
		managed->added_ticks);
	write_text(f, managed->wanted.target.text);
	write_text(f, managed->wanted.cgroup);
	fputc('\n', f);
}

static void write_session(FILE *f, const struct managed_session *session)
{
	fprintf(f, "session %" PRIu32 " %d %d %d %" PRIu64 "\n", session->owner, session->anybody,
		session->kernel, session->is_running || session->is_to_begin, session->interval_ns);
	for (size_t i = 0; i < session->n_targets; i++)
		if (session->targets[i]->state != TARGET_EXITED)
			write_target(f, session->targets[i]);
}

static int write_file(const struct manager *manager, int fd)
{
	_cleanup_fclose_ FILE *f = fdopen(fd, "w");
	char boot_id[37];
	int r = saved_read_boot_id(boot_id);

	if (!f) {
		close(fd);
		return -errno;
	}
	if (r < 0)
		return r;
	fprintf(f, SAVED_FORMAT, boot_id, manager->saved.tries);
	for (size_t i = 0; i < manager->n_sessions; i++)
		write_session(f, manager->sessions[i]);
	return fflush(f) || ferror(f) ? -EIO : 0;
}

static int replace_file(struct manager *manager)
{
	_cleanup_close_ int directory = saved_open_directory(manager);
	int fd, r;

	if (directory < 0)
		return directory;
	fd = openat(directory, "sessions.new",
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_file(manager, fd);
	if (r < 0)
		return r;
	return renameat(directory, "sessions.new", directory, "sessions") < 0 ? -errno : 0;
}

void saved_write(struct manager *manager)
{
	int r;

	/* The file keeps what was read until that has been resumed. */
	if (!manager->saved.directory || manager->saved.is_resuming)
		return;
	if (!manager->n_sessions) {
		saved_remove(manager);
		return;
	}
	r = replace_file(manager);
	if (r < 0 && !manager->saved.has_failed)
		log_warning("cannot write %s/sessions: %s; sessions would not go on after a crash",
			    manager->saved.directory, strerror(-r));
	manager->saved.has_failed = r < 0;
}

void saved_remove(struct manager *manager)
{
	_cleanup_close_ int directory = saved_open_directory(manager);

	if (directory >= 0)
		(void)unlinkat(directory, "sessions", 0);
}

/* ---- telling ---- */

static size_t count_running(const struct manager *manager)
{
	size_t n = 0;

	for (size_t i = 0; i < manager->n_sessions; i++)
		n += manager->sessions[i]->is_running;
	return n;
}

void manager_mark(struct manager *manager, uint32_t owner)
{
	for (size_t i = 0; i < manager->n_changed; i++)
		if (manager->changed[i] == owner)
			return;
	if (manager->n_changed == array_length(manager->changed))
		manager_tell(manager);
	manager->changed[manager->n_changed++] = owner;
}

void manager_tell(struct manager *manager)
{
	size_t n = count_running(manager), n_changed = manager->n_changed;

	manager->n_changed = 0;
	if (n)
		(void)sd_notifyf(0, "STATUS=Sampling, %zu session%s.", n, n == 1 ? "" : "s");
	else
		(void)sd_notify(0, "STATUS=Paused.");
	saved_write(manager);
	for (size_t i = 0; manager->listener && i < n_changed; i++)
		manager->listener(manager->listener_userdata, manager->changed[i]);
}

void manager_listen(struct manager *manager, manager_listener_t listener, void *userdata)
{
	manager->listener = listener;
	manager->listener_userdata = userdata;
}
