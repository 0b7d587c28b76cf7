/* SPDX-License-Identifier: MIT */
/* The dictionary of a profile, for its own files. Entry 0 of every array is the unknown one. */
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
	struct table *texts; /* owns all texts, each with the zero at its end */
	struct table *names; /* struct profile_name_key */

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

/* Makes a profile that has the unknown entries alone. Returns 0 or -ENOMEM. */
int profile_new(struct profile **ret);
/* Takes all of a part but its hits, which are only checked. Returns 0, -ENOMEM, or -EBADMSG where a
 * number leads nowhere or the columns do not match. */
int profile_take_part(struct profile *profile, const Oxprof__Part *part);
