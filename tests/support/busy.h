/* SPDX-License-Identifier: MIT */
/*
 * Processes that are busy, for tests that sample them. One spins with a chain of frames that the
 * test wrote itself: so its stack is known word by word, whatever the compiler does about frame
 * pointers. It ends with the test at the latest. x86-64.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BUSY_FRAMES_MAX 512

/* The two words that a function leaves on the stack: [rbp], [rbp + 8]. */
struct busy_frame {
	uint64_t next;
	uint64_t returns_to; /* 0: nowhere, the stack ends */
};

struct busy {
	const char *comm; /* NULL: as it is */
	uint32_t uid;
	bool hides;                           /* nobody but root may look into it */
	unsigned depth;                       /* of the stack, without the leaf */
	uint64_t returns_to[BUSY_FRAMES_MAX]; /* caller of the leaf first; 0: made up */
	bool loops;                           /* the last frame points to itself */
	bool in_kernel;                       /* spends its time in system calls */
	void (*run)(void);                    /* a function of the test's own, which never ends */
	bool waits;                           /* for SIGUSR1, starts a busy child and waits on */
};

struct busy_process {
	pid_t pid;
	int news; /* the process writes its pid there when it is ready, and its child's */
};

/* Spins in user space with these frames, and never returns. */
void busy_spin(const struct busy_frame *frames);

/* Starts a process and waits until it is ready. */
struct busy_process busy_start(const struct busy *busy);

/* Ends the process. */
void busy_stop(struct busy_process *process);

/* Waits for the next pid that the process writes: that of its child. */
pid_t busy_hear(const struct busy_process *process);

/* Waits until the process has used so much more CPU time, however long that takes. */
void busy_let(pid_t pid, uint64_t cpu_ms);
