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
#include "daemon/query/question.h"
#include "daemon/recorder/recorder.h"
#include "daemon/resolver/resymbolize.h"

struct manager;

/* Called after each change of an owner's sessions or targets; the
 * functions below give the new state. */
typedef void (*manager_listener_t)(void *userdata, uint32_t owner);

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
	bool children;
};

struct manager_request {
	const struct target_request *targets;
	size_t n_targets;     /* 0: resume the owner's targets */
	uint32_t owner;       /* uid of the sender */
	bool anybody;         /* may sample processes that are not the owner's */
	bool kernel;          /* with kernel stacks */
	uint64_t interval_ns; /* 0: as the owner's session that runs, else the one that was set */
	uint64_t for_usec;    /* 0: without end */
};

/* The sessions that a call is about. */
struct manager_scope {
	uint32_t owner;  /* UINT32_MAX: everybody's */
	int64_t session; /* that one alone, while it runs; 0: all of the owner */
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

/* Begins to sample the targets of the request: in the owner's session that runs where interval and
 * rights are the same, else in one of their own. To be called only when manager_make_ready()
 * returns 1. */
int manager_unpause(struct manager *manager, const struct manager_request *request,
		    struct failure *failure);
/* Pauses these targets of the scope; n == 0 pauses all. Fails with -ENOENT where one of them is no
 * target there; one that is paused already is no failure. */
int manager_pause(struct manager *manager, const struct manager_scope *scope,
		  const struct target *targets, size_t n, struct failure *failure);
/* Pauses and drops all targets of the scope, and forgets the interval that its owner set. Unloads
 * the programs where no target of anybody is left. */
int manager_cancel(struct manager *manager, const struct manager_scope *scope,
		   struct failure *failure);
/* Sets the interval of the sessions of the scope, which end and begin anew, and of those of its
 * owner that follow. */
int manager_set_interval(struct manager *manager, const struct manager_scope *scope,
			 uint64_t interval_ns, struct failure *failure);
/* Follows a unit that was started or stopped: cgroup is where it runs now, "" nowhere. */
void manager_move_unit(struct manager *manager, const char *unit, const char *cgroup);

/* A question about the history. caller: the user who asks, whose state the answer has. A privileged
 * one waits behind no other user, and has all time. */
struct manager_question {
	const struct query *query;
	uint32_t caller;
	bool is_privileged;
	bool wants_json; /* the answer is a file */
};
/* Receives an answer, or what failed; NULL: nothing. Both are borrowed for the call. */
typedef void (*manager_answer_fn)(void *userdata, const struct question_answer *answer,
				  const struct failure *failure);
struct managed_query;
/* Asks. What was sampled up to now will be in the answer. Copies the question. Returns 0, and fn
 * will be called once, from the event loop, unless the query is dropped before. */
int manager_query(struct manager *manager, const struct manager_question *asked,
		  manager_answer_fn fn, void *userdata, struct managed_query **ret,
		  struct failure *failure);
void manager_drop_query(struct managed_query *query);
/* Calls fn from the event loop when what was sampled up to now is in the history, as far as it can
 * be written: with its names if they come within a second. The wait ends with the call, or where it
 * is dropped. */
typedef void (*manager_fresh_fn)(void *userdata);
struct managed_wait;
int manager_wait_fresh(struct manager *manager, manager_fresh_fn fn, void *userdata,
		       struct managed_wait **ret);
void manager_drop_wait(struct managed_wait *wait); /* NULL: does nothing */
/* Begins a stream of the stacks that are in the history (manager_wait_fresh()). caller: the user
 * who asks. A privileged one counts to nobody's exports. Fills in state and interval_ns of the
 * options. *ret_fd is the caller's. */
int manager_export(struct manager *manager, const struct query *query,
		   struct export_options *options, uint32_t caller, bool is_privileged, int *ret_fd,
		   struct failure *failure);
/* Calls fn for the sessions of the history that touch the range and are its owner's; UINT32_MAX:
 * everybody's. */
int manager_foreach_session(struct manager *manager, const struct store_range *range,
			    store_session_fn fn, void *userdata, struct failure *failure);
int manager_foreach_session_loss(struct manager *manager, int64_t session, store_loss_fn fn,
				 void *userdata);
/* Finds the session that a question without a window is about: the owner's newest one that runs,
 * else the last one. 0: the owner never had one. */
int manager_find_default_session(struct manager *manager, uint32_t owner, int64_t *ret,
				 struct failure *failure);

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
	int64_t session; /* that samples it; 0: none */
	bool children;
	uint64_t until_usec; /* CLOCK_REALTIME; 0: without end */
	/* Counts since it became a target. A process that several targets of a session choose
	 * counts for the one that chose it first. */
	uint64_t samples;
	uint64_t stops[OX_N_STOPS]; /* samples with user frames, by how their stack ends */
};

/* One owner's order: the sessions that run, and those that were paused and can be resumed. */
struct manager_session_info {
	int64_t session; /* number; 0: it has not begun */
	uint32_t owner;
	bool is_running;
	bool anybody; /* was authorised for processes that are not the owner's */
	uint64_t interval_ns;
	uint64_t running_usec;         /* 0: it does not run */
	struct recorder_totals totals; /* of the session that runs, or of the last one */
};

/* True if a session of the owner runs; UINT32_MAX: of anybody. */
bool manager_is_running(const struct manager *manager, uint32_t owner);
const char *manager_mode(const struct manager *manager);
/* Returns the interval of the owner's newest session that runs, else the one that the next would
 * have. */
uint64_t manager_interval_ns(const struct manager *manager, uint32_t owner);
/* Calls fn for the targets, and for the sessions, of the scope, oldest first, until fn fails.
 * Returns what fn returned then, or 0. The info is borrowed for the call. */
typedef int (*manager_target_fn)(void *userdata, const struct manager_target_info *info);
int manager_foreach_target(const struct manager *manager, const struct manager_scope *scope,
			   manager_target_fn fn, void *userdata);
typedef int (*manager_session_fn)(void *userdata, const struct manager_session_info *info);
int manager_foreach_managed_session(const struct manager *manager,
				    const struct manager_scope *scope, manager_session_fn fn,
				    void *userdata);
/* Gives the newest session of the scope that runs, else the one that ran last. False: there is
 * none. */
bool manager_get_session(const struct manager *manager, const struct manager_scope *scope,
			 struct manager_session_info *ret);
void manager_get_tables(const struct manager *manager, struct unwinder_state *ret);
/* Calls fn for each interpreter that the running or the last session met, until fn fails. Returns
 * what fn returned then, or 0. */
int manager_foreach_interpreter(struct manager *manager, recorder_interpreter_fn fn,
				void *userdata);
const char *manager_database(const struct manager *manager);
uint64_t manager_database_bytes(const struct manager *manager);
/* Returns what the database may have at present; 0: there is no limit. */
uint64_t manager_database_limit(const struct manager *manager);
/* Returns when the oldest window begins that was not deleted, in usec; 0: there is none. */
uint64_t manager_history_since(const struct manager *manager);
const char *manager_notice(const struct manager *manager); /* "" when all is well */
enum manager_kernel manager_get_kernel(const struct manager *manager);
/* Returns for how long the kernel side has been loading or opening; 0: it is not. */
uint64_t manager_loading_usec(const struct manager *manager);
