/* SPDX-License-Identifier: MIT */
#include "client/profile/profile.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/base/text.h"
#include "client/profile/stream.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/export.pb-c.h"
#include "daemon/base/table.h"
#include "daemon/base/text.h"

define_cleanup(struct profile *, profile_free);

/* Entry 0 of every array is the unknown one. */
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

#define UNKNOWN "[unknown]"

/* The key of a function: equal texts have one address (read_text()). */
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

static int read_text(struct profile *profile, const char *text, const char **ret)
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

static int add_texts(struct profile *profile, const Oxprof__Part *part)
{
	int r = array_reserve(profile->text_at, profile->text_room,
			      (size_t)profile->n_texts + 1 + part->n_texts);

	if (r < 0)
		return r;
	for (size_t i = 0; i < part->n_texts; i++) {
		r = read_text(profile, part->texts[i], &profile->text_at[profile->n_texts + 1]);
		if (r < 0)
			return r;
		profile->n_texts++;
	}
	return 0;
}

static int read_frame(struct profile *profile, const Oxprof__Frame *from)
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

static int add_frames(struct profile *profile, const Oxprof__Part *part)
{
	int r = array_reserve(profile->frames, profile->frame_room,
			      (size_t)profile->n_frames + 1 + part->n_frames);

	if (r < 0)
		return r;
	for (size_t i = 0; i < part->n_frames; i++) {
		r = read_frame(profile, part->frames[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_tasks(struct profile *profile, const Oxprof__Part *part)
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

static int add_slots(struct profile *profile, const Oxprof__Part *part)
{
	int r = array_reserve(profile->slots, profile->slot_room,
			      (size_t)profile->n_slots + 1 + part->n_slots);

	if (r < 0)
		return r;
	for (size_t i = 0; i < part->n_slots; i++) {
		const Oxprof__Slot *slot = part->slots[i];

		profile->slots[++profile->n_slots] =
			(struct profile_slot){slot->start, slot->usec, slot->end};
	}
	return 0;
}

static int add_nodes(struct profile *profile, const Oxprof__Part *part)
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

static int add_counts(struct profile *profile, Oxprof__Count *const *from, size_t n,
		      struct profile_count **ret)
{
	_cleanup_free_ struct profile_count *counts = calloc(n + 1, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = read_text(profile, from[i]->reason, &counts[i].reason);

		if (r < 0)
			return r;
		counts[i].n = from[i]->n;
	}
	*ret = take_ptr(counts);
	return 0;
}

static int add_sessions(struct profile *profile, const Oxprof__Summary *from)
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
static int add_summary(struct profile *profile, const Oxprof__Part *part)
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
	summary->session = from->session;
	summary->restricted = from->restricted;
	summary->without_kernel = from->without_kernel;
	r = read_text(profile, from->state, &summary->state);
	if (r < 0)
		return r;
	r = add_counts(profile, from->lost, from->n_lost, &profile->lost);
	if (r < 0)
		return r;
	summary->lost = profile->lost;
	summary->n_lost = from->n_lost;
	return add_sessions(profile, from);
}

static int add_end(struct profile *profile, const Oxprof__Part *part)
{
	const Oxprof__End *end = part->end;
	int r;

	if (!end)
		return 0;
	r = add_counts(profile, end->stacks, end->n_stacks, &profile->stacks);
	if (r < 0)
		return r;
	profile->summary.stacks = profile->stacks;
	profile->summary.n_stacks = end->n_stacks;
	profile->summary.samples = end->samples;
	return 0;
}

/* Adds all of a part but its hits, which are only checked. Returns 0, -ENOMEM, or -EBADMSG where a
 * number leads nowhere or the columns do not match. */
static int profile_add_part(struct profile *profile, const Oxprof__Part *part)
{
	/* Texts come before what refers to them, and so on. */
	static int (*const takers[])(struct profile * profile, const Oxprof__Part *part) = {
		add_summary, add_texts, add_frames, add_tasks,
		add_slots,   add_nodes, check_hits, add_end,
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

/* Makes a profile that has the unknown entries alone. Returns 0 or -ENOMEM. */
static int profile_new(struct profile **ret)
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

define_cleanup(struct stream *, stream_free);

struct profile_reading {
	struct profile *profile;
	struct progress *progress;
	profile_hit_fn fn;
	void *userdata;
};

/* Passes on the hits of a part, all checked by profile_add_part(). */
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
		r = profile_add_part(reading->profile, part);
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
