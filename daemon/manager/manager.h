/* SPDX-License-Identifier: MIT */
/*
 * Targets, sessions and time: the work of the daemon, without the bus. Functions return 0 or a
 * negative errno with the reason in `failure`; a function that fails has changed nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/base/config.h"
#include "daemon/base/target.h"
#include "daemon/export/export.h"
#include "daemon/manager/failure.h"
#include "daemon/query/engine.h"
#include "daemon/recorder/recorder.h"
#include "daemon/resolver/resymbolize.h"

struct manager;

/* Called after each change; the functions below give the new state. */
typedef void (*manager_listener_t)(void *userdata);

/* Opens the database and ends sessions that were left open. The manager starts paused, with nothing
 * in the kernel. Holds a reference to the event loop. */
int manager_new(sd_event *event, const struct config *config, struct manager **ret,
		struct failure *failure);
/* Pauses, so that nothing is lost, and frees the manager. Returns NULL. */
struct manager *manager_free(struct manager *manager);
void manager_listen(struct manager *manager, manager_listener_t listener, void *userdata);
/* Takes new settings. The interval holds from the next unpause on, unless SetInterval set one. The
 * memory for unwinding tables holds from the next time the programs are loaded. */
void manager_configure(struct manager *manager, const struct config *config);

/* A target as a request names it. */
struct target_request {
	struct target target;
	char cgroup[OX_TARGET_BYTES_MAX]; /* of a unit: where it runs now; "": it does not */
	bool kernel;                      /* with kernel stacks */
	bool own;                         /* only processes whose ids are all the owner's */
	bool children;
};

struct manager_request {
	const struct target_request *targets;
	size_t n_targets;     /* 0: resume the targets that there are */
	uint32_t owner;       /* uid of the sender */
	uint64_t interval_ns; /* 0: stays while running or resuming, else the one that was set */
	uint64_t for_usec;    /* 0: without end */
};

/* The state of the kernel side, as status shows it. */
enum manager_kernel {
	KERNEL_UNLOADED, /* nothing is in the kernel */
	KERNEL_LOADING,  /* the programs are being verified */
	KERNEL_OPENING,  /* timers are being opened */
	KERNEL_LOADED,
	KERNEL_FAILED, /* the last try to load or to open failed; the next unpause tries again */
};
const char *manager_kernel_name(enum manager_kernel kernel);

/* Begins to load the programs, so that the first unpause need not wait for the verifier. A failure
 * is in the journal and in the notice. To be called once, before anything else is loaded. */
void manager_load_ahead(struct manager *manager);
/* Checks whether manager_unpause() would refuse the request; changes and loads nothing. */
int manager_check_request(struct manager *manager, const struct manager_request *request,
			  struct failure *failure);
/* Loads and opens what manager_unpause() needs and is not there. Returns 1 where all is ready, or 0
 * where that takes a moment: then the function of manager_on_ready() is called at its end. */
int manager_make_ready(struct manager *manager, struct failure *failure);
/* Called when what manager_make_ready() began has ended. `failure` is borrowed for the call, and
 * NULL where all went well. */
typedef void (*manager_ready_fn)(void *userdata, const struct failure *failure);
void manager_on_ready(struct manager *manager, manager_ready_fn fn, void *userdata);

/* Closes the events if nothing is sampled. To be called after manager_make_ready() where no unpause
 * follows, or where it failed. */
void manager_stop_if_idle(struct manager *manager);

/* Begins to sample the targets of the request, beside those that are sampled already. To be called
 * only when manager_make_ready() returns 1. */
int manager_unpause(struct manager *manager, const struct manager_request *request,
		    struct failure *failure);
/* Pauses these targets; n == 0 pauses all. Fails with -ENOENT where one of them is no target; one
 * that is paused already is no failure. */
int manager_pause(struct manager *manager, const struct target *targets, size_t n,
		  struct failure *failure);
/* Pauses and drops all targets, unloads the programs, and forgets the interval that was set. */
int manager_cancel(struct manager *manager, struct failure *failure);
/* Sets the interval of this session and of those that follow. */
int manager_set_interval(struct manager *manager, uint64_t interval_ns, struct failure *failure);
/* Follows a unit that was started or stopped: cgroup is where it runs now, "" nowhere. */
void manager_move_unit(struct manager *manager, const char *unit, const char *cgroup);

/* Records what was sampled up to now, and answers. The caller ends the result by result_done(). */
int manager_query(struct manager *manager, const struct query *query, struct result *ret,
		  struct failure *failure);
/* Begins a stream of the stacks that were sampled up to now. uid: the user to whose exports this
 * one counts; UINT32_MAX: to nobody's. Fills in state and interval_ns of the options. *ret_fd is
 * the caller's. */
int manager_export(struct manager *manager, const struct query *query,
		   struct export_options *options, uint32_t uid, int *ret_fd,
		   struct failure *failure);
int manager_foreach_session(struct manager *manager, uint64_t since_usec, uint64_t until_usec,
			    uint32_t only_uid, store_session_fn fn, void *userdata,
			    struct failure *failure);
int manager_foreach_session_loss(struct manager *manager, int64_t session, store_loss_fn fn,
				 void *userdata);

/* Called once when manager_resymbolize() is done. Both are borrowed for the call; `failure` is NULL
 * where all went well. */
typedef void (*manager_resymbolized_t)(void *userdata, const struct resymbolize *result,
				       const struct failure *failure);
/* Begins to give names to addresses of the history that have none, in the background. Returns
 * -EBUSY where that is being done already. */
int manager_resymbolize(struct manager *manager, manager_resymbolized_t fn, void *userdata,
			struct failure *failure);
/* Drops the callback; the resymbolization continues. */
void manager_forget_resymbolize(struct manager *manager);

enum manager_target_state {
	TARGET_RUNNING,
	TARGET_PAUSED,
	TARGET_WAITING, /* a unit that does not run */
	TARGET_EXITED,  /* a process that is gone */
};
const char *manager_target_state_name(enum manager_target_state state);

struct manager_target_info {
	const char *text; /* borrowed until the next change */
	enum manager_target_state state;
	uint32_t owner;
	bool children;
	uint64_t until_usec; /* CLOCK_REALTIME; 0: without end */
	/* Counts of this session, or of the last one. A process that several targets choose counts
	 * for the one that chose it first. */
	uint64_t samples;
	uint64_t stops[OX_N_STOPS]; /* samples with user frames, by how their stack ends */
};

/* Records what was sampled up to now, so that the counters below are of this moment. */
void manager_refresh(struct manager *manager);
bool manager_is_running(const struct manager *manager);
/* Returns "running" or "paused". */
const char *manager_state(const struct manager *manager);
const char *manager_mode(const struct manager *manager);
uint64_t manager_interval_ns(const struct manager *manager);
size_t manager_count_targets(const struct manager *manager);
/* Gives target n, which is below manager_count_targets(). */
void manager_get_target(const struct manager *manager, size_t n, struct manager_target_info *ret);
/* Gives the totals of the running or the last session. */
void manager_get_totals(const struct manager *manager, struct recorder_totals *ret);
void manager_get_tables(const struct manager *manager, struct unwinder_state *ret);
/* Calls fn for each interpreter that the running or the last session met, until fn fails. Returns
 * what fn returned then, or 0. */
int manager_foreach_interpreter(struct manager *manager, recorder_interpreter_fn fn,
				void *userdata);
const char *manager_database(const struct manager *manager);
uint64_t manager_database_bytes(const struct manager *manager);
const char *manager_notice(const struct manager *manager); /* "" when all is well */
enum manager_kernel manager_get_kernel(const struct manager *manager);
/* Returns for how long the kernel side has been loading or opening; 0: it is not. */
uint64_t manager_loading_usec(const struct manager *manager);
uint64_t manager_running_usec(const struct manager *manager);
