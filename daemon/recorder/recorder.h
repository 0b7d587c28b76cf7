/* SPDX-License-Identifier: MIT */
/*
 * From what the kernel counted to rows of the history: drain, name, fold, write. A drain is one
 * transaction that adds to the rows of the window it falls into, so that a killed daemon loses the
 * time since its last drain and no more.
 *
 * Where the database cannot be written, what was drained is kept in memory and tried again; beyond
 * RECORDER_PENDING_MAX rows it is dropped and counted as lost.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/sample.h"
#include "daemon/objfile/inspect.h"
#include "daemon/process/sideband.h"
#include "daemon/sampler/sampler.h"
#include "daemon/unwinder/unwinder.h"
#include "db/store.h"

#define RECORDER_PENDING_MAX 1000000
#define RECORDER_BYTES_MAX   (UINT64_C(128) << 20)

struct recorder;

/* What cannot be read of a file of others: one line. */
typedef void (*recorder_warn_fn)(void *userdata, const char *text);

/* Borrows the store; proc is "/proc", program that of the symbolizer (daemon/objfile/symbolizer.h).
 * NULL: no memory, or no more descriptors. */
struct recorder *recorder_new(struct store *store, const char *proc, const char *program,
			      recorder_warn_fn warn, void *userdata);
struct recorder *recorder_free(struct recorder *recorder);

/* A session's start, with everything that may be asked from the kernel then; sampler and sideband
 * are borrowed until recorder_end(). `follow_all`: any process may turn up, not only those that are
 * named by recorder_expect(). 0 or the store's error, and then nothing has begun. */
int recorder_begin(struct recorder *recorder, struct sampler *sampler, struct sideband *sideband,
		   const struct store_session *session, bool follow_all);
/* A process that will be sampled: what it has mapped is read now, should it end soon. */
void recorder_expect(struct recorder *recorder, uint32_t pid);
/* Waits until those that are expected have their unwinding tables, a tenth of a second at most. */
void recorder_wait_names(struct recorder *recorder);

/* Takes in what was sampled up to now and writes it. What waits for names stays where it is until
 * the next drain, some seconds at most; with a patience it is waited for, so long at most, and
 * nothing is left behind: what has no name by then is stored by its address. How full the kernel's
 * arena was, in percent, or the store's error: then it is kept for the next time. */
int recorder_drain(struct recorder *recorder, uint64_t now_usec, uint64_t patience_usec);
/* The kernel side is about to go: nothing of it may be used any more. */
void recorder_unload(struct recorder *recorder);
/* For the event loop: when one of these is readable, recorder_dispatch() has something to do. */
#define RECORDER_FDS 3
int recorder_fd(const struct recorder *recorder, unsigned n);
void recorder_dispatch(struct recorder *recorder);
/* For others who have a file to look at; borrowed. */
struct inspector *recorder_inspector(const struct recorder *recorder);
/* News of processes from the kernel side (sampler_event_fd()): it gets their ranges at once. */
void recorder_read_events(struct recorder *recorder);
/* Reads definitions of Python code objects only (sampler_definitions_fd()): likewise. */
void recorder_take_definitions(struct recorder *recorder);
/* Reads the side band only: its buffers are filling up. */
int recorder_drain_sideband(struct recorder *recorder);
/* Drains for the last time, with that patience, and ends the session, also where its last rows
 * cannot be written. */
int recorder_end(struct recorder *recorder, uint64_t now_usec, uint64_t patience_usec);

/* Of the running session, or of the last one. */
struct recorder_totals {
	int64_t session;      /* 0: none yet */
	uint64_t interval_ns; /* that was wanted */
	uint64_t samples;
	uint64_t lost[OX_N_LOSSES];
	uint64_t stops[OX_N_STOPS]; /* samples by how their user stack ends */
	uint64_t timed_ns, timed_n;
	uint64_t gap_n;
	double gap_sum_ns, gap_squares_ns;
};
void recorder_get_totals(const struct recorder *recorder, struct recorder_totals *ret);
/* Of this session, by the number of the target that chose them (struct ox_target). */
struct recorder_share {
	uint64_t samples;
	uint64_t stops[OX_N_STOPS];
};
void recorder_get_share(const struct recorder *recorder, uint32_t target,
			struct recorder_share *ret);
void recorder_get_tables(const struct recorder *recorder, struct unwinder_state *ret);
/* Interpreters of the processes that were sampled in this session; texts are clean, "" unknown. */
struct recorder_interpreter {
	uint32_t pid;
	uint32_t uid; /* effective */
	const char *comm;
	const char *name;  /* "CPython 3.11.2", "PyPy" */
	const char *file;  /* path, as the process sees it */
	const char *state; /* "read": its frames are; else "unknown-version", "other-layout",
			    * "free-threaded", "pypy", "stripped" */
	const char *note;  /* a sentence for people that says why it is not read; "" it is */
};
typedef int (*recorder_interpreter_fn)(void *userdata, const struct recorder_interpreter *of);
/* The first negative result of fn ends it and is returned. */
int recorder_foreach_interpreter(struct recorder *recorder, recorder_interpreter_fn fn,
				 void *userdata);
/* Debug files may have come: every name is looked up again from now on, but for what waits to be
 * written. */
void recorder_forget_names(struct recorder *recorder);
