/* SPDX-License-Identifier: MIT */
/*
 * The file on disk: the only owner of sqlite3. Functions return 0 or more on success and a negative
 * errno on failure: -ENOSPC disk (or MaxSize) full, -EROFS not writable, -EIO, -EUCLEAN corrupt,
 * -EPROTO made by a newer oxprof, -EBUSY, -ENOMEM, -ESTALE (store_begin()). store_error() has one
 * sentence for people.
 *
 * Rows are found or added by their content ("add" is idempotent), ids are never used twice. Rows
 * that are added inside a transaction that is rolled back are gone, and their ids may be given
 * again: a caller that kept ids must forget them. Texts that a callback gets live until it returns,
 * and a callback may not start the same function again. Text is UTF-8, never NULL; "" is unknown
 * and NULL in the views.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/frame.h"

struct store;

/* Opens or makes the file, and migrates it in one transaction a step. `max_bytes` 0: no limit.
 * Nothing is touched on -EPROTO, -EROFS. A file is read whole for damage at each start up to 16
 * MiB, and up to 256 MiB where the last end was not orderly. Damage that is met later is reported
 * (-EUCLEAN): free the store and open it again, then the file is set aside. Returns 0, or 1 where
 * the file was damaged: the old file is now *ret_aside (caller frees), and a new one is open. On
 * failure *ret_why is one line for people (caller frees). Also -EACCES, -ENOENT (no directory),
 * -ELOOP (a symbolic link), -EINVAL (no regular file), -EOPNOTSUPP (a network file system). */
int store_open(const char *path, uint64_t max_bytes, struct store **ret, char **ret_aside,
	       char **ret_why);
struct store *store_free(struct store *store);
/* Opens a second connection to the file that this process has open, for functions of reading alone,
 * in another thread than the first one's. It makes and migrates nothing, and sees what was
 * committed when it was opened, until it is freed; so long the write-ahead log grows. When *stop
 * becomes true, a running function ends within milliseconds with -ECANCELED. Returns as
 * store_open() does, but never 1. */
int store_open_reader(const char *path, const atomic_bool *stop, struct store **ret,
		      char **ret_why);
/* Stops the functions of a reader likewise from that time on (CLOCK_MONOTONIC). */
void store_stop_at(struct store *store, uint64_t end_ns);
/* Returns true from when on the functions of a reader end: for work between two of them. */
bool store_is_stopped(const struct store *store);
/* Returns 0, or -ESTALE where the path leads to another file than the open one, or to none. */
int store_check_file(struct store *store);
/* Begins anew where the file was deleted, moved or replaced (-ESTALE) or is damaged (-EUCLEAN):
 * what is at the path now is opened, or a new file made. The old one is left whole. No ids are
 * valid any more but those of sessions that run: these are added to the new file, and fn is called
 * for each with the id it had and the one it has, which is the same where no other session of that
 * file has it. There may be no transaction and no reader. Returns as store_open(); on failure
 * *store is as it was, or NULL where the new file could be made and not be used. */
typedef void (*store_carried_fn)(void *userdata, int64_t from_id, int64_t to_id);
int store_reopen(struct store **store, store_carried_fn fn, void *userdata, char **ret_aside,
		 char **ret_why);
const char *store_error(const struct store *store);  /* of the last failure; borrowed */
uint64_t store_bytes(const struct store *store);     /* database and write-ahead log on disk */
uint64_t store_log_bytes(const struct store *store); /* the log alone */
/* Empties the log into the database; while there are readers, as far as that can be done at
 * once. */
void store_cut_log(struct store *store);

/* Begins a transaction. Returns -ENOSPC already here where less than 16 MiB are free on the disk:
 * nothing is half done; and -ESTALE where the file was deleted, moved or replaced since it was
 * opened: store_reopen() is for that. */
int store_begin(struct store *store);
/* Commits, and rolls back where that fails. Windows before the newest one are rolled up here. */
int store_commit(struct store *store);
void store_rollback(struct store *store); /* safe without a transaction */

/* A session: an unpause to its pause. `targets`: canonical texts joined by a space. Times in usec
 * since the epoch. `owner`: the uid that began it. */
struct store_session {
	int64_t id;
	uint64_t started_usec;
	uint64_t ended_usec; /* 0: still running */
	const char *mode;
	uint64_t interval_ns;
	const char *targets;
	uint32_t owner;
	uint64_t samples; /* read only */
};
int store_add_session(struct store *store, const struct store_session *session, int64_t *ret_id);
/* Changes what a session is about. Returns -ENOENT where there is no such session. */
int store_set_session_targets(struct store *store, int64_t id, const char *targets);
/* Ends a session. Needs no transaction, and no reserve on the disk. Returns -ENOENT where there is
 * no such session. */
int store_end_session(struct store *store, int64_t session, uint64_t ended_usec);
/* Ends the sessions that a killed daemon left open at the time when they were last written to.
 * Returns how many there were. */
int store_end_left_sessions(struct store *store);

/* Finds the set of these sessions, or adds it; the samples that all of them took are added to it.
 * Ids are ascending, n is at least 1. Belongs into a transaction. Returns -ENOENT where one of the
 * sessions is not there. */
int store_add_set(struct store *store, const int64_t *sessions, size_t n, int64_t *ret_set);

/* A process while its ids stay the same: one that changes them has several rows. */
struct store_process {
	uint32_t pid;
	uint64_t started_usec; /* since the epoch */
	uint32_t exec_id;
	uint32_t uid;   /* effective */
	uint32_t owner; /* whose own it was; UINT32_MAX: nobody's */
	const char *comm;
	const char *exe;
	const char *cmdline;
	const char *user;
	const char *unit;
	const char *cgroup;
};
/* Finds a process by pid, start, exec, uid, owner, or adds it; texts that were unknown before are
 * filled in, the comm is the last one. */
int store_add_process(struct store *store, const struct store_process *process, int64_t *ret_id);
/* Finds a thread of a process by process, tid, comm, or adds it. */
int store_add_task(struct store *store, int64_t process, uint32_t tid, const char *comm,
		   int64_t *ret_id);
int store_add_frame(struct store *store, const struct frame *frame, int64_t *ret_id);
/* Gives a frame another function and line; stacks that refer to it have these then. Its build-id
 * and offset stay. */
int store_rename_frame(struct store *store, int64_t id, const struct frame *frame);
/* Finds or adds a node. A stack is a path from the root (parent 0) to its node; a parent's id is
 * smaller than its children's. */
int store_add_node(struct store *store, int64_t parent, int64_t frame, int64_t *ret_id);

/* Adds n samples to a set, and at the latest at the commit to `samples` of each of its sessions.
 * window: OX_WINDOW_USEC since the epoch, in any order; node 0: no stack. Returns -ENOENT where
 * there is no such set. */
int store_add_sample(struct store *store, int64_t set, uint32_t window, int64_t task, int64_t node,
		     uint64_t n);
int store_add_loss(struct store *store, int64_t session, uint32_t window, const char *reason,
		   uint64_t n);

/* ---- keeping to a size ---- */

struct store_limits {
	uint64_t max_bytes;       /* as of store_open(); 0: none */
	uint64_t keep_free_bytes; /* of the file system; 0: none */
};
/* The room that the database takes: pages that have rows, or all pages, each with what the log
 * takes as a rule; and what is free on the disk beside that. */
struct store_room {
	uint64_t used_bytes;
	uint64_t file_bytes;
	uint64_t free_bytes;
};
int store_get_room(struct store *store, struct store_room *ret);
struct store_bounds {
	uint64_t limit_bytes;    /* what it may take; UINT64_MAX: no limit */
	uint64_t high_bytes;     /* where it uses more the oldest windows are to go, */
	uint64_t low_bytes;      /* until it uses no more than this */
	uint64_t max_file_bytes; /* free pages beyond that are to be given back to the disk */
};
/* Finds the bounds from what there is. *held_bytes begins as 0 and is kept between calls. */
struct store_bounds store_find_bounds(const struct store_limits *limits,
				      const struct store_room *room, uint64_t *held_bytes);
/* Finds where the oldest window begins that is not deleted. Returns 1, or 0 where there is none. */
int store_find_oldest(struct store *store, uint64_t *ret_usec);

/*
 * Each of the steps below is a transaction of its own, and returns 1 where there is more to do, 0
 * at the end, or a negative errno. It takes as long as it is given, and a millisecond more at the
 * most; none waits for others: -EBUSY says to try again. -ESTALE is as from store_begin().
 */

/* Deletes the oldest windows one after the other, at most one in a step, of all sets alike, but for
 * the one that was written to last. Hours lose with them what they had of them; sessions keep their
 * sums. After a failure other than -EBUSY it has to be begun anew. */
struct store_trim;
struct store_trim *store_trim_new(struct store *store);
struct store_trim *store_trim_free(struct store_trim *trim);
int store_trim_step(struct store_trim *trim, uint64_t budget_usec);
/* True if no window is deleted in part. */
bool store_trim_is_whole(const struct store_trim *trim);
/* Returns how much of the time between the oldest and the newest window was deleted, in percent. */
unsigned store_trim_percent(const struct store_trim *trim);

/* Deletes what nothing refers to any more: sets, tasks, processes, nodes, frames, functions. First,
 * while no transaction is open, store_begin_garbage(): callers that know ids of these have to
 * forget them, as after a rollback. Then store_find_garbage() by a reader that was opened since, in
 * another thread; then the steps; and store_end_garbage(). */
struct store_garbage;
int store_begin_garbage(struct store *store);
int store_find_garbage(struct store *reader, struct store_garbage **ret);
struct store_garbage *store_garbage_free(struct store_garbage *garbage);
int store_garbage_step(struct store *store, struct store_garbage *garbage, uint64_t budget_usec);
void store_end_garbage(struct store *store); /* also where nothing was begun */

/* Gives free pages back to the disk, while the file is larger than that. */
int store_vacuum_step(struct store *store, uint64_t max_file_bytes, uint64_t budget_usec);

/* ---- reading ---- */

/* The range of a query: a window counts when it overlaps [since, until). */
struct store_range {
	uint64_t since_usec; /* 0: from the first */
	uint64_t until_usec; /* UINT64_MAX: to the last */
	int64_t session;     /* 0: all; else that one: what it took, alone or with others */
	uint32_t owner;      /* UINT32_MAX: all. Else sessions and losses are those of the sessions
			      * that this user began, and the cover is that of the user's processes;
			      * hits are not chosen by it: struct store_task tells the owner. */
};

typedef int (*store_session_fn)(void *userdata, const struct store_session *session);
/* Calls fn for the sessions that touch the range, newest first; a negative result of fn stops and
 * is returned. */
int store_foreach_session(struct store *store, const struct store_range *range, store_session_fn fn,
			  void *userdata);
/* Finds the newest session of a user that runs, or else the newest one. Returns 1, or 0 where there
 * is none. */
int store_find_last_session(struct store *store, uint32_t owner, int64_t *ret_id);
int store_has_session(struct store *store, int64_t id); /* 1, 0 */

/* Calls fn for the hits by task and node over the range, each pair once and in no order, from
 * roll-ups where whole hours are asked for. ret_since, ret_until: the time that the rows really
 * cover, from the begin to the end of windows, or of a session within them (0, 0 where there are
 * none). */
typedef int (*store_hits_fn)(void *userdata, int64_t task, int64_t node, uint64_t n);
int store_foreach_hits(struct store *store, const struct store_range *range, store_hits_fn fn,
		       void *userdata, uint64_t *ret_since_usec, uint64_t *ret_until_usec);
/* Finds ret_since and ret_until of store_foreach_hits() without the hits. */
int store_find_cover(struct store *store, const struct store_range *range, uint64_t *ret_since_usec,
		     uint64_t *ret_until_usec);

/* Calls fn for the hits with their time: slot s is the windows from s * windows on. They come row
 * by row, the same ones more than once, in no order; where `windows` is a multiple of
 * STORE_HOUR_WINDOWS from roll-ups as far as that goes. STORE_ALL_WINDOWS: slot 0 is everything. */
#define STORE_HOUR_WINDOWS 360
#define STORE_ALL_WINDOWS  ((uint64_t)STORE_HOUR_WINDOWS << 40)
struct store_slot_hits {
	uint64_t slot;
	int64_t task;
	int64_t node;
	uint64_t n;
};
typedef int (*store_slot_hits_fn)(void *userdata, const struct store_slot_hits *hits);
int store_foreach_slot_hits(struct store *store, const struct store_range *range, uint64_t windows,
			    store_slot_hits_fn fn, void *userdata);
typedef int (*store_loss_fn)(void *userdata, const char *reason, uint64_t n);
int store_foreach_loss(struct store *store, const struct store_range *range, store_loss_fn fn,
		       void *userdata);
int store_foreach_session_loss(struct store *store, int64_t session, store_loss_fn fn,
			       void *userdata);

/* Call fn for the rows of tables that only grow, in order of id, from an id on: a reader keeps what
 * it has read. Only the names of frames may change (store_rename_frame()). */
typedef int (*store_node_fn)(void *userdata, int64_t id, int64_t parent, int64_t frame);
int store_foreach_node(struct store *store, int64_t from_id, store_node_fn fn, void *userdata);
typedef int (*store_frame_fn)(void *userdata, int64_t id, const struct frame *frame);
int store_foreach_frame(struct store *store, int64_t from_id, store_frame_fn fn, void *userdata);
/* Calls fn for native frames without a name that have a build-id, of those with ids from `from` to
 * below `to`: module, file, build_id and offset of these are set. */
int store_foreach_unnamed(struct store *store, int64_t from, int64_t to, store_frame_fn fn,
			  void *userdata);
int store_find_last_frame(struct store *store, int64_t *ret_id); /* 0: there is none */
int store_find_last_node(struct store *store, int64_t *ret_id);  /* 0: there is none */
/* Reads one frame and the id of its function. Returns 1, or 0 where there is no such frame. */
typedef int (*store_read_frame_fn)(void *userdata, int64_t function, const struct frame *frame);
int store_read_frame(struct store *store, int64_t id, store_read_frame_fn fn, void *userdata);
/* A task with its process. Readers ask for it again, since a process may have learnt its unit
 * since. */
struct store_task {
	int64_t id;
	int64_t process_id;
	uint32_t tid;
	const char *comm;
	struct store_process process;
};
typedef int (*store_task_fn)(void *userdata, const struct store_task *task);
int store_foreach_task(struct store *store, int64_t from_id, store_task_fn fn, void *userdata);
/* Reads one task. Returns 1, or 0 where there is no such task. */
int store_read_task(struct store *store, int64_t id, store_task_fn fn, void *userdata);
