/* SPDX-License-Identifier: MIT */
/* What the files of reader.h share. */
#pragma once

#include <stdbool.h>

#include "daemon/objfile/reader.h"

struct reader_question {
	struct reader_question *next;
	reader_fn fn;
	void *userdata;
	int files[WIRE_FILES]; /* of its own; -1 where there is none */
	struct wire_question wire;
	uint64_t addresses[]; /* wire.n_addresses */
};

/* pid 0: there is none. */
struct reader_process {
	int pid;
	int pidfd;
	int socket;    /* -1: closed, its end is waited for */
	bool is_ready; /* it said hello */
};

/* Both descriptors are in the epoll. 0; -EIO: it cannot be started; -errno. */
int reader_process_start(struct reader_process *process, const char *program, int epoll);
/* It has no more to say; reader_process_reap() tells its end. */
void reader_process_stop(struct reader_process *process, int epoll);
/* It runs, or would if it had a CPU; what the kernel cannot tell is no. */
bool reader_process_is_runnable(const struct reader_process *process);
/* Of its life; 0: unknown. */
uint64_t reader_process_cpu_ns(const struct reader_process *process);
/* 1: it has ended, *ret_error is why, as a reader_fn would say it, and there is no process any
 * more. 0: not yet. */
int reader_process_reap(struct reader_process *process, int epoll, int *ret_error);
/* The descriptors go with it. 0 or -errno. */
int reader_process_send(const struct reader_process *process,
			const struct reader_question *question);
/* 1: an answer, and its descriptor or -1, which is the caller's; 0: nothing there; -EPIPE: its end
 * is closed; -EBADMSG: no answer. */
int reader_process_receive(struct reader_process *process, struct wire_answer *ret, int *ret_fd);

/* An answer that was checked. */
struct reader_reply {
	const void *map;
	size_t bytes;
	struct reader_table table;
	const struct reader_about *about;
	const struct reader_python *python;
	const struct wire_address *addresses;
	const struct wire_frame *frames;
	const char *text;
	size_t n_addresses;
};

/* Takes an answer in; the descriptor stays the caller's. 0; -EBADMSG: it is not sealed, or not what
 * reader_wire.h says; -ENOMEM. */
int reply_open(struct reader_reply *reply, const struct wire_question *question, int fd,
	       uint32_t bytes);
void reply_done(struct reader_reply *reply);
