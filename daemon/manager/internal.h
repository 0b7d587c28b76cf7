/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder, and by no other. */
#pragma once

#include "daemon/manager/loader.h"
#include "daemon/manager/manager.h"
#include "daemon/process/sideband.h"
#include "daemon/sampler/sampler.h"

struct managed {
	struct manager *manager;
	struct target_request wanted;
	enum manager_target_state state;
	uint32_t number; /* in its samples; from 1 on, no other target has it */
	uint32_t owner;
	uint32_t uid;         /* user targets */
	uint64_t cgroup_id;   /* cgroup and unit targets; 0: none now */
	uint64_t start_ticks; /* pid targets, CLOCK_BOOTTIME */
	uint64_t added_ticks; /* only processes started since are its children */
	uint64_t until_usec;  /* CLOCK_REALTIME; 0: without end */
	uint64_t for_usec;    /* becomes until_usec when sampling has begun */
	bool replaced;        /* by another of the same name, in a change that is not finished */
	int pidfd;
	sd_event_source *exit_source;
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

struct manager {
	sd_event *event;
	struct config config;
	struct store *store;
	struct recorder *recorder;
	struct symbolizer *symbolizer;
	sd_event_source *symbolizer_source;
	struct managed_resymbolize resymbolize;
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

	struct managed **targets;
	size_t n_targets, targets_size; /* those that there are, and the room */
	uint64_t interval_ns;           /* of this session */
	uint64_t chosen_ns;             /* of the next session whose request has none */
	bool is_chosen;                 /* chosen_ns is from SetInterval, not from the settings */
	bool running;
	uint64_t session_started_usec;
	uint64_t drain_usec; /* the pause between two drains */
	char notice[512];

	manager_listener_t listener;
	void *listener_userdata;
};

/* ---- manager.c ---- */

/* Frees the targets from the index `from` on. */
void manager_drop_targets(struct manager *manager, size_t from);

/* ---- resymbolize.c ---- */

void manager_stop_resymbolize(struct manager *manager);

/* ---- export.c ---- */

void manager_stop_exports(struct manager *manager);

/* ---- view.c ---- */

/* Checks that the history has the session; 0 stands for all sessions. Returns 0, or a negative
 * errno: -ENOENT where there never was such a session. */
int manager_check_session(struct manager *manager, int64_t session, struct failure *failure);

/* ---- target.c ---- */

/* Finds what the target names now: the process and its start, the cgroup's id, the uid. on_exit is
 * called with the struct managed when the process of a pid target ends. */
int managed_new(struct manager *manager, const struct target_request *wanted, uint32_t owner,
		sd_event_io_handler_t on_exit, struct managed **ret, struct failure *failure);
struct managed *managed_free(struct managed *managed);
/* True if the two have the same text. */
bool managed_is(const struct managed *managed, const struct target *target);
/* True if the target is sampled, or waits for its unit to run. */
bool managed_is_active(const struct managed *managed);
/* Makes the filter by which the kernel side chooses processes. Returns 0, or -1 where there is
 * nothing to sample now: the target waits, has exited, is paused or was replaced. */
int managed_get_filter(const struct managed *managed, struct sampler_target *ret);
/* True if processes whose pids are not known yet may belong to the target. */
bool managed_is_open(const struct managed *managed);
/* Sets a target to running, or to waiting where its cgroup is not there. */
void managed_resume(struct managed *managed);
/* Sets the cgroup in which a unit runs now, "" for none. Returns true if that changed the id of the
 * cgroup, by which it is sampled. */
bool managed_move(struct managed *managed, const char *cgroup);
/* Adds the processes that targets started while the kernel side did not follow children. */
void manager_adopt_children(struct manager *manager);

/* ---- load.c ---- */

int manager_watch_symbolizers(struct manager *manager);
bool manager_is_ready(const struct manager *manager);
/* Watches what the kernel side sends, or stops to. While nothing is sampled nobody reads it, and
 * what was sent in the last moment of a session would wake the loop up without end. */
int manager_hear_kernel(struct manager *manager, bool hears);
/* Closes the events; the programs stay loaded. An open event costs each mmap() of the machine, also
 * while it is disabled. */
void manager_close(struct manager *manager);
/* Closes the events and unloads the programs. Callers that wait until the kernel side is ready get
 * the failure that it was cancelled. */
void manager_unload(struct manager *manager);

/* ---- run.c ---- */

/* Makes what runs agree with the targets: begins, changes or ends the session. */
int manager_reconcile(struct manager *manager, struct failure *failure);
/* Reconciles where no caller waits for the outcome, and tells it: targets that cannot be sampled
 * are paused, and the notice says why. */
void manager_reconcile_or_pause(struct manager *manager);
/* Ends the session and records what was sampled; waits up to patience_usec for names. Does nothing
 * where no session runs. */
void manager_end_session(struct manager *manager, uint64_t patience_usec);
int manager_push_filters(struct manager *manager);
/* Records what was sampled since the last drain. finish: waits for names. Returns how full the
 * arenas were, in percent, or a negative errno, which is in the notice then. */
int manager_drain(struct manager *manager, bool finish);
/* Sets one timer, for the target whose time is up first. */
int manager_set_until(struct manager *manager);
/* Handles the end of the process of a target (userdata). An sd_event_io_handler_t. */
int manager_on_process_end(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* ---- notify.c ---- */

/* Gives the state to systemd and calls the listener. */
void manager_tell(struct manager *manager);
