/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder, and by no other. */
#pragma once

#include "daemon/manager/manager.h"
#include "daemon/process/sideband.h"
#include "daemon/query/worker.h"
#include "daemon/sampler/loader.h"
#include "daemon/sampler/sampler.h"

struct managed_session;

/* A target of a session. */
struct managed {
	struct managed_session *session;
	struct target_request wanted;
	enum manager_target_state state;
	uint32_t number;      /* in its samples; from 1 on, no other target has it */
	uint32_t uid;         /* user targets */
	uint64_t cgroup_id;   /* cgroup and unit targets; 0: none now */
	uint64_t start_ticks; /* pid targets, CLOCK_BOOTTIME */
	uint64_t added_ticks; /* only processes started since are its children */
	uint64_t until_ns;    /* CLOCK_BOOTTIME; 0: without end */
	uint64_t for_usec;    /* becomes until_ns when sampling has begun */
	bool replaced;        /* by another of the same name, in a change that is not finished */
	int pidfd;
	sd_event_source *exit_source;
};

/* One owner's order. It runs, or it was paused and can be resumed. */
struct managed_session {
	struct manager *manager;
	uint32_t owner;
	bool anybody; /* may sample processes that are not the owner's */
	bool kernel;  /* with kernel stacks */
	bool is_running;
	bool is_to_begin; /* was left behind by a daemon that was killed (saved.h) */
	uint64_t interval_ns;
	struct managed **targets;
	size_t n_targets, targets_size; /* those that there are, and the room */
	struct recorder_session
		*record; /* of the session that runs, or of the last one; NULL: none */
};

/* An owner has set this for the sessions to come. */
struct managed_owner {
	uint32_t uid;
	uint64_t interval_ns;
};

/* A run of manager_resymbolize(). */
struct managed_resymbolize {
	struct resymbolize *work; /* NULL: there is none */
	/* NULL stands for the symbolizer's own functions and for "/proc"; tests set others. */
	const struct resymbolize_ops *ops;
	const char *proc;
	sd_event_source *step, *check;
	manager_resymbolized_t fn; /* NULL: no caller waits */
	void *userdata;
};

/* A run of manager_export(). */
struct managed_export {
	struct export *work; /* NULL: there is none */
	sd_event_source *ended;
	uint32_t uid;
};

/* The file of the sessions (saved.h). */
struct managed_saved {
	const char *directory; /* NULL: none */
	unsigned tries;        /* to resume, since the daemon lived for a while */
	bool is_kept;          /* the daemon ends to be started again, and goes on then */
	bool is_resuming;      /* the sessions begin when the kernel side is ready */
	/* Begins them; NULL: there are none. */
	void (*begin)(struct manager *manager);
	bool has_failed; /* the file could not be written, which was told */
	char told[128];  /* for the notice; "": nothing was resumed */
	sd_event_source *settled;
};

/* The deleting that keeps the database to its size. */
struct managed_retention {
	enum {
		RETENTION_IDLE,
		RETENTION_TRIM,   /* the oldest windows */
		RETENTION_FIND,   /* a thread looks for what nothing refers to any more, */
		RETENTION_DELETE, /* which is deleted then */
		RETENTION_VACUUM, /* free pages go back to the disk */
	} phase;
	struct store_trim *trim;
	struct finder *finder;
	struct store_garbage *garbage;
	sd_event_source *step, *found;
	uint64_t held_bytes;                /* of store_find_bounds() */
	uint64_t limit_bytes;               /* as it was last found; 0: not yet */
	uint64_t low_bytes, max_file_bytes; /* of the work that is being done */
	uint64_t round_bytes;               /* windows are deleted until so much is in use */
	bool is_futile;                     /* there is no window left to delete */
	uint64_t next_ns;                   /* of the next check */
	uint64_t told_ns;                   /* 0: never */
};

struct manager {
	sd_event *event;
	struct config config;
	struct store *store;
	struct store_limits limits;
	/* Ends what reads the database by itself. */
	void (*leave_database)(struct manager *manager);
	struct managed_retention retention;
	struct recorder *recorder;
	struct worker *worker;
	sd_event_source *worker_source;
	struct managed_query *queries;
	struct managed_wait *waits;    /* in the order in which they began */
	sd_event_source *fresh_source; /* NULL: nobody has waited yet */
	uint64_t fresh_ns;             /* when a wait was over last */
	struct symbolizer *symbolizer;
	sd_event_source *symbolizer_source;
	struct managed_resymbolize resymbolize;
	struct managed_saved saved;
	struct managed_export exports[OX_EXPORTS_MAX];
	struct sampler *sampler;   /* NULL: nothing is in the kernel, or the loader has it */
	struct sideband *sideband; /* NULL while paused: nothing is open */
	struct loader *loader;     /* while the kernel side is being made ready */
	sd_event_source *loader_source;
	uint64_t loader_started_ns;
	bool loader_opens;        /* the programs are loaded, the loader only opens events */
	bool is_ready_asked;      /* a caller waits until the kernel side is ready */
	char kernel_failure[512]; /* of the last try to load or open; "": none */
	manager_ready_fn on_ready;
	void *ready_userdata;
	sd_event_source *drain_source, *until_source;
	sd_event_source **sideband_sources;
	sd_event_source *code_source;
	sd_event_source *definition_source;
	sd_event_source *symbolizer_sources[RECORDER_FDS];

	struct managed_session **sessions; /* in the order in which they were made */
	size_t n_sessions, sessions_size;  /* those that there are, and the room */
	struct managed_owner *owners;      /* those that have set an interval */
	size_t n_owners, owners_size;
	struct manager_session_info cancelled;        /* the last one that was; session 0: none */
	bool running;                                 /* a session runs: the timers are enabled */
	uint64_t drain_usec;                          /* the pause between two drains */
	void (*after_drain)(struct manager *manager); /* called by the timer of the drains */
	char notice[512];
	char database_notice[256]; /* the database was begun anew; "": it was not */

	uint32_t changed[OX_SESSIONS_MAX]; /* owners that are to be told of a change */
	size_t n_changed;
	manager_listener_t listener;
	void *listener_userdata;
};

/* Calls the body for each target of each session. */
#define foreach_target(manager, managed)                                                     \
	for (size_t s_ = 0; s_ < (manager)->n_sessions; s_++)                                \
		for (size_t t_ = 0; t_ < (manager)->sessions[s_]->n_targets; t_++)           \
			for (struct managed *managed = (manager)->sessions[s_]->targets[t_]; \
			     managed; managed = NULL)

/* ---- resymbolize.c ---- */

void manager_stop_resymbolize(struct manager *manager);

/* Ends a run with a failure, since the database is another one. */
void manager_fail_resymbolize(struct manager *manager);

/* ---- database.c ---- */

int manager_open_database(struct manager *manager, struct failure *failure);
/* Begins the database anew where it was deleted, moved or replaced, and tells it. Where that is not
 * possible now, the store goes on to refuse transactions, and is tried again. */
void manager_check_database(struct manager *manager);

/* ---- retention.c ---- */

/* Begins to delete the oldest windows where the database has reached its limits. */
void manager_check_room(struct manager *manager);
void manager_stop_retention(struct manager *manager);

/* ---- export.c ---- */

void manager_stop_exports(struct manager *manager);

/* ---- query.c ---- */

int manager_start_worker(struct manager *manager);
/* Lets the log of the database begin anew where it has become long: others' questions wait until
 * nobody reads. */
void manager_check_log(struct manager *manager);
/* Drops all queries and ends the worker. */
void manager_stop_worker(struct manager *manager);

/* ---- view.c ---- */

/* Returns what the user has set; NULL: nothing. */
struct managed_owner *manager_find_owner(const struct manager *manager, uint32_t uid);
/* Checks that the history has the session, and that it is the owner's (UINT32_MAX: anybody's); 0
 * stands for all sessions. Returns 0, or a negative errno: -ENOENT where there is no such
 * session. */
int manager_check_session(struct manager *manager, int64_t session, uint32_t owner,
			  struct failure *failure);
/* Returns the state of the session, "running" or "paused", and gives its interval; 0: those of the
 * caller's sessions. */
const char *manager_describe(struct manager *manager, int64_t session, uint32_t caller,
			     uint64_t *ret_interval_ns);

/* ---- target.c ---- */

/* Finds what the target names now: the process and its start, the cgroup's id, the uid. on_exit is
 * called with the struct managed when the process of a pid target ends. */
int managed_new(struct manager *manager, const struct target_request *wanted,
		sd_event_io_handler_t on_exit, struct managed **ret, struct failure *failure);
struct managed *managed_free(struct managed *managed);
/* True if the two have the same text. */
bool managed_is(const struct managed *managed, const struct target *target);
/* True if the target is sampled, or waits for its unit to run. */
bool managed_is_active(const struct managed *managed);
/* Makes the filter by which the kernel side chooses processes for the session of the target.
 * Returns 0, or -1 where there is nothing to sample now: the target waits, has exited, is paused or
 * was replaced. */
int managed_get_filter(const struct managed *managed, struct sampler_target *ret);
/* True if processes whose pids are not known yet may belong to the target. */
bool managed_is_open(const struct managed *managed);
/* True if the target chose the sample, as far as the sample tells; cgroup: path, "" unknown. */
bool managed_has_sample(const struct managed *managed, const struct ox_sample *sample,
			const char *cgroup);
/* Sets a target to running, or to waiting where its cgroup is not there. */
void managed_resume(struct managed *managed);
/* Sets the cgroup in which a unit runs now, "" for none. Returns true if that changed the id of the
 * cgroup, by which it is sampled. */
bool managed_move(struct managed *managed, const char *cgroup);
/* Adds the processes that targets of the session started while the kernel side did not follow
 * children. */
void session_adopt_children(struct managed_session *session);

/* ---- sampling.c ---- */

/* Gives the kernel side the sessions that run, and their targets. */
int manager_apply(struct manager *manager);
/* Watches what the kernel side sends, or stops to. While nothing is sampled nobody reads it, and
 * what was sent in the last moment of a session would wake the loop up without end. */
int manager_hear_kernel(struct manager *manager, bool hears);
/* Opens and starts what a first session needs: timers, side band, drains. */
int manager_start_sampling(struct manager *manager);
/* Stops all of that. */
void manager_stop_sampling(struct manager *manager);
/* Keeps a sentence for the notice, with what the store says, and logs it once. */
void manager_note(struct manager *manager, const char *what);
/* Records what was sampled since the last drain, as far as it has its names. Returns how full the
 * arenas were, in percent, or a negative errno, which is in the notice then. */
int manager_drain(struct manager *manager);
/* Finds which target of the session in a slot chose a sample; a recorder_target_fn. */
uint32_t manager_find_target(void *userdata, unsigned slot, const struct ox_sample *sample,
			     const char *cgroup);
/* Looks soon whether a wait is over, since names have come or sampling has ended. */
void manager_hurry_waits(struct manager *manager);
/* Drops all waits. */
void manager_stop_waits(struct manager *manager);

/* Limit of the time for which a request waits for names. */
#define PATIENCE_USEC UINT64_C(1000000)

/* ---- session.c ---- */

/* Returns NULL where there is no memory. */
struct managed_session *session_new(struct manager *manager, uint32_t owner, bool anybody,
				    bool kernel);
/* Frees a session that does not run, with its targets. */
struct managed_session *session_free(struct managed_session *session);
/* Begins to sample the session's targets. */
int session_begin(struct managed_session *session, struct failure *failure);
/* Gives a session that runs the targets that it has got since, and writes them. Returns 0 or a
 * negative errno. */
int session_extend(struct managed_session *session);
/* Begins a session anew, with another interval: nothing is missed in between. */
int session_change_interval(struct managed_session *session, uint64_t interval_ns,
			    struct failure *failure);
/* Ends a session that runs: the kernel side takes no more samples for it. What it has taken is
 * recorded by the next drain; where no other session runs, at once, and names are waited for up to
 * patience_usec. */
void session_end(struct managed_session *session, uint64_t patience_usec);
/* True if a target is to be sampled, or children of one that has ended still run. */
bool session_has_work(const struct managed_session *session);
/* Returns the slot of a session that runs. */
static inline unsigned session_get_slot(const struct managed_session *session)
{
	return recorder_session_get_slot(session->record);
}
void session_get_info(const struct managed_session *session, struct manager_session_info *ret);
/* Returns the number in the history of the session that runs or ran last; 0: none. */
int64_t session_get_id(const struct managed_session *session);
bool session_is_in(const struct managed_session *session, const struct manager_scope *scope);
/* Adds a target, which is the session's then. Returns 0; or -ENOMEM, and it is freed. */
int session_add_target(struct managed_session *session, struct managed *managed);
/* Frees target n and closes the gap. */
void session_drop_target(struct managed_session *session, size_t n);

/* ---- load.c ---- */

int manager_watch_symbolizers(struct manager *manager);
bool manager_is_ready(const struct manager *manager);
/* Closes the events; the programs stay loaded. An open event costs each mmap() of the machine, also
 * while it is disabled. */
void manager_close(struct manager *manager);
/* Closes the events and unloads the programs. Callers that wait until the kernel side is ready get
 * the failure that it was cancelled. */
void manager_unload(struct manager *manager);

/* ---- run.c ---- */

/* Looks after each drain what it has changed: struct manager's after_drain. */
void manager_after_drain(struct manager *manager);
/* Ends the sessions that have nothing to do, and gives the kernel side the others. */
void manager_reconcile(struct manager *manager, uint64_t patience_usec);
/* Sets one timer, for the target whose time is up first. */
int manager_set_until(struct manager *manager);
/* Handles the end of the process of a target (userdata). An sd_event_io_handler_t. */
int manager_on_process_end(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* ---- saved.c ---- */

/* The first line of the file: the boot id, and how often it was tried. */
#define SAVED_FORMAT "oxprof 1 %36s %u\n"
/* Opens the directory of the file. Returns a descriptor or a negative errno. */
int saved_open_directory(const struct manager *manager);
/* Reads the id of this run of the machine. Returns 0 or a negative errno. */
int saved_read_boot_id(char boot_id[static 37]);

/* Remembers that an owner's sessions or targets have changed. */
void manager_mark(struct manager *manager, uint32_t owner);
/* Gives the state to systemd, and calls the listener once for each owner that was marked. */
void manager_tell(struct manager *manager);
