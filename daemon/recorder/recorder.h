/* SPDX-License-Identifier: MIT */
/*
 * Turns the samples that the kernel counted into rows of the history: drain, name, fold, write. A
 * drain is one transaction that adds to the rows of the window it falls into, so that a killed
 * daemon loses the time since its last drain and no more.
 *
 * Where the database cannot be written, the drained samples stay in memory and are tried again;
 * beyond RECORDER_PENDING_MAX rows they are dropped and counted as lost.
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

/* The slot of the only session. */
#define RECORDER_SLOT 0

struct recorder;

/* Receives one line about a file that cannot be read. */
typedef void (*recorder_warn_fn)(void *userdata, const char *text);

/* Borrows the store. proc is "/proc", program that of the symbolizer (daemon/objfile/symbolizer.h),
 * deputy its socket (daemon/objfile/deputy.h). Returns NULL where memory or descriptors ran out. */
struct recorder *recorder_new(struct store *store, const char *proc, const char *program,
			      const char *deputy, recorder_warn_fn warn, void *userdata);
struct recorder *recorder_free(struct recorder *recorder);

/* Begins a session. Borrows sampler and sideband until another recorder_begin() or
 * recorder_unload(). follow_all is true where any process may be sampled, not only those of
 * recorder_expect(). Returns 0 or the store's error, and then no session has begun. */
int recorder_begin(struct recorder *recorder, struct sampler *sampler, struct sideband *sideband,
		   const struct store_session *session, bool follow_all);
/* Reads the mappings of a process at once that will be sampled later: it may end soon. */
void recorder_expect(struct recorder *recorder, uint32_t pid);
/* Waits until expected processes have their unwinding tables, a tenth of a second at most. */
void recorder_wait_names(struct recorder *recorder);

/* Reads the samples up to now and writes them. Samples that wait for names stay in their arena
 * until a later drain, some seconds at most. With a patience the names are waited for, so long at
 * most, and all samples are written: an address without a name by then is stored as its number.
 * Returns how full the kernel's arena was, in percent; or the store's error, and then the samples
 * are kept for the next drain. */
int recorder_drain(struct recorder *recorder, uint64_t now_usec, uint64_t patience_usec);
/* Gives up sampler and sideband, which the caller may free then. */
void recorder_unload(struct recorder *recorder);
/* Returns the n-th of RECORDER_FDS descriptors for the event loop: when one of them is readable,
 * recorder_dispatch() has work. */
#define RECORDER_FDS 3
int recorder_fd(const struct recorder *recorder, unsigned n);
void recorder_dispatch(struct recorder *recorder);
/* Returns the inspector for other users; borrowed. */
struct inspector *recorder_inspector(const struct recorder *recorder);
/* Reads the events of processes from the kernel side (sampler_event_fd()) and gives it the ranges
 * of these processes at once. */
void recorder_read_events(struct recorder *recorder);
/* Reads the definitions of Python code objects only (sampler_definitions_fd()). */
void recorder_read_definitions(struct recorder *recorder);
/* Reads the side band only, since its buffers are filling up. Returns 0 or the first error. */
int recorder_drain_sideband(struct recorder *recorder);
/* Drains for the last time, with that patience, and ends the session, also where its last rows
 * cannot be written. Returns 0 or the first error. */
int recorder_end(struct recorder *recorder, uint64_t now_usec, uint64_t patience_usec);

/* Figures of the running session, or of the last one. */
struct recorder_totals {
	int64_t session;      /* 0: none yet */
	uint64_t interval_ns; /* as the session asked for it */
	uint64_t samples;
	uint64_t lost[OX_N_LOSSES];
	uint64_t stops[OX_N_STOPS]; /* samples by how their user stack ends */
	uint64_t timed_ns, timed_n;
	uint64_t gap_n;
	double gap_sum_ns, gap_squares_ns;
};
void recorder_get_totals(const struct recorder *recorder, struct recorder_totals *ret);
/* The samples of this session that one target chose (struct ox_target). */
struct recorder_share {
	uint64_t samples;
	uint64_t stops[OX_N_STOPS];
};
/* Fills *ret for the number of a target; zeros where it has no samples. */
void recorder_get_share(const struct recorder *recorder, uint32_t target,
			struct recorder_share *ret);
void recorder_get_tables(const struct recorder *recorder, struct unwinder_state *ret);
/* An interpreter of a process that was sampled in this session. Texts are cleaned for terminals,
 * "" where unknown, and borrowed for the call. */
struct recorder_interpreter {
	uint32_t pid;
	uint32_t uid; /* effective */
	const char *comm;
	const char *name;  /* "CPython 3.11.2", "PyPy" */
	const char *file;  /* path, as the process sees it */
	const char *state; /* "read": its frames are read; else "unknown-version", "other-layout",
			    * "free-threaded", "pypy", "stripped" */
	const char *note;  /* a sentence that says why its frames are not read; "": they are */
};
typedef int (*recorder_interpreter_fn)(void *userdata, const struct recorder_interpreter *of);
/* Calls fn for each of them. Returns 0, or the first negative result of fn, which ends the calls.
 */
int recorder_foreach_interpreter(struct recorder *recorder, recorder_interpreter_fn fn,
				 void *userdata);
/* Has every name looked up again from now on, since debug files may have come; samples that wait to
 * be written keep theirs. */
void recorder_forget_names(struct recorder *recorder);
