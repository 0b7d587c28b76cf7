/* SPDX-License-Identifier: MIT */
/* Shared by the files that implement symbolizer.h. */
#pragma once

#include <stdbool.h>

#include "daemon/objfile/symbolizer.h"

struct symbolizer_request {
	struct symbolizer_request *next;
	symbolizer_fn fn;
	void *userdata;
	uint32_t uid;          /* whose turn it is: the owner of the file */
	int files[WIRE_FILES]; /* owned by the request; -1 where there is none */
	struct wire_request wire;
	uint64_t addresses[]; /* wire.n_addresses of them */
};

/* The process; pid is 0 if there is none. */
struct symbolizer_process {
	int pid;
	int pidfd;
	int socket;    /* -1 once it was closed and the end of the process is awaited */
	bool is_ready; /* it has sent WIRE_HELLO */
};

/* Starts the program, and adds the socket and the pidfd to the epoll. Returns 0, -EIO if it cannot
 * be started, or another negative errno. */
int symbolizer_process_start(struct symbolizer_process *process, const char *program, int epoll);
/* Kills the process and closes its socket; symbolizer_process_reap() reports its end. */
void symbolizer_process_stop(struct symbolizer_process *process, int epoll);
/* True if the process runs, or would if it had a CPU; false if that is unknown. */
bool symbolizer_process_is_runnable(const struct symbolizer_process *process);
/* Returns the CPU time that the process has used so far; 0 if unknown. */
uint64_t symbolizer_process_cpu_ns(const struct symbolizer_process *process);
/* Returns 1 if the process has ended: *ret_error is why, as symbolizer_fn has it, and *process is
 * empty. Returns 0 if it has not ended. */
int symbolizer_process_reap(struct symbolizer_process *process, int epoll, int *ret_error);
/* Sends a request with its descriptors. Returns 0 or a negative errno. */
int symbolizer_process_send(const struct symbolizer_process *process,
			    const struct symbolizer_request *request);
/* Receives a reply. Returns 1, the reply and its descriptor, which is the caller's, or -1; 0 if
 * there is none yet; -EPIPE if the process has closed its end; -EBADMSG if it sent no reply. */
int symbolizer_process_receive(struct symbolizer_process *process, struct wire_reply *ret,
			       int *ret_fd);

/* A reply that was checked. */
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

/* Maps a reply and checks it; the descriptor stays the caller's. Returns 0; -EBADMSG if it is not
 * sealed, or not what symbolizer_wire.h says; -ENOMEM. */
int reply_open(struct symbolizer_reply *reply, const struct wire_request *request, int fd,
	       uint32_t bytes);
void reply_done(struct symbolizer_reply *reply);
