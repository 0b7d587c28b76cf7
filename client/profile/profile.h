/* SPDX-License-Identifier: MIT */
/*
 * An export, read as it comes: a dictionary of frames, tasks and nodes that grows, and hits, which
 * are passed on one by one and not kept. So a report that can be written hit by hit needs no more
 * memory than the dictionary: some 8 bytes a node. All numbers are checked; 0 is none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/base/progress.h"
#include "daemon/base/frame.h"

struct profile;

/* Texts are never NULL, "" unknown, and live as long as the profile. They are valid UTF-8 without
 * control characters (text_clean()). */
struct profile_frame {
	const char *function; /* "+0x1234": native code without a name */
	const char *module;
	const char *file;
	const char *build_id;
	uint64_t offset;
	uint32_t line; /* 0: unknown */
	uint32_t name; /* frames of one function (function, module, file and kind) have one number,
			* below profile_count_names() */
	enum frame_kind kind;
	bool focus;
};

struct profile_task {
	const char *thread; /* its comm */
	const char *comm;   /* of its process */
	const char *unit;
	const char *user;
	uint32_t pid;
	uint32_t tid;
	uint32_t process; /* equal for tasks of the same process */
};

struct profile_slot {
	uint64_t start_usec;
	uint64_t usec; /* that was observed */
	uint64_t end_usec;
};

struct profile_session {
	int64_t id;
	uint64_t started_usec;
	uint64_t ended_usec; /* 0: the session is running */
	uint64_t interval_ns;
	uint64_t observed_usec;
};

struct profile_count {
	const char *reason;
	uint64_t n;
};

struct profile_summary {
	const char *state;
	uint64_t since_usec; /* 0: there is nothing */
	uint64_t until_usec;
	uint64_t interval_ns;
	uint64_t observed_usec;
	int64_t session; /* the only one that this is about; 0: it is not one */
	bool restricted;
	bool without_kernel;
	const struct profile_session *sessions; /* oldest first */
	size_t n_sessions;
	const struct profile_count *lost;
	size_t n_lost;
	/* Known at the end only, 0 before. */
	uint64_t samples; /* of all that was asked about, before filter and kind */
	const struct profile_count *stacks; /* by how they end */
	size_t n_stacks;
};

/* node 0: no stack, or stacks were not asked for; likewise task and slot. */
struct profile_hit {
	uint32_t node;
	uint32_t task;
	uint32_t slot;
	uint64_t n;
};

/* Gets each hit, after the dictionary has what the hit refers to. A negative result ends the
 * reading and is returned by profile_read(). */
typedef int (*profile_hit_fn)(void *userdata, const struct profile *profile,
			      const struct profile_hit *hit);

/*
 * Reads a stream to its end into *ret, which the caller frees; takes the descriptor. progress may
 * be NULL. Returns 0, the error of fn, or an error of stream_next(); on failure *ret_why (the
 * caller frees) is a sentence for the user or NULL.
 */
int profile_read(int fd, struct progress *progress, profile_hit_fn fn, void *userdata,
		 struct profile **ret, char **ret_why);
struct profile *profile_free(struct profile *profile);

const struct profile_summary *profile_summary(const struct profile *profile);
uint32_t profile_count_frames(const struct profile *profile);
uint32_t profile_count_names(const struct profile *profile);
uint32_t profile_count_slots(const struct profile *profile);
uint32_t profile_parent(const struct profile *profile, uint32_t node); /* 0: the node is a root */
uint32_t profile_frame_of(const struct profile *profile, uint32_t node);
/* Returns the frame; 0 is the unknown one, as it is for tasks and slots. The pointers of these
 * three functions are borrowed until the next part is read: in the callback until it returns, after
 * profile_read() as long as the profile lives. */
const struct profile_frame *profile_frame(const struct profile *profile, uint32_t frame);
const struct profile_task *profile_task(const struct profile *profile, uint32_t task);
const struct profile_slot *profile_slot(const struct profile *profile, uint32_t slot);
/* Returns "function(module)", as records of Query have it, by profile_frame.name; the text lives as
 * long as the profile. Name 0 is that of the unknown frame, "[unknown]". */
const char *profile_name(const struct profile *profile, uint32_t name);
/* Returns a frame of that name, with the smallest line that was seen. */
const struct profile_frame *profile_name_frame(const struct profile *profile, uint32_t name);

/* The frames of a stack, in a list that is used for one stack after the other. Begins as {0}. */
struct stack {
	uint32_t *frames; /* numbers of the profile, leaf first */
	size_t n;
	size_t room;
};

/* Lists the frames of the node's stack; node 0 has none. Returns 0 or -ENOMEM. */
int stack_list(struct stack *stack, const struct profile *profile, uint32_t node);
void stack_done(struct stack *stack);

/* The name in place of a stack where there is none. */
#define STACK_NONE "[no stack]"
