/* SPDX-License-Identifier: MIT */
/* What the files of symbolizer.h share. */
#pragma once

#include <stdbool.h>

#include "daemon/objfile/symbolizer.h"

struct symbolizer_request {
	struct symbolizer_request *next;
	symbolizer_fn fn;
	void *userdata;
	int files[WIRE_FILES]; /* of its own; -1 where there is none */
	struct wire_request wire;
	uint64_t addresses[]; /* wire.n_addresses */
};

/* pid 0: there is none. */
struct symbolizer_process {
	int pid;
	int pidfd;
	int socket;    /* -1: closed, its end is waited for */
	bool is_ready; /* it said hello */
};

/* Both descriptors are in the epoll. 0; -EIO: it cannot be started; -errno. */
int symbolizer_process_start(struct symbolizer_process *process, const char *program, int epoll);
/* It has no more to say; symbolizer_process_reap() tells its end. */
void symbolizer_process_stop(struct symbolizer_process *process, int epoll);
/* It runs, or would if it had a CPU; what the kernel cannot tell is no. */
bool symbolizer_process_is_runnable(const struct symbolizer_process *process);
/* Of its life; 0: unknown. */
uint64_t symbolizer_process_cpu_ns(const struct symbolizer_process *process);
/* 1: it has ended, *ret_error is why, as a symbolizer_fn would say it, and there is no process any
 * more. 0: not yet. */
int symbolizer_process_reap(struct symbolizer_process *process, int epoll, int *ret_error);
/* The descriptors go with it. 0 or -errno. */
int symbolizer_process_send(const struct symbolizer_process *process,
			    const struct symbolizer_request *request);
/* 1: an answer, and its descriptor or -1, which is the caller's; 0: nothing there; -EPIPE: its end
 * is closed; -EBADMSG: no answer. */
int symbolizer_process_receive(struct symbolizer_process *process, struct wire_reply *ret,
			       int *ret_fd);

/* An answer that was checked. */
struct symbolizer_reply {
	const void *map;
	size_t bytes;
	struct symbolizer_table table;
	const struct elf_info *info;
	const struct symbolizer_python *python;
	const struct wire_address *addresses;
	const struct wire_frame *frames;
	const char *text;
	size_t n_addresses;
};

/* Takes an answer in; the descriptor stays the caller's. 0; -EBADMSG: it is not sealed, or not what
 * symbolizer_wire.h says; -ENOMEM. */
int reply_open(struct symbolizer_reply *reply, const struct wire_request *request, int fd,
	       uint32_t bytes);
void reply_done(struct symbolizer_reply *reply);
