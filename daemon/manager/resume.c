/* SPDX-License-Identifier: MIT */
/* Goes on with the sessions that a daemon has left behind that was killed (saved.h). */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"
#include "daemon/manager/saved.h"

#define LINE_BYTES (2 * 4 * OX_TARGET_BYTES_MAX + 256)
/* A session that makes the daemon die is not resumed for ever. */
#define TRIES_MAX 3
/* After so long the daemon is taken to live. */
#define SETTLED_USEC UINT64_C(60000000)

/* A session that is read from the file. */
struct saved_reader {
	struct manager *manager;
	struct managed_session *session; /* the last one; NULL: none yet */
};

static int read_session(struct saved_reader *reader, const char *line)
{
	struct manager *manager = reader->manager;
	int anybody, kernel, running;
	uint64_t interval_ns;
	uint32_t owner;

	if (sscanf(line, "session %" SCNu32 " %d %d %d %" SCNu64, &owner, &anybody, &kernel,
		   &running, &interval_ns) != 5 ||
	    interval_ns < OX_INTERVAL_MIN_NS || interval_ns > OX_INTERVAL_MAX_NS)
		return -EBADMSG;
	if (array_reserve(manager->sessions, manager->sessions_size, manager->n_sessions + 1) < 0)
		return -ENOMEM;
	reader->session = session_new(manager, owner, anybody, kernel);
	if (!reader->session)
		return -ENOMEM;
	reader->session->interval_ns = interval_ns;
	reader->session->is_to_begin = running;
	manager->sessions[manager->n_sessions++] = reader->session;
	return 0;
}

/* Finds the target again. A pid that another process has now is none. */
static int find_target(struct saved_reader *reader, const struct target_request *wanted,
		       uint64_t start_ticks, struct managed **ret)
{
	struct failure failure;
	struct managed *managed;
	int r = managed_new(reader->manager, wanted, manager_on_process_end, &managed, &failure);

	if (r < 0) {
		log_warning("not resumed: %s", failure.text);
		return r;
	}
	if (wanted->target.kind == TARGET_PID && managed->start_ticks != start_ticks) {
		log_warning("not resumed: process %" PRIu32 " is another one now",
			    wanted->target.pid);
		managed_free(managed);
		return -ESRCH;
	}
	*ret = managed;
	return 0;
}

static int read_target(struct saved_reader *reader, const char *line)
{
	_cleanup_free_ char *text = NULL, *cgroup = NULL;
	struct target_request wanted = {0};
	uint64_t until_ns, start_ticks, added_ticks;
	struct managed *managed;
	unsigned state;
	int children;

	if (!reader->session ||
	    sscanf(line, "target %u %d %" SCNu64 " %" SCNu64 " %" SCNu64 " %ms %ms", &state,
		   &children, &until_ns, &start_ticks, &added_ticks, &text, &cgroup) != 7)
		return -EBADMSG;
	target_unescape(text);
	target_unescape(cgroup);
	if (target_parse(text, &wanted.target) < 0 || strlen(cgroup) >= sizeof(wanted.cgroup))
		return -EBADMSG;
	wanted.children = children;
	if (strcmp(cgroup, "-") != 0)
		memcpy(wanted.cgroup, cgroup, strlen(cgroup) + 1);
	if (find_target(reader, &wanted, start_ticks, &managed) < 0)
		return 0;
	if (state == TARGET_PAUSED || (until_ns && until_ns <= clock_boottime_ns()))
		managed->state = TARGET_PAUSED;
	else
		managed->until_ns = until_ns;
	managed->added_ticks = added_ticks;
	return session_add_target(reader->session, managed);
}

static int read_lines(struct saved_reader *reader, FILE *f)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, f) >= 0) {
		int r = -EBADMSG;

		if (strlen(line) < LINE_BYTES && !strncmp(line, "session ", 8))
			r = read_session(reader, line);
		else if (strlen(line) < LINE_BYTES && !strncmp(line, "target ", 7))
			r = read_target(reader, line);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Reads the head. Returns 1 where the file is of this run of the machine and is to be resumed. */
static int read_head(struct manager *manager, FILE *f)
{
	char boot_id[37], now[37];
	unsigned tries;

	if (fscanf(f, SAVED_FORMAT, boot_id, &tries) != 2 || saved_read_boot_id(now) < 0 ||
	    strcmp(boot_id, now) != 0)
		return 0;
	if (tries >= TRIES_MAX) {
		log_error("The sessions are not resumed: the daemon has died with them %u times.",
			  tries);
		return 0;
	}
	manager->saved.tries = tries + 1;
	return 1;
}

static FILE *open_file(const struct manager *manager)
{
	_cleanup_close_ int directory = saved_open_directory(manager);
	int fd = directory < 0 ? -1
			       : openat(directory, "sessions", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

/* ---- resuming ---- */

/* Takes back the count of tries once the daemon has lived for a while. */
static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *manager = userdata;

	manager->saved.tries = 0;
	saved_write(manager);
	return 0;
}

static bool any_is_to_begin(const struct manager *manager)
{
	for (size_t i = 0; i < manager->n_sessions; i++)
		if (manager->sessions[i]->is_to_begin)
			return true;
	return false;
}

static void begin_sessions(struct manager *manager)
{
	unsigned n = 0;

	if (!manager->saved.is_resuming)
		return;
	manager->saved.is_resuming = false;
	for (size_t i = 0; i < manager->n_sessions; i++) {
		struct managed_session *session = manager->sessions[i];
		struct failure failure;

		if (!session->is_to_begin || !session_has_work(session))
			continue;
		manager_mark(manager, session->owner);
		if (session_begin(session, &failure) < 0)
			log_error("A session is not resumed: %s", failure.text);
		else
			n++;
		session->is_to_begin = false;
	}
	if (n) {
		log_warning("The daemon was killed. %u session%s resumed.", n,
			    n == 1 ? " was" : "s were");
		snprintf(manager->saved.told, sizeof(manager->saved.told),
			 "the daemon was killed; %u session%s resumed", n,
			 n == 1 ? " was" : "s were");
	}
	(void)manager_set_until(manager);
}

void saved_resume(struct manager *manager)
{
	_cleanup_fclose_ FILE *f = open_file(manager);
	struct saved_reader reader = {.manager = manager};
	struct failure failure;
	int r;

	assert(!manager->n_sessions);
	if (!f || !read_head(manager, f)) {
		saved_remove(manager);
		return;
	}
	r = read_lines(&reader, f);
	if (r < 0)
		log_warning("cannot read all of %s/sessions: %s", manager->saved.directory,
			    strerror(-r));
	/* The count of tries is on the disk before anything is tried. */
	saved_write(manager);
	(void)sd_event_add_time_relative(manager->event, &manager->saved.settled, CLOCK_MONOTONIC,
					 SETTLED_USEC, 0, on_settled, manager);
	if (!any_is_to_begin(manager))
		return;
	manager->saved.is_resuming = true;
	manager->saved.begin = begin_sessions;
	r = manager_make_ready(manager, &failure);
	/* The loader has only just begun. */
	assert(r <= 0);
	if (r < 0)
		log_error("The sessions are not resumed: %s", failure.text);
}
