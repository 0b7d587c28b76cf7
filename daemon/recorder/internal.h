/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder only. */
#pragma once

#include "daemon/base/table.h"
#include "daemon/objfile/interpreters.h"
#include "daemon/process/images.h"
#include "daemon/recorder/recorder.h"
#include "daemon/resolver/ksyms.h"
#include "daemon/resolver/resolver.h"

/* Keys of the tables. All bytes of a key are compared, so there is no padding. */
struct process_key {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t exec_id;
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
	int64_t set; /* of sessions: a row may have to wait beyond the end of its session */
	uint32_t window;
	uint32_t task;
	uint32_t node; /* index + 1; 0: no stack */
	uint32_t reserved;
};

/* Properties of a process, read when it was first sampled. */
struct known_process {
	char *comm, *exe, *cmdline, *unit, *cgroup;
	uint64_t started_usec;
	uint64_t comm_ns; /* when the comm was seen; the last one counts */
	uint32_t uid;
};

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
	struct ksyms *ksyms;   /* NULL: never read */
	int64_t ksyms_session; /* the session in which they were read */
	bool wants_ksyms;      /* the arena that is held has kernel stacks */

	struct rows processes, tasks, nodes;
	struct rows frames;          /* the table is the resolver's */
	struct known_process *known; /* by index of the process */
	size_t known_size;
	size_t known_bytes; /* of its texts */

	/* Rows that are not yet written. */
	struct table *pending;
	uint64_t *counts; /* by index of pending */
	size_t counts_size;
	uint64_t lost[OX_N_LOSSES];

	struct recorder_share *shares; /* by number of the target */
	size_t shares_size;
	struct ox_event *events; /* while events are read */
	size_t n_events, events_size;

	bool is_to_forget; /* recorder_forget() is due as soon as nothing is pending */
	bool is_to_expire; /* resolver_expire() is due when the next arena has been read */
	bool is_held;      /* an arena was swapped away, and its samples are still in it */
	uint64_t held_since_ns;

	/* When the machine began, read from the clock once: a process that is read again has to
	 * begin at the same microsecond, or it would get another row. */
	uint64_t booted_usec;
	int64_t set; /* of the session alone */
	uint32_t window;
	struct sampler_counters seen; /* as they were last read */
	struct sampler_pace seen_pace;
	struct recorder_totals totals;
};

/* Forgets all that can be read again: names, tables of indexes, rows. Nothing may be pending and no
 * arena held. */
void recorder_forget(struct recorder *recorder);
/* Interns the key and makes room for the row of its index. The results are table_intern()'s. */
int rows_intern(struct rows *rows, const void *key, size_t length, uint32_t *ret_index);
/* Announces the addresses of a sample, whose names will be needed; a sampler_fn. */
int recorder_want(void *userdata, const struct sampler_sample *sample);
/* Counts a sample as pending, or as lost; a sampler_fn. */
int recorder_add_sample(void *userdata, const struct sampler_sample *sample);
/* Adds the process of the sample and reads its properties. Returns 0 or -ENOMEM. */
int recorder_add_process(struct recorder *recorder, const struct sampler_sample *sample,
			 uint32_t *ret_index);
/* Adds the thread of the sample and its process. Returns 0 or -ENOMEM. */
int recorder_add_task(struct recorder *recorder, const struct sampler_sample *sample,
		      uint32_t *ret_index);
/* Writes all pending rows and losses in one transaction. Returns 0 or the store's error, and then
 * they are pending still. */
int recorder_write(struct recorder *recorder);
