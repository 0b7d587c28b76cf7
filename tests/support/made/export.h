/* SPDX-License-Identifier: MIT */
/*
 * Streams of an export (daemon/base/export.proto) from a few lines of text, for tests of what reads
 * them:
 *
 *   int fd = made_export("main;work;inner 12\n"
 *                        "main;work;other 3\n"
 *                        " 2\n");                      two samples without a stack
 *
 * A line is a stack, root first, and its hits; "12/T" and "12/T/S" are those of task T and slot S
 * (made_tasks, made_slots, numbered from 1; 0 is none). A frame is a function of the module "app",
 * a "py:name" one of Python in "app.py", a "k:name" one of the kernel; "name:7" is at line 7; what
 * has to look otherwise is in the table `frames` of struct made_export, by the word that stands for
 * it.
 * "\;" is a semicolon of the name. Equal stacks have one node, and no part is larger than the
 * number of lines says.
 *
 * The descriptor is that of a file in memory, so that no thread has to write.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/profile/profile.h"

#define MADE_SINCE_USEC  UINT64_C(1764000000000000)
#define MADE_UNTIL_USEC  UINT64_C(1764000060000000)
#define MADE_INTERVAL_NS UINT64_C(10000000)

struct made_frame {
	const char *word;           /* NULL: the end of the table */
	struct profile_frame frame; /* texts NULL: "" */
};

enum made_fault {
	MADE_WHOLE,
	MADE_NO_END, /* it stops behind a part */
	MADE_CUT,    /* in the middle of the last part */
	MADE_NO_SUMMARY,
	MADE_BAD_NODE,   /* a hit of a node that is not there */
	MADE_BAD_PARENT, /* a node below one that is not there */
	MADE_BAD_TEXT,   /* a frame whose name is not there */
	MADE_BAD_COLUMN, /* more nodes than frames of nodes */
	MADE_BAD_BYTES,  /* no message at all */
	MADE_TOO_LONG,   /* a part that is longer than any may be */
	MADE_BEYOND,     /* something behind the end */
};

struct made_export {
	const char *stacks;
	const struct made_frame *frames; /* may be NULL */
	const struct profile_task *tasks;
	size_t n_tasks;
	const struct profile_slot *slots;
	size_t n_slots;
	size_t lines_a_part; /* 0: all in one */
	bool restricted;
	bool without_kernel;
	uint64_t observed_usec; /* 0: all of the window */
	uint64_t interval_ns;   /* of the session, which may not be that of now; 0: it is */
	uint64_t samples;       /* 0: the sum of the hits */
	int64_t session;        /* the only one; 0: it is not one */
	const char *failure;    /* the daemon's, at the end */
	enum made_fault fault;
};

/* Threads and spans of time that most tests are content with. */
extern const struct profile_task made_export_tasks[3];
extern const struct profile_slot made_export_slots[2];

/* Returns the stream, a descriptor that is the caller's. */
int made_export_from(const struct made_export *export);

/* Returns the stream of an export that has stacks only, a descriptor that is the caller's. */
int made_export(const char *stacks);
