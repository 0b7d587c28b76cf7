/* SPDX-License-Identifier: MIT */
/* What the files of the recorder's room share; nobody else includes it. */
#pragma once

#include "daemon/base/table.h"
#include "daemon/objfile/interpreters.h"
#include "daemon/process/images.h"
#include "daemon/recorder/recorder.h"
#include "daemon/resolver/ksyms.h"
#include "daemon/resolver/resolver.h"

/* Keys of the tables. All bytes of a key count: no padding. */
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

struct node_key {
	uint32_t parent; /* index + 1; 0: the root */
	uint32_t frame;
};

struct row_key {
	int64_t session; /* a row may have to wait until after its session's end */
	uint32_t window;
	uint32_t task;
	uint32_t node; /* index + 1; 0: no stack */
	uint32_t reserved;
};

/* What is known of a process, read when it was first seen. */
struct known_process {
	char *comm, *exe, *cmdline, *unit, *cgroup;
	uint64_t started_usec;
	uint64_t comm_ns; /* when the comm was seen; the last one counts */
	uint32_t uid;
};

void known_done(struct known_process *known);

/* Indexes of a table, and which row of the database each has; 0: none yet. */
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
	struct symbolizer *table_symbolizer; /* one for each: names do not wait for tables */
	struct symbolizer *name_symbolizer;
	struct inspector *inspector; /* nor does this for either */
	struct unwinder *unwinder;
	struct resolver *resolver;
	recorder_warn_fn warn;
	void *userdata;
	struct ksyms *ksyms;   /* NULL: never read */
	int64_t ksyms_session; /* in which they were */
	bool wants_ksyms;      /* the arena that is held has kernel stacks */

	struct rows processes, tasks, nodes;
	struct rows frames;          /* the table is the resolver's */
	struct known_process *known; /* by index of the process */
	size_t known_size;
	size_t known_bytes; /* of its texts */

	/* What is not yet written. */
	struct table *pending;
	uint64_t *counts; /* by index of pending */
	size_t counts_size;
	uint64_t lost[OX_N_LOSSES];

	struct recorder_share *shares; /* by number of the target */
	size_t shares_size;
	struct ox_event *events; /* while events are read */
	size_t n_events, events_size;

	bool is_to_forget; /* all names, as soon as nothing is pending */
	bool is_to_expire; /* with the arena that is written now: what samples named before that */
	bool is_held;      /* an arena was swapped away, and its samples are still in it */
	uint64_t held_since_ns;

	/* When the machine began, by one look at the clock: a process that is looked at again has
	 * to begin at the same microsecond, or it would be another row. */
	uint64_t booted_usec;
	uint64_t started_usec;
	uint32_t window;
	struct sampler_counters seen; /* when we last looked */
	struct recorder_totals totals;
};

/* Everything that can be read again: names, tables of indexes, rows. Nothing is pending. */
void recorder_forget(struct recorder *recorder);
/* As table_intern(), and there is room for its row. */
int rows_intern(struct rows *rows, const void *key, size_t length, uint32_t *ret_index);
/* A sampler_fn: the names of its addresses will be needed. */
int recorder_want(void *userdata, const struct sampler_sample *sample);
/* A sampler_fn: counts a sample as pending, or as lost. */
int recorder_take(void *userdata, const struct sampler_sample *sample);
/* Its row in the table of processes, with what is known of it. 0 or -ENOMEM. */
int recorder_add_process(struct recorder *recorder, const struct sampler_sample *sample,
			 uint32_t *ret_index);
/* The row of its thread, likewise. */
int recorder_add_task(struct recorder *recorder, const struct sampler_sample *sample,
		      uint32_t *ret_index);
/* Writes all that is pending in one transaction. */
int recorder_write(struct recorder *recorder);
