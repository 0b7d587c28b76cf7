/* SPDX-License-Identifier: MIT */
#include "daemon/export/terms.h"

#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"

struct export_terms {
	struct store *store;
	const struct export_paths *paths;
	const struct export_slots *slots;
	struct export_part *part;
	struct table *texts;     /* with the zero at their end; 0 is "" */
	struct table *processes; /* the store's ids; process i + 1 */
	/* The stream's numbers, 0 not told yet; by the store's ids, or the number of the slot. */
	uint32_t *nodes;
	uint32_t *frames;
	size_t frames_size;
	uint32_t *tasks;
	size_t tasks_size;
	uint32_t *slot_numbers;
	uint32_t n_nodes;
	uint32_t n_frames;
	uint32_t n_tasks;
	uint32_t n_slots;
	uint32_t *way;
	size_t way_size;
};

define_cleanup(struct export_terms *, export_terms_free);

int export_terms_new(struct store *store, const struct export_paths *paths,
		     const struct export_slots *slots, struct export_part *part,
		     struct export_terms **ret)
{
	_cleanup_(export_terms_free_p) struct export_terms *terms = calloc(1, sizeof(*terms));
	uint32_t none;

	if (!terms)
		return -ENOMEM;
	terms->store = store;
	terms->paths = paths;
	terms->slots = slots;
	terms->part = part;
	terms->texts = table_new();
	terms->processes = table_new();
	terms->nodes = calloc((size_t)export_paths_count(paths) + 1, sizeof(*terms->nodes));
	terms->slot_numbers =
		calloc((size_t)export_slots_count(slots) + 1, sizeof(*terms->slot_numbers));
	if (!terms->texts || !terms->processes || !terms->nodes || !terms->slot_numbers ||
	    table_intern(terms->texts, "", 1, &none) < 0)
		return -ENOMEM;
	*ret = take_ptr(terms);
	return 0;
}

struct export_terms *export_terms_free(struct export_terms *terms)
{
	if (!terms)
		return NULL;
	table_free(terms->texts);
	table_free(terms->processes);
	free(terms->nodes);
	free(terms->frames);
	free(terms->tasks);
	free(terms->slot_numbers);
	free(terms->way);
	free(terms);
	return NULL;
}

static int tell_text(struct export_terms *terms, const char *text, uint32_t *ret)
{
	int r = table_intern(terms->texts, text, strlen(text) + 1, ret);

	if (r > 0)
		r = export_part_add_text(terms->part, table_get_key(terms->texts, *ret, NULL));
	return r;
}

/* ---- frames ---- */

struct frame_telling {
	struct export_terms *terms;
	Oxprof__Frame message;
};

static int on_frame(void *userdata, int64_t function, const struct frame *frame)
{
	struct frame_telling *telling = userdata;
	Oxprof__Frame *message = &telling->message;
	int r = tell_text(telling->terms, frame->function, &message->function);

	if (r >= 0)
		r = tell_text(telling->terms, frame->module, &message->module);
	if (r >= 0)
		r = tell_text(telling->terms, frame->file, &message->file);
	if (r >= 0)
		r = tell_text(telling->terms, frame->build_id, &message->build_id);
	message->kind = frame->kind;
	message->line = frame->line;
	message->offset = frame->offset;
	return r;
}

/* One that the store does not have (it was damaged) is one of which nothing is known. */
static int tell_frame(struct export_terms *terms, uint32_t id, uint32_t *ret)
{
	struct frame_telling telling = {.terms = terms, .message = OXPROF__FRAME__INIT};
	int r = array_fit(terms->frames, terms->frames_size, (size_t)id + 1);

	if (r >= 0 && !terms->frames[id]) {
		telling.message.focus = export_paths_has_focus(terms->paths, id);
		r = store_read_frame(terms->store, id, on_frame, &telling);
		if (r >= 0)
			r = export_part_add_frame(terms->part, &telling.message);
		if (r >= 0)
			terms->frames[id] = ++terms->n_frames;
	}
	if (r >= 0)
		*ret = terms->frames[id];
	return r;
}

/* ---- nodes ---- */

static int tell_one_node(struct export_terms *terms, uint32_t node)
{
	uint32_t caller = export_paths_caller(terms->paths, node), frame = 0;
	int r = tell_frame(terms, export_paths_frame(terms->paths, node), &frame);

	if (r >= 0)
		r = export_part_add_node(terms->part, terms->nodes[caller], frame);
	if (r >= 0)
		terms->nodes[node] = ++terms->n_nodes;
	return r;
}

/* And before it its callers, as far as they were not told. */
static int tell_node(struct export_terms *terms, uint32_t node, uint32_t *ret)
{
	size_t n = 0;
	int r = 0;

	for (uint32_t at = node; at && !terms->nodes[at];
	     at = export_paths_caller(terms->paths, at)) {
		r = array_fit(terms->way, terms->way_size, n + 1);
		if (r < 0)
			return r;
		terms->way[n++] = at;
	}
	while (n > 0 && r >= 0)
		r = tell_one_node(terms, terms->way[--n]);
	*ret = terms->nodes[node];
	return r;
}

/* ---- tasks ---- */

struct task_telling {
	struct export_terms *terms;
	Oxprof__Task message;
};

static int on_task(void *userdata, const struct store_task *task)
{
	struct task_telling *telling = userdata;
	const struct store_process *process = &task->process;
	Oxprof__Task *message = &telling->message;
	struct export_terms *terms = telling->terms;
	uint32_t index;
	int r = table_intern(terms->processes, &task->process_id, sizeof(task->process_id), &index);

	if (r >= 0)
		r = tell_text(terms, task->comm, &message->thread);
	if (r >= 0)
		r = tell_text(terms, process->comm, &message->comm);
	if (r >= 0)
		r = tell_text(terms, process->unit, &message->unit);
	if (r >= 0)
		r = tell_text(terms, process->user, &message->user);
	if (r < 0)
		return r;
	message->pid = process->pid;
	message->tid = task->tid;
	message->process = index + 1;
	return 0;
}

/* One that the store does not have (it was damaged) is one of which nothing is known. */
static int tell_task(struct export_terms *terms, uint32_t id, uint32_t *ret)
{
	struct task_telling telling = {.terms = terms, .message = OXPROF__TASK__INIT};
	int r = id ? array_fit(terms->tasks, terms->tasks_size, (size_t)id + 1) : 0;

	*ret = 0;
	if (r < 0 || !id)
		return r;
	if (!terms->tasks[id]) {
		r = store_read_task(terms->store, id, on_task, &telling);
		if (r >= 0)
			r = export_part_add_task(terms->part, &telling.message);
		if (r < 0)
			return r;
		terms->tasks[id] = ++terms->n_tasks;
	}
	*ret = terms->tasks[id];
	return 0;
}

/* ---- slots ---- */

static int tell_slot(struct export_terms *terms, uint32_t slot, uint32_t *ret)
{
	Oxprof__Slot message = OXPROF__SLOT__INIT;
	int r = 0;

	if (slot && !terms->slot_numbers[slot]) {
		export_slots_get(terms->slots, slot, &message.start, &message.usec);
		r = export_part_add_slot(terms->part, &message);
		if (r >= 0)
			terms->slot_numbers[slot] = ++terms->n_slots;
	}
	*ret = terms->slot_numbers[slot];
	return r;
}

int export_terms_tell(struct export_terms *terms, const struct export_hit *hit)
{
	uint32_t node = 0, task = 0, slot = 0;
	int r = tell_node(terms, hit->node, &node);

	if (r >= 0)
		r = tell_task(terms, hit->task, &task);
	if (r >= 0)
		r = tell_slot(terms, hit->slot, &slot);
	return r < 0 ? r : export_part_add_hit(terms->part, node, task, slot, hit->n);
}
