/* SPDX-License-Identifier: MIT */
/* The dictionary of a profile, for its own files. Number 0 of every array is the unknown. */
#pragma once

#include "client/profile/profile.h"
#include "daemon/base/export.pb-c.h"
#include "daemon/base/table.h"

struct profile_node {
	uint32_t parent;
	uint32_t frame;
};

struct profile_name {
	const char *text;
	struct profile_frame frame;
};

struct profile {
	struct table *texts; /* owns them all, each with the zero at its end */
	struct table *names; /* struct name_key */

	const char **text_at; /* by its number in the stream */
	size_t text_room;
	uint32_t n_texts;
	struct profile_frame *frames;
	size_t frame_room;
	uint32_t n_frames;
	struct profile_task *tasks;
	size_t task_room;
	uint32_t n_tasks;
	struct profile_slot *slots;
	size_t slot_room;
	uint32_t n_slots;
	struct profile_node *nodes;
	size_t node_room;
	uint32_t n_nodes;
	struct profile_name *name_at; /* by profile_frame.name */
	size_t name_room;

	struct profile_summary summary;
	struct profile_session *sessions; /* of the summary */
	struct profile_count *lost;
	struct profile_count *stacks;
	bool has_summary;
};

/* Empty but for what is unknown. 0 or -ENOMEM. */
int profile_new(struct profile **ret);
/* All of a part but its hits. 0, -EBADMSG: a number leads nowhere, or the columns do not match;
 * -ENOMEM. */
int profile_take_part(struct profile *profile, const Oxprof__Part *part);
