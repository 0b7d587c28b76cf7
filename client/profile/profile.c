/* SPDX-License-Identifier: MIT */
#include "client/profile/profile.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "client/profile/internal.h"
#include "client/profile/stream.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

define_cleanup(struct profile *, profile_free);
define_cleanup(struct stream *, stream_free);

struct profile_reading {
	struct profile *profile;
	struct progress *progress;
	profile_hit_fn fn;
	void *userdata;
};

/* Passes on the hits of a part, all checked by profile_take_part(). */
static int tell_hits(const struct profile_reading *reading, const Oxprof__Part *part)
{
	for (size_t i = 0; i < part->n_hit_node; i++) {
		struct profile_hit hit = {
			.node = part->hit_node[i],
			.task = part->n_hit_task ? part->hit_task[i] : 0,
			.slot = part->n_hit_slot ? part->hit_slot[i] : 0,
			.n = part->hit_count[i],
		};
		int r = hit.n > 0 ? reading->fn(reading->userdata, reading->profile, &hit) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* Describes the error for the user. Returns a text that the caller frees; NULL where the errno says
 * it all, or there is no memory. */
static char *describe(int error, const char *failure)
{
	char *why;

	switch (error) {
	case -EREMOTEIO:
		return asprintf(&why, "oxprofd could not complete its answer: %s", failure) < 0
			       ? NULL
			       : why;
	case -EPIPE:
		return strdup("the answer of oxprofd broke off; look at: journalctl -u oxprofd");
	case -EBADMSG:
		return strdup("the answer of oxprofd cannot be read; it may be of another version; "
			      "restart it with: systemctl restart oxprofd");
	default:
		return NULL;
	}
}

static int read_parts(const struct profile_reading *reading, struct stream *stream, char **ret_why)
{
	const Oxprof__Part *part;
	int r;

	while ((r = stream_next(stream, &part)) > 0) {
		r = profile_take_part(reading->profile, part);
		if (r < 0)
			break;
		r = tell_hits(reading, part);
		if (r < 0)
			return r;
		progress_set(reading->progress, part->permille);
	}
	if (r < 0)
		*ret_why = describe(r, stream_failure(stream));
	return r;
}

int profile_read(int fd, struct progress *progress, profile_hit_fn fn, void *userdata,
		 struct profile **ret, char **ret_why)
{
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_(stream_free_p) struct stream *stream = NULL;
	int r;

	assert(fd >= 0 && fn);
	*ret_why = NULL;
	r = stream_new(fd, &stream);
	if (r < 0)
		return r;
	r = profile_new(&profile);
	if (r < 0)
		return r;
	r = read_parts(&(struct profile_reading){profile, progress, fn, userdata}, stream, ret_why);
	if (r < 0)
		return r;
	*ret = take_ptr(profile);
	return 0;
}

/* ---- access ---- */

const struct profile_summary *profile_summary(const struct profile *profile)
{
	return &profile->summary;
}

uint32_t profile_count_frames(const struct profile *profile)
{
	return profile->n_frames;
}

uint32_t profile_count_names(const struct profile *profile)
{
	return table_count(profile->names);
}

uint32_t profile_count_slots(const struct profile *profile)
{
	return profile->n_slots;
}

uint32_t profile_parent(const struct profile *profile, uint32_t node)
{
	assert(node <= profile->n_nodes);
	/* So every path has an end. */
	assert(!node || profile->nodes[node].parent < node);
	return profile->nodes[node].parent;
}

uint32_t profile_frame_of(const struct profile *profile, uint32_t node)
{
	assert(node <= profile->n_nodes);
	return profile->nodes[node].frame;
}

const struct profile_frame *profile_frame(const struct profile *profile, uint32_t frame)
{
	assert(frame <= profile->n_frames);
	return &profile->frames[frame];
}

const struct profile_task *profile_task(const struct profile *profile, uint32_t task)
{
	assert(task <= profile->n_tasks);
	return &profile->tasks[task];
}

const struct profile_slot *profile_slot(const struct profile *profile, uint32_t slot)
{
	assert(slot <= profile->n_slots);
	return &profile->slots[slot];
}

const char *profile_name(const struct profile *profile, uint32_t name)
{
	assert(name < table_count(profile->names));
	return profile->name_at[name].text;
}

const struct profile_frame *profile_name_frame(const struct profile *profile, uint32_t name)
{
	assert(name < table_count(profile->names));
	return &profile->name_at[name].frame;
}

/* ---- stacks ---- */

int stack_list(struct stack *stack, const struct profile *profile, uint32_t node)
{
	for (stack->n = 0; node; node = profile_parent(profile, node)) {
		int r = array_reserve(stack->frames, stack->room, stack->n + 1);

		if (r < 0)
			return r;
		stack->frames[stack->n++] = profile_frame_of(profile, node);
	}
	return 0;
}

void stack_done(struct stack *stack)
{
	free(stack->frames);
	*stack = (struct stack){0};
}
