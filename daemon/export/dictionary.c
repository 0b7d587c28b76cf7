/* SPDX-License-Identifier: MIT */
#include "daemon/export/dictionary.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"

struct export_dictionary {
	struct store *store;
	const struct export_paths *paths;
	const struct export_slots *slots;
	struct export_chunk *part;
	struct table *texts;     /* each with its final zero byte; text 0 is "" */
	struct table *processes; /* the store's ids; index i is process i + 1 of the stream */
	/* The stream's numbers, by the store's ids or the number of the slot; 0: not sent yet. */
	uint32_t *nodes;
	uint32_t *frames;
	size_t frames_size;
	uint32_t *tasks;
	size_t tasks_size;
	uint32_t *slot_numbers;
	size_t slot_numbers_size;
	uint32_t n_nodes;
	uint32_t n_frames;
	uint32_t n_tasks;
	uint32_t n_slots;
	uint32_t *way;
	size_t way_size;
};

define_cleanup(struct export_dictionary *, export_dictionary_free);

int export_dictionary_new(struct store *store, const struct export_paths *paths,
			  const struct export_slots *slots, struct export_chunk *part,
			  struct export_dictionary **ret)
{
	_cleanup_(export_dictionary_free_p) struct export_dictionary *dictionary =
		calloc(1, sizeof(*dictionary));
	uint32_t none;

	if (!dictionary)
		return -ENOMEM;
	dictionary->store = store;
	dictionary->paths = paths;
	dictionary->slots = slots;
	dictionary->part = part;
	dictionary->texts = table_new();
	dictionary->processes = table_new();
	dictionary->nodes =
		calloc((size_t)export_paths_count(paths) + 1, sizeof(*dictionary->nodes));
	if (!dictionary->texts || !dictionary->processes || !dictionary->nodes ||
	    table_intern(dictionary->texts, "", 1, &none) < 0)
		return -ENOMEM;
	*ret = take_ptr(dictionary);
	return 0;
}

struct export_dictionary *export_dictionary_free(struct export_dictionary *dictionary)
{
	if (!dictionary)
		return NULL;
	table_free(dictionary->texts);
	table_free(dictionary->processes);
	free(dictionary->nodes);
	free(dictionary->frames);
	free(dictionary->tasks);
	free(dictionary->slot_numbers);
	free(dictionary->way);
	free(dictionary);
	return NULL;
}

static int emit_text(struct export_dictionary *dictionary, const char *text, uint32_t *ret)
{
	int r = table_intern(dictionary->texts, text, strlen(text) + 1, ret);

	if (r <= 0)
		return r;
	return export_chunk_add_text(dictionary->part,
				     table_get_key(dictionary->texts, *ret, NULL));
}

struct text_field {
	const char *text;
	uint32_t *ret;
};

static int emit_texts(struct export_dictionary *dictionary, const struct text_field *fields,
		      size_t n)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		r = emit_text(dictionary, fields[i].text, fields[i].ret);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- frames ---- */

struct frame_emission {
	struct export_dictionary *dictionary;
	Oxprof__Frame message;
};

static int on_frame(void *userdata, int64_t function, const struct frame *frame)
{
	struct frame_emission *emission = userdata;
	Oxprof__Frame *message = &emission->message;
	const struct text_field texts[] = {
		{frame->function, &message->function},
		{frame->module, &message->module},
		{frame->file, &message->file},
		{frame->build_id, &message->build_id},
	};

	message->kind = frame->kind;
	message->line = frame->line;
	message->offset = frame->offset;
	return emit_texts(emission->dictionary, texts, array_length(texts));
}

/* Finds the number of a frame, which is sent if it is new. A frame that is missing in a damaged
 * store is sent without any facts. */
static int emit_frame(struct export_dictionary *dictionary, uint32_t id, uint32_t *ret)
{
	struct frame_emission emission = {.dictionary = dictionary, .message = OXPROF__FRAME__INIT};
	int r = array_reserve(dictionary->frames, dictionary->frames_size, (size_t)id + 1);

	if (r < 0)
		return r;
	if (!dictionary->frames[id]) {
		emission.message.focus = export_paths_has_focus(dictionary->paths, id);
		r = store_read_frame(dictionary->store, id, on_frame, &emission);
		if (r < 0)
			return r;
		r = export_chunk_add_frame(dictionary->part, &emission.message);
		if (r < 0)
			return r;
		dictionary->frames[id] = ++dictionary->n_frames;
	}
	*ret = dictionary->frames[id];
	return 0;
}

/* ---- nodes ---- */

static int emit_one_node(struct export_dictionary *dictionary, uint32_t node)
{
	uint32_t caller = export_paths_caller(dictionary->paths, node), frame = 0;
	int r;

	assert(!caller || dictionary->nodes[caller]);
	r = emit_frame(dictionary, export_paths_frame(dictionary->paths, node), &frame);
	if (r < 0)
		return r;
	r = export_chunk_add_node(dictionary->part, dictionary->nodes[caller], frame);
	if (r < 0)
		return r;
	dictionary->nodes[node] = ++dictionary->n_nodes;
	return 0;
}

/* Finds the number of a node, which is sent if it is new, after its callers. */
static int emit_node(struct export_dictionary *dictionary, uint32_t node, uint32_t *ret)
{
	size_t n = 0;
	int r;

	for (uint32_t at = node; at && !dictionary->nodes[at];
	     at = export_paths_caller(dictionary->paths, at)) {
		r = array_reserve(dictionary->way, dictionary->way_size, n + 1);
		if (r < 0)
			return r;
		dictionary->way[n++] = at;
	}
	while (n > 0) {
		r = emit_one_node(dictionary, dictionary->way[--n]);
		if (r < 0)
			return r;
	}
	*ret = dictionary->nodes[node];
	return 0;
}

/* ---- tasks ---- */

struct task_emission {
	struct export_dictionary *dictionary;
	Oxprof__Task message;
};

static int on_task(void *userdata, const struct store_task *task)
{
	struct task_emission *emission = userdata;
	const struct store_process *process = &task->process;
	Oxprof__Task *message = &emission->message;
	const struct text_field texts[] = {
		{task->comm, &message->thread},
		{process->comm, &message->comm},
		{process->unit, &message->unit},
		{process->user, &message->user},
	};
	uint32_t index;
	int r = table_intern(emission->dictionary->processes, &task->process_id,
			     sizeof(task->process_id), &index);

	if (r < 0)
		return r;
	message->pid = process->pid;
	message->tid = task->tid;
	message->process = index + 1;
	return emit_texts(emission->dictionary, texts, array_length(texts));
}

/* Finds the number of a task, which is sent if it is new. A task that is missing in a damaged store
 * is sent without any facts. */
static int emit_task(struct export_dictionary *dictionary, uint32_t id, uint32_t *ret)
{
	struct task_emission emission = {.dictionary = dictionary, .message = OXPROF__TASK__INIT};
	int r;

	*ret = 0;
	if (!id)
		return 0;
	r = array_reserve(dictionary->tasks, dictionary->tasks_size, (size_t)id + 1);
	if (r < 0)
		return r;
	if (!dictionary->tasks[id]) {
		r = store_read_task(dictionary->store, id, on_task, &emission);
		if (r < 0)
			return r;
		r = export_chunk_add_task(dictionary->part, &emission.message);
		if (r < 0)
			return r;
		dictionary->tasks[id] = ++dictionary->n_tasks;
	}
	*ret = dictionary->tasks[id];
	return 0;
}

/* ---- slots ---- */

static int emit_slot(struct export_dictionary *dictionary, uint32_t slot, uint32_t *ret)
{
	Oxprof__Slot message = OXPROF__SLOT__INIT;
	int r;

	assert(slot <= export_slots_count(dictionary->slots));
	r = array_reserve(dictionary->slot_numbers, dictionary->slot_numbers_size,
			  (size_t)slot + 1);
	if (r < 0)
		return r;
	if (slot && !dictionary->slot_numbers[slot]) {
		export_slots_get(dictionary->slots, slot, &message.start, &message.end,
				 &message.usec);
		r = export_chunk_add_slot(dictionary->part, &message);
		if (r < 0)
			return r;
		dictionary->slot_numbers[slot] = ++dictionary->n_slots;
	}
	*ret = dictionary->slot_numbers[slot];
	return 0;
}

int export_dictionary_emit(struct export_dictionary *dictionary, const struct export_hit *hit)
{
	uint32_t node = 0, task = 0, slot = 0;
	int r;

	assert(hit->node <= export_paths_count(dictionary->paths));
	r = emit_node(dictionary, hit->node, &node);
	if (r < 0)
		return r;
	r = emit_task(dictionary, hit->task, &task);
	if (r < 0)
		return r;
	r = emit_slot(dictionary, hit->slot, &slot);
	if (r < 0)
		return r;
	return export_chunk_add_hit(dictionary->part, node, task, slot, hit->n);
}
