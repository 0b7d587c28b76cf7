/* SPDX-License-Identifier: MIT */
/* What the files of the manager's room share; nobody else includes it. */
#pragma once

#include "daemon/manager/loader.h"
#include "daemon/manager/manager.h"
#include "daemon/process/sideband.h"
#include "daemon/sampler/sampler.h"

struct managed {
	struct manager *manager;
	struct target_request wanted;
	enum manager_target_state state;
	uint32_t number; /* that its samples bear; no other target has it */
	uint32_t owner;
	uint32_t uid;         /* user targets */
	uint64_t cgroup_id;   /* cgroup and unit targets; 0: none now */
	uint64_t start_ticks; /* pid targets, CLOCK_BOOTTIME */
	uint64_t added_ticks; /* children are those that were started since */
	uint64_t until_usec;  /* CLOCK_REALTIME; 0: without end */
	uint64_t for_usec;    /* becomes until_usec when sampling has begun */
	bool replaced; /* by another with the same name, in a change that is not yet through */
	int pidfd;
	sd_event_source *exit_source;
};

/* A run of manager_resymbolize(). */
struct managed_resymbolize {
	struct resymbolize *work; /* NULL: there is none */
	/* NULL: the symbolizer's own, and "/proc"; others in tests. */
	const struct resymbolize_ops *ops;
	const char *proc;
	sd_event_source *step, *check;
	manager_resymbolized_t fn; /* NULL: nobody waits for it */
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
	struct query_engine *engine;
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
	bool loader_opens;        /* what the loader does includes that */
	bool is_ready_asked;      /* somebody waits until it is ready */
	char kernel_failure[512]; /* of the last try; "" none */
	manager_ready_fn on_ready;
	void *ready_userdata;
	sd_event_source *drain_source, *until_source;
	sd_event_source **sideband_sources;
	sd_event_source *code_source;
	sd_event_source *definition_source;
	sd_event_source *symbolizer_sources[RECORDER_FDS];

	struct managed **targets;
	size_t n_targets;
	uint64_t interval_ns; /* of this run */
	uint64_t chosen_ns;   /* of the next one that asks for none: the settings, or SetInterval */
	bool is_chosen;       /* by SetInterval: the settings do not change it */
	bool running;
	uint64_t session_started_usec;
	uint64_t drain_usec; /* the pause between two drains */
	char notice[512];

	manager_listener_t listener;
	void *listener_userdata;
};

/* manager.c */

/* From one on, all that follow. */
void manager_drop_targets(struct manager *manager, size_t from);

/* ---- resymbolize.c ---- */

void manager_stop_resymbolize(struct manager *manager);

/* ---- export.c ---- */

void manager_stop_exports(struct manager *manager);

/* ---- view.c ---- */

/* 0 is all of them; one that never was is a failure. */
int manager_check_session(struct manager *manager, int64_t session, struct failure *failure);

/* ---- target.c ---- */

/* Finds out what the target means now: the process and its start, the cgroup's id, the uid. */
/* on_exit: an event of its pidfd, where it has one; with the struct managed. */
int managed_new(struct manager *manager, const struct target_request *wanted, uint32_t owner,
		sd_event_io_handler_t on_exit, struct managed **ret, struct failure *failure);
struct managed *managed_free(struct managed *managed);
bool managed_is(const struct managed *managed, const struct target *target);
/* It is sampled now, or would be if it were there. */
bool managed_is_active(const struct managed *managed);
/* -1: nothing to be sampled by (waiting, exited, paused); else 0. */
int managed_get_filter(const struct managed *managed, struct sampler_target *ret);
/* Any process may turn up under it, not only one that is known by its pid. */
bool managed_is_open(const struct managed *managed);
/* From paused to running, or to waiting where its cgroup is not there. */
void managed_resume(struct managed *managed);
/* A unit runs in another cgroup now, "" in none. True: that changed something. */
bool managed_move(struct managed *managed, const char *cgroup);
/* Processes that targets started while nobody followed. */
void manager_adopt_children(struct manager *manager);

/* ---- load.c ---- */

int manager_watch_symbolizers(struct manager *manager);
bool manager_is_ready(const struct manager *manager);
/* What the kernel side sent in the last moment of a session would wake the loop up without end, if
 * it were heard while nobody reads it. */
int manager_hear_kernel(struct manager *manager, bool hears);
/* Paused: what is loaded stays, what is open is closed. An open event costs each mmap() of the
 * machine, also while it is disabled. */
void manager_close(struct manager *manager);
/* Whoever waits until it is ready is told that it was cancelled. */
void manager_unload(struct manager *manager);

/* ---- run.c ---- */

/* Makes what runs agree with the targets: begins, changes or ends the session. */
int manager_reconcile(struct manager *manager, struct failure *failure);
/* The same where nobody waits for the outcome, and told: what cannot run is paused, and the notice
 * says why. */
void manager_reconcile_or_pause(struct manager *manager);
/* Stops, and takes in what there is; names are waited for so long. Nothing, where none runs. */
void manager_end_session(struct manager *manager, uint64_t patience_usec);
int manager_push_filters(struct manager *manager);
int manager_drain(struct manager *manager, bool finish);
bool manager_has_work(const struct manager *manager);
/* One timer, for the target whose time is up first. */
int manager_set_until(struct manager *manager);
/* The process of a target (userdata) has ended. An sd_event_io_handler_t. */
int manager_on_process_end(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* ---- notify.c ---- */

void manager_tell(struct manager *manager);
