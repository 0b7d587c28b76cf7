/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder only. */
#pragma once

#include "daemon/base/table.h"
#include "daemon/objfile/interpreters.h"
#include "daemon/process/images.h"
#include "daemon/recorder/budget.h"
#include "daemon/recorder/recorder.h"
#include "daemon/resolver/ksyms.h"
#include "daemon/resolver/resolver.h"

/* Keys of the tables. All bytes of a key are compared, so there is no padding. */
struct process_key {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t exec_id;
	/* A process that changes its ids is several: what it does as one user is not the other's.
	 */
	uint32_t uid;
	uint32_t owner;
};

struct task_key {
	uint32_t process; /* index */
	uint32_t tid;
	char comm[OX_COMM_BYTES];
};

struct recorder_node_key {
	uint32_t parent; /* index + 1; 0: the root */
	uint32_t frame;
};

struct row_key {
	uint32_t set; /* index; its sessions may have ended while the row waits */
	uint32_t window;
	uint32_t task;
	uint32_t node; /* index + 1; 0: no stack */
};

/* A session from its beginning until its last sample is written and it was released. */
struct recorder_session {
	unsigned slot;
	uint64_t started_usec;
	uint64_t began_ns; /* CLOCK_BOOTTIME */
	uint64_t ended_ns; /* likewise; 0: it runs */
	/* Arenas that may hold samples of the session after its end. */
	unsigned n_arenas;
	bool is_released;           /* nobody else refers to it */
	uint64_t lost[OX_N_LOSSES]; /* not yet written */
	struct sampler_pace seen;   /* as it was last read */
	uint64_t timed_ns, timed_n; /* of the sampler, when it began */
	struct recorder_totals totals;
};

/* Properties of a process, read when it was first sampled. */
struct known_process {
	char *comm, *exe, *cmdline, *unit, *cgroup;
	uint64_t started_usec;
	uint64_t comm_ns; /* when the comm was seen; the last one counts */
	uint32_t uid;
	uint32_t owner;
};

/* The name of what there is no room for. */
#define RECORDER_OTHER "[other]"

/* Frees the texts and clears the struct. */
void known_done(struct known_process *known);

/* A table, and the row of the database that each of its indexes has; 0: none yet. */
struct rows {
	struct table *table;
	int64_t *ids;
	size_t size;
};

struct recorder {
	struct store *store;
	char *proc;
	struct sampler *sampler;
	struct sideband *sideband;
	struct images *images;
	struct files *files;
	struct interpreters *interpreters;
	struct symbolizer *table_symbolizer; /* a process of its own: names do not wait for it */
	struct symbolizer *name_symbolizer;
	struct inspector *inspector; /* likewise a process of its own */
	struct unwinder *unwinder;
	struct resolver *resolver;
	recorder_warn_fn warn;
	void *userdata;
	struct ksyms *ksyms; /* NULL: never read */
	uint64_t ksyms_ns;   /* CLOCK_MONOTONIC, when they were read */
	bool is_ksyms_old;   /* a session has begun since */
	bool wants_ksyms;    /* the arena that is held has kernel stacks */

	struct recorder_session *slots[OX_SESSIONS_MAX]; /* NULL: the slot is free */
	struct rows sets;                                /* of sessions: their ids, ascending */
	uint64_t set_mask; /* that was looked up last, 0: none, and its set */
	uint32_t set_index;
	recorder_target_fn find_target;
	void *target_userdata;

	struct budget *budget;
	uint32_t payer;  /* whose program the sample is of that is being added */
	uint64_t now_ns; /* its time */
	bool is_limited; /* an account had no room for a part of it */
	bool *paid;      /* by index of the frame: somebody was charged with its name */
	size_t paid_size;

	struct rows processes, tasks, nodes;
	struct rows frames;          /* the table is the resolver's */
	struct known_process *known; /* by index of the process */
	size_t known_size;
	size_t known_bytes; /* of its texts */

	/* Rows that are not yet written. */
	struct table *pending;
	uint64_t *counts; /* by index of pending */
	size_t counts_size;
	/* The rows before this one are written, and count what has come since. */
	uint32_t n_written;

	struct recorder_share *shares; /* by number of the target */
	size_t shares_size;
	struct ox_event *events; /* while events are read */
	size_t n_events, events_size;

	bool is_to_forget; /* recorder_forget() is due as soon as nothing is pending */
	bool is_to_expire; /* resolver_expire() is due when the next arena has been read */
	bool is_held;      /* an arena was swapped away, and its samples are still in it */
	uint64_t held_since_ns;
	uint64_t settled_ns; /* all samples that were taken before are pending or written */

	/* When the machine began, read from the clock once: a process that is read again has to
	 * begin at the same microsecond, or it would get another row. */
	uint64_t booted_usec;
	/* The same for the windows, which keep their length when the clock jumps: it is read again
	 * then, so that new windows bear the new time. */
	uint64_t grid_usec;
	uint32_t window;
};

/* Calls the body for each session that took the sample. */
#define foreach_session(recorder, sample, session)                                                 \
	for (uint64_t left_ = (sample)->id->sessions; left_; left_ &= left_ - 1)                   \
		for (struct recorder_session *session = (recorder)->slots[__builtin_ctzll(left_)]; \
		     session; session = NULL)

/* ---- session.c ---- */

/* Reads what the kernel side counted for the sessions since the last time. */
void recorder_read_counters(struct recorder *recorder);
/* Counts a loss for each session that took the sample. */
void recorder_count_loss(struct recorder *recorder, const struct sampler_sample *sample,
			 enum ox_loss loss);
/* Counts a loss of the machine for each session that runs. */
void recorder_count_common_loss(struct recorder *recorder, enum ox_loss loss, uint64_t n);
/* Counts the sample for each session that took it and for the targets that chose it. */
int recorder_count_sample(struct recorder *recorder, const struct sampler_sample *sample,
			  const char *cgroup);
/* Counts how its user stack ends likewise. */
void recorder_count_end(struct recorder *recorder, const struct sampler_sample *sample,
			enum ox_stop end, const char *cgroup);
/* Finds the set of the sessions that took the sample. Returns 0 or -ENOMEM. */
int recorder_find_set(struct recorder *recorder, const struct sampler_sample *sample,
		      uint32_t *ret_index);
/* Says that an arena was read whole, and was cleared. */
void recorder_pass_arena(struct recorder *recorder);
/* True if samples of a session that has ended may be in an arena still. */
bool recorder_has_open_arenas(const struct recorder *recorder);
/* True if a session has ended, its samples are pending or written, and its row does not say so. */
bool recorder_has_endings(const struct recorder *recorder);
/* Ends the rows of these sessions, within a transaction. */
int recorder_write_endings(struct recorder *recorder);
/* Frees the slots of sessions whose rows have ended, after the transaction. */
void recorder_free_slots(struct recorder *recorder);

/* Forgets all that can be read again: names, tables of indexes, rows. Nothing may be pending and no
 * arena held. */
void recorder_forget(struct recorder *recorder);
/* Interns the key and makes room for the row of its index. The results are table_intern()'s. */
int rows_intern(struct rows *rows, const void *key, size_t length, uint32_t *ret_index);
/* Announces the addresses of a sample, whose names will be needed; a sampler_fn. */
int recorder_want(void *userdata, const struct sampler_sample *sample);
/* Counts a sample as pending, or as lost; a sampler_fn. */
int recorder_add_sample(void *userdata, const struct sampler_sample *sample);
/* Adds the process of the sample and reads its properties; or the one of its owner that stands for
 * others, and sets is_limited. Returns 0 or -ENOMEM. */
int recorder_add_process(struct recorder *recorder, const struct sampler_sample *sample,
			 uint32_t *ret_index);
/* Adds the thread of the sample and its process. Returns 0 or -ENOMEM. */
int recorder_add_task(struct recorder *recorder, const struct sampler_sample *sample,
		      uint32_t *ret_process, uint32_t *ret_index);
/* Writes losses and pending rows in one transaction, rows until it is until_ns (CLOCK_MONOTONIC),
 * and one at least; the others are pending still. Returns 0 or the store's error, and then all are.
 */
int recorder_write(struct recorder *recorder, uint64_t until_ns);
