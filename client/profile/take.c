/* SPDX-License-Identifier: MIT */
/* From parts of a stream to the dictionary. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/base/text.h"
#include "client/profile/internal.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

define_cleanup(struct profile *, profile_free);

#define UNKNOWN "[unknown]"

/* The key of a function: equal texts have one address (take_text()). */
struct profile_name_key {
	const char *function;
	const char *module;
	const char *file;
	uint64_t kind;
};

/* ---- texts and names ---- */

static int keep_text(struct profile *profile, const char *text, const char **ret)
{
	uint32_t index;
	int r = table_intern(profile->texts, text, strlen(text) + 1, &index);

	if (r < 0)
		return r;
	*ret = table_get_key(profile->texts, index, NULL);
	return 0;
}

static int take_text(struct profile *profile, const char *text, const char **ret)
{
	_cleanup_free_ char *clean = NULL;

	if (text_is_clean(text))
		return keep_text(profile, text, ret);
	clean = text_clean_copy(text);
	return clean ? keep_text(profile, clean, ret) : -ENOMEM;
}

/* Makes the name as records of Query have it (daemon/query/grouping.c). */
static int make_name(struct profile *profile, const struct profile_frame *frame, const char **ret)
{
	_cleanup_free_ char *name = NULL;
	int r;

	if (!strncmp(frame->function, "+0x", 3))
		r = asprintf(&name, "%s%s", frame->module, frame->function);
	else if (*frame->module)
		r = asprintf(&name, "%s(%s)", *frame->function ? frame->function : UNKNOWN,
			     frame->module);
	else
		r = asprintf(&name, "%s", *frame->function ? frame->function : UNKNOWN);
	return r < 0 ? -ENOMEM : keep_text(profile, name, ret);
}

static int add_name(struct profile *profile, const struct profile_frame *frame)
{
	size_t n = table_count(profile->names);
	struct profile_name *name;
	int r = array_reserve(profile->name_at, profile->name_room, n);

	/* Names are numbered without gaps. */
	assert(frame->name + 1 == n);
	if (r < 0)
		return r;
	name = &profile->name_at[frame->name];
	name->frame = *frame;
	return make_name(profile, frame, &name->text);
}

static int find_name(struct profile *profile, struct profile_frame *frame)
{
	struct profile_name_key key = {frame->function, frame->module, frame->file, frame->kind};
	struct profile_frame *known;
	int r = table_intern(profile->names, &key, sizeof(key), &frame->name);

	if (r < 0)
		return r;
	if (r > 0)
		return add_name(profile, frame);
	assert(frame->name < profile->name_room);
	known = &profile->name_at[frame->name].frame;
	if (frame->line && (!known->line || frame->line < known->line))
		known->line = frame->line;
	known->focus |= frame->focus;
	return 0;
}

/* ---- tables ---- */

/* Returns a text by its number, or clears *ok where there is none. */
static const char *get_text(const struct profile *profile, uint32_t number, bool *ok)
{
	*ok &= number <= profile->n_texts;
	return number <= profile->n_texts ? profile->text_at[number] : "";
}

static int take_texts(struct profile *profile, const Oxprof__Part *part)
{
	int r = array_reserve(profile->text_at, profile->text_room,
			      (size_t)profile->n_texts + 1 + part->n_texts);

	if (r < 0)
		return r;
	for (size_t i = 0; i < part->n_texts; i++) {
		r = take_text(profile, part->texts[i], &profile->text_at[profile->n_texts + 1]);
		if (r < 0)
			return r;
		profile->n_texts++;
	}
	return 0;
}

static int take_frame(struct profile *profile, const Oxprof__Frame *from)
{
	bool ok = from->kind <= FRAME_PYTHON;
	struct profile_frame frame = {
		.function = get_text(profile, from->function, &ok),
		.module = get_text(profile, from->module, &ok),
		.file = get_text(profile, from->file, &ok),
		.build_id = get_text(profile, from->build_id, &ok),
		.offset = from->offset,
		.line = from->line,
		.kind = (enum frame_kind)from->kind,
		.focus = from->focus,
	};
	int r;

	if (!ok)
		return -EBADMSG;
	r = find_name(profile, &frame);
	if (r < 0)
		return r;
	profile->frames[++profile->n_frames] = frame;
	return 0;
}

static int take_frames(struct profile *profile, const Oxprof__Part *part)
{
	int r = array_reserve(profile->frames, profile->frame_room,
			      (size_t)profile->n_frames + 1 + part->n_frames);

	if (r < 0)
		return r;
	for (size_t i = 0; i < part->n_frames; i++) {
		r = take_frame(profile, part->frames[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_tasks(struct profile *profile, const Oxprof__Part *part)
{
	int r = array_reserve(profile->tasks, profile->task_room,
			      (size_t)profile->n_tasks + 1 + part->n_tasks);
	bool ok = true;

	if (r < 0)
		return r;
	for (size_t i = 0; i < part->n_tasks; i++) {
		const Oxprof__Task *from = part->tasks[i];

		profile->tasks[++profile->n_tasks] = (struct profile_task){
			.thread = get_text(profile, from->thread, &ok),
			.comm = get_text(profile, from->comm, &ok),
			.unit = get_text(profile, from->unit, &ok),
			.user = get_text(profile, from->user, &ok),
			.pid = from->pid,
			.tid = from->tid,
			.process = from->process,
		};
	}
	return ok ? 0 : -EBADMSG;
}

static int take_slots(struct profile *profile, const Oxprof__Part *part)
{
	int r = array_reserve(profile->slots, profile->slot_room,
			      (size_t)profile->n_slots + 1 + part->n_slots);

	if (r < 0)
		return r;
	for (size_t i = 0; i < part->n_slots; i++)
		profile->slots[++profile->n_slots] =
			(struct profile_slot){part->slots[i]->start, part->slots[i]->usec};
	return 0;
}

static int take_nodes(struct profile *profile, const Oxprof__Part *part)
{
	size_t n = part->n_node_parent;
	int r;

	if (part->n_node_frame != n)
		return -EBADMSG;
	r = array_extend(profile->nodes, profile->node_room, (size_t)profile->n_nodes + 1,
			 (size_t)profile->n_nodes + 1 + n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct profile_node node = {part->node_parent[i], part->node_frame[i]};

		if (node.parent > profile->n_nodes || node.frame > profile->n_frames)
			return -EBADMSG;
		profile->nodes[++profile->n_nodes] = node;
	}
	return 0;
}

static int check_hits(struct profile *profile, const Oxprof__Part *part)
{
	size_t n = part->n_hit_node;
	bool ok = part->n_hit_count == n && (!part->n_hit_task || part->n_hit_task == n) &&
		  (!part->n_hit_slot || part->n_hit_slot == n);

	for (size_t i = 0; ok && i < n; i++)
		ok = part->hit_node[i] <= profile->n_nodes &&
		     (!part->n_hit_task || part->hit_task[i] <= profile->n_tasks) &&
		     (!part->n_hit_slot || part->hit_slot[i] <= profile->n_slots);
	return ok ? 0 : -EBADMSG;
}

/* ---- summary and end ---- */

static int take_counts(struct profile *profile, Oxprof__Count *const *from, size_t n,
		       struct profile_count **ret)
{
	_cleanup_free_ struct profile_count *counts = calloc(n + 1, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = take_text(profile, from[i]->reason, &counts[i].reason);

		if (r < 0)
			return r;
		counts[i].n = from[i]->n;
	}
	*ret = take_ptr(counts);
	return 0;
}

static int take_sessions(struct profile *profile, const Oxprof__Summary *from)
{
	profile->sessions = calloc(from->n_sessions + 1, sizeof(*profile->sessions));
	if (!profile->sessions)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_sessions; i++) {
		const Oxprof__Session *session = from->sessions[i];

		profile->sessions[i] = (struct profile_session){
			.id = session->id,
			.started_usec = session->started,
			.ended_usec = session->ended,
			.interval_ns = session->interval_ns,
			.observed_usec = session->observed_usec,
		};
	}
	profile->summary.sessions = profile->sessions;
	profile->summary.n_sessions = from->n_sessions;
	return 0;
}

/* Takes the summary, which the first part has and no other. */
static int take_summary(struct profile *profile, const Oxprof__Part *part)
{
	const Oxprof__Summary *from = part->summary;
	struct profile_summary *summary = &profile->summary;
	int r;

	if (profile->has_summary || !from)
		return profile->has_summary && !from ? 0 : -EBADMSG;
	profile->has_summary = true;
	summary->since_usec = from->since;
	summary->until_usec = from->until;
	summary->interval_ns = from->interval_ns;
	summary->observed_usec = from->observed_usec;
	summary->restricted = from->restricted;
	summary->without_kernel = from->without_kernel;
	r = take_text(profile, from->state, &summary->state);
	if (r < 0)
		return r;
	r = take_counts(profile, from->lost, from->n_lost, &profile->lost);
	if (r < 0)
		return r;
	summary->lost = profile->lost;
	summary->n_lost = from->n_lost;
	return take_sessions(profile, from);
}

static int take_end(struct profile *profile, const Oxprof__Part *part)
{
	const Oxprof__End *end = part->end;
	int r;

	if (!end)
		return 0;
	r = take_counts(profile, end->stacks, end->n_stacks, &profile->stacks);
	if (r < 0)
		return r;
	profile->summary.stacks = profile->stacks;
	profile->summary.n_stacks = end->n_stacks;
	profile->summary.samples = end->samples;
	return 0;
}

int profile_take_part(struct profile *profile, const Oxprof__Part *part)
{
	/* Texts come before what refers to them, and so on. */
	static int (*const takers[])(struct profile * profile, const Oxprof__Part *part) = {
		take_summary, take_texts, take_frames, take_tasks,
		take_slots,   take_nodes, check_hits,  take_end,
	};

	for (size_t i = 0; i < array_length(takers); i++) {
		int r = takers[i](profile, part);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the unknown ---- */

static int make_unknown(struct profile *profile)
{
	struct profile_frame frame = {.kind = FRAME_NATIVE};
	const char *none = "";
	int r = keep_text(profile, none, &none);

	if (r < 0 || array_reserve(profile->text_at, profile->text_room, 1) < 0 ||
	    array_reserve(profile->frames, profile->frame_room, 1) < 0 ||
	    array_reserve(profile->tasks, profile->task_room, 1) < 0 ||
	    array_reserve(profile->slots, profile->slot_room, 1) < 0 ||
	    array_extend(profile->nodes, profile->node_room, 0, 1) < 0)
		return -ENOMEM;
	profile->summary.state = profile->text_at[0] = none;
	frame.function = frame.module = frame.file = frame.build_id = none;
	profile->tasks[0] = (struct profile_task){none, none, none, none, 0, 0, 0};
	r = find_name(profile, &frame);
	if (r < 0)
		return r;
	profile->frames[0] = frame;
	return 0;
}

int profile_new(struct profile **ret)
{
	_cleanup_(profile_free_p) struct profile *profile = calloc(1, sizeof(*profile));
	int r;

	if (!profile)
		return -ENOMEM;
	profile->texts = table_new();
	profile->names = table_new();
	if (!profile->texts || !profile->names)
		return -ENOMEM;
	r = make_unknown(profile);
	if (r < 0)
		return r;
	*ret = take_ptr(profile);
	return 0;
}

struct profile *profile_free(struct profile *profile)
{
	if (profile) {
		table_free(profile->texts);
		table_free(profile->names);
		free(profile->text_at);
		free(profile->frames);
		free(profile->tasks);
		free(profile->slots);
		free(profile->nodes);
		free(profile->name_at);
		free(profile->sessions);
		free(profile->lost);
		free(profile->stacks);
		free(profile);
	}
	return NULL;
}
