/* SPDX-License-Identifier: MIT */
/*
 * Targets, sessions and time: what the daemon does, without the bus. Functions return 0 or a
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

/* Told after a change; what changed is asked for with the functions below. */
typedef void (*manager_listener_t)(void *userdata);

/* Opens the database, ends sessions that were left open. Starts paused, with nothing in the kernel.
 * Borrows the event loop. */
int manager_new(sd_event *event, const struct config *config, struct manager **ret,
		struct failure *failure);
/* Pauses first, so that nothing is lost. */
struct manager *manager_free(struct manager *manager);
void manager_listen(struct manager *manager, manager_listener_t listener, void *userdata);
/* New settings: the interval holds from the next unpause on unless one was set, and so does the
 * memory of unwinding tables. */
void manager_configure(struct manager *manager, const struct config *config);

/* One thing to be profiled. */
struct target_request {
	struct target target;
	char cgroup[OX_TARGET_BYTES_MAX]; /* unit: where it runs now, "" it does not */
	bool kernel;                      /* with kernel stacks */
	bool own;                         /* only processes whose ids are all the owner's */
	bool children;
};

struct manager_request {
	const struct target_request *targets;
	size_t n_targets;     /* 0: resume what there was */
	uint32_t owner;       /* uid of who asks */
	uint64_t interval_ns; /* 0: as it is while running or resuming, else the one that was set */
	uint64_t for_usec;    /* 0: without end */
};

/* The kernel side, as people are told of it. */
enum manager_kernel {
	KERNEL_UNLOADED, /* nothing is in the kernel */
	KERNEL_LOADING,  /* the programs are being verified */
	KERNEL_OPENING,  /* timers are being opened */
	KERNEL_LOADED,
	KERNEL_FAILED, /* the last try to load or to open failed; the next unpause tries again */
};
const char *manager_kernel_name(enum manager_kernel kernel);

/* Begins to load the programs, so that the first unpause need not wait for that. A failure is in
 * the journal and in the notice. */
void manager_load_ahead(struct manager *manager);
/* Looks whether manager_unpause() would fail by what it is asked for: changes and loads nothing. */
int manager_check_request(struct manager *manager, const struct manager_request *request,
			  struct failure *failure);
/* Makes ready for manager_unpause(): loads what is not loaded, opens what is not open. 1: it is
 * ready. 0: that takes a moment, and the function below is called at its end. */
int manager_make_ready(struct manager *manager, struct failure *failure);
/* Told when what manager_make_ready() began has ended: `failure` NULL, all went well; else it is
 * borrowed for the call. */
typedef void (*manager_ready_fn)(void *userdata, const struct failure *failure);
void manager_on_ready(struct manager *manager, manager_ready_fn fn, void *userdata);

/* To be called after manager_make_ready(), when nobody will unpause after all or that failed:
 * closes what is open and not needed. */
void manager_stop_if_idle(struct manager *manager);

/* Only when it is ready. */
int manager_unpause(struct manager *manager, const struct manager_request *request,
		    struct failure *failure);
/* None: all. Pausing what is paused already is no failure; naming what is no target is. */
int manager_pause(struct manager *manager, const struct target *targets, size_t n,
		  struct failure *failure);
int manager_cancel(struct manager *manager, struct failure *failure);
int manager_set_interval(struct manager *manager, uint64_t interval_ns, struct failure *failure);
/* A unit was started or stopped: where it runs now, "" it does not. */
void manager_move_unit(struct manager *manager, const char *unit, const char *cgroup);

/* Takes in what was sampled up to now first. The result is for result_done(). */
int manager_query(struct manager *manager, const struct query *query, struct result *ret,
		  struct failure *failure);
/* The same as a stream, of what was sampled up to now. uid: who asks; UINT32_MAX: not counted with
 * those of a user. The rest of the options is filled in. *ret_fd is the caller's. */
int manager_export(struct manager *manager, const struct query *query,
		   struct export_options *options, uint32_t uid, int *ret_fd,
		   struct failure *failure);
int manager_foreach_session(struct manager *manager, uint64_t since_usec, uint64_t until_usec,
			    uint32_t only_uid, store_session_fn fn, void *userdata,
			    struct failure *failure);
int manager_foreach_session_loss(struct manager *manager, int64_t session, store_loss_fn fn,
				 void *userdata);

/* Gives names to what had none in the history, in the background. Called once when that is done;
 * `failure` NULL: it went well. The result is borrowed for the call. */
typedef void (*manager_resymbolized_t)(void *userdata, const struct resymbolize *result,
				       const struct failure *failure);
/* 0: it has begun; -EBUSY: it is being done already. */
int manager_resymbolize(struct manager *manager, manager_resymbolized_t fn, void *userdata,
			struct failure *failure);
/* Who asked is gone: it goes on, and nobody is called. */
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
	/* Of this session, or of the last one; a process that several targets choose counts for the
	 * one that chose it first. */
	uint64_t samples;
	uint64_t stops[OX_N_STOPS]; /* of those with user frames */
};

/* Takes in what was sampled up to now, so that the counters below are of this moment. */
void manager_refresh(struct manager *manager);
bool manager_is_running(const struct manager *manager);
/* "running" or "paused". */
const char *manager_state(const struct manager *manager);
const char *manager_mode(const struct manager *manager);
uint64_t manager_interval_ns(const struct manager *manager);
size_t manager_count_targets(const struct manager *manager);
void manager_get_target(const struct manager *manager, size_t n, struct manager_target_info *ret);
/* Of the running or the last session. */
void manager_get_totals(const struct manager *manager, struct recorder_totals *ret);
void manager_get_tables(const struct manager *manager, struct unwinder_state *ret);
/* Those that the running or the last session met. The first negative result of fn ends it. */
int manager_foreach_interpreter(struct manager *manager, recorder_interpreter_fn fn,
				void *userdata);
const char *manager_database(const struct manager *manager);
uint64_t manager_database_bytes(const struct manager *manager);
const char *manager_notice(const struct manager *manager); /* "" when all is well */
enum manager_kernel manager_get_kernel(const struct manager *manager);
/* For how long it has been loading or opening; 0: it is not. */
uint64_t manager_loading_usec(const struct manager *manager);
uint64_t manager_running_usec(const struct manager *manager);
