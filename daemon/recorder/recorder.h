/* SPDX-License-Identifier: MIT */
/*
 * Turns the samples that the kernel counted into rows of the history: drain, name, fold, write. A
 * drain is one transaction that adds to the rows of the window it falls into, so that a killed
 * daemon loses the time since its last drain and no more. Where so much is new that writing it
 * takes long, a drain writes a part, and the next ones the rest.
 *
 * Sessions run side by side, each in a slot, which is its bit in the masks of the kernel side. A
 * sample that several sessions took becomes one row, which has the set of them.
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

struct recorder;
struct recorder_session;

/* Receives one line about a file that cannot be read. */
typedef void (*recorder_warn_fn)(void *userdata, const char *text);

/* Borrows the store. proc is "/proc", program that of the symbolizer (daemon/objfile/symbolizer.h),
 * deputy its socket (daemon/objfile/deputy.h). Returns NULL where memory or descriptors ran out. */
struct recorder *recorder_new(struct store *store, const char *proc, const char *program,
			      const char *deputy, recorder_warn_fn warn, void *userdata);
struct recorder *recorder_free(struct recorder *recorder);

/* Begins to record, with no session yet. Borrows sampler and sideband until another
 * recorder_begin() or recorder_unload(). */
void recorder_begin(struct recorder *recorder, struct sampler *sampler, struct sideband *sideband);
/* Says whether any process may be sampled, not only those of recorder_expect(). */
void recorder_follow_all(struct recorder *recorder, bool all);

/* Begins a session in a free slot; its row is written at once. Returns 0; -EMFILE where no slot is
 * free, of which the last OX_SLOTS_FOR_ROOT are root's; or the store's error, and then no session
 * has begun. */
int recorder_begin_session(struct recorder *recorder, const struct store_session *session,
			   struct recorder_session **ret);
/* Returns the slot, in which no other session is until the samples of this one are written. */
unsigned recorder_session_get_slot(const struct recorder_session *session);
/* Writes the targets of a session that has got more of them. Returns 0 or the store's error. */
int recorder_session_set_targets(struct recorder *recorder, struct recorder_session *session,
				 const char *targets);
/* Ends a session, of which the kernel side takes no more samples. Its row ends now; the samples
 * that were taken until now are counted when they are drained. */
void recorder_end_session(struct recorder *recorder, struct recorder_session *session);
/* Gives up a session that has ended; its last samples are written all the same. */
void recorder_release_session(struct recorder *recorder, struct recorder_session *session);
/* Reads the mappings of a process at once that will be sampled later: it may end soon. */
void recorder_expect(struct recorder *recorder, uint32_t pid);
/* Waits until expected processes have their unwinding tables, a tenth of a second at most. */
void recorder_wait_names(struct recorder *recorder);

/* Reads the samples up to now and writes them. Samples that wait for names stay in their arena
 * until a later drain, some seconds at most. With a patience the names are waited for, so long at
 * most, and no sample stays there: an address without a name by then is stored as its number.
 * Returns how full the kernel's arena was, in percent, more than half where rows are left to write;
 * or the store's error, and then the samples are kept for the next drain. */
int recorder_drain(struct recorder *recorder, uint64_t patience_usec);
/* Writes all samples that were taken up to asked_ns as recorder_drain() does with a patience until
 * until_ns (CLOCK_MONOTONIC), but does not wait itself. Returns 1 where they are written, or a part
 * of them where that takes long; 0 where names are still to come: call it again after
 * recorder_dispatch(), and at until_ns; or the store's error. */
int recorder_settle(struct recorder *recorder, uint64_t asked_ns, uint64_t until_ns);
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
/* Drains for the last time, with that patience, when all sessions have ended and the timers are
 * stopped. The rows of the sessions end, also where their last samples cannot be written. Returns 0
 * or the first error. */
int recorder_end(struct recorder *recorder, uint64_t patience_usec);

/* Figures of a session. */
struct recorder_totals {
	int64_t session;
	uint64_t interval_ns; /* as the session asked for it */
	uint64_t running_usec;
	uint64_t samples;
	uint64_t lost[OX_N_LOSSES];
	uint64_t stops[OX_N_STOPS]; /* samples by how their user stack ends */
	uint64_t timed_ns, timed_n;
	uint64_t gap_n;
	double gap_sum_ns, gap_squares_ns;
};
void recorder_session_get_totals(const struct recorder *recorder,
				 const struct recorder_session *session,
				 struct recorder_totals *ret);
/* The samples that one target chose (struct ox_target). */
struct recorder_share {
	uint64_t samples;
	uint64_t stops[OX_N_STOPS];
};
/* Fills *ret for the number of a target; zeros where it has no samples. */
void recorder_get_share(const struct recorder *recorder, uint32_t target,
			struct recorder_share *ret);
/* Sets the samples of a number to zero, which another target gets. */
void recorder_clear_share(struct recorder *recorder, uint32_t target);
/* Finds which target of the session in a slot chose a sample: the sample names one target alone, of
 * whichever session. cgroup: path of the process's, "" unknown. Returns its number, 0: none.
 */
typedef uint32_t (*recorder_target_fn)(void *userdata, unsigned slot,
				       const struct ox_sample *sample, const char *cgroup);
void recorder_on_target(struct recorder *recorder, recorder_target_fn fn, void *userdata);
void recorder_get_tables(const struct recorder *recorder, struct unwinder_state *ret);
/* An interpreter of a process that was sampled. Texts are cleaned for terminals,
 * "" where unknown, and borrowed for the call. */
struct recorder_interpreter {
	uint32_t pid;
	uint32_t owner; /* uid whose own process it is; UINT32_MAX: nobody's */
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
/* Has every row of the store looked up again: nothing that nobody refers to is known any more. */
void recorder_forget_rows(struct recorder *recorder);
/* Goes on with another store (store_reopen()), in which the sessions that run have the numbers of
 * `moves`. Samples of other sessions that could not be written yet are gone. Returns 0 or -ENOMEM,
 * and then the recorder can only be freed. */
struct recorder_move {
	int64_t from, to;
};
int recorder_move(struct recorder *recorder, struct store *store, const struct recorder_move *moves,
		  size_t n);
/* Has every name looked up again from now on, since debug files may have come; samples that wait to
 * be written keep theirs. */
void recorder_forget_names(struct recorder *recorder);
