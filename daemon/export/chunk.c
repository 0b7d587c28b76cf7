/* SPDX-License-Identifier: MIT */
#include "daemon/export/chunk.h"

#include <assert.h>
#include <endian.h>
#include <stdbool.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

#define PART_BYTES  (64u << 10)
#define THINGS_MAX  1024 /* texts of a part; as many frames, tasks and slots */
#define NUMBERS_MAX 8192 /* nodes of a part; as many hits */

/* The tag and the length before each text or message. */
#define FRAMING_BYTES 8

struct export_chunk {
	const struct export_pipe *pipe;
	Oxprof__Part message; /* uses the arrays below */
	size_t bytes;         /* estimated size of the items in the message */
	char *texts[THINGS_MAX];
	Oxprof__Frame frame_of[THINGS_MAX];
	Oxprof__Frame *frames[THINGS_MAX];
	Oxprof__Task task_of[THINGS_MAX];
	Oxprof__Task *tasks[THINGS_MAX];
	Oxprof__Slot slot_of[THINGS_MAX];
	Oxprof__Slot *slots[THINGS_MAX];
	uint32_t node_parent[NUMBERS_MAX];
	uint32_t node_frame[NUMBERS_MAX];
	uint32_t hit_node[NUMBERS_MAX];
	uint32_t hit_task[NUMBERS_MAX];
	uint32_t hit_slot[NUMBERS_MAX];
	uint64_t hit_count[NUMBERS_MAX];
	bool has_task; /* some hit has a task */
	bool has_slot;
	uint8_t *packed;
	size_t packed_size;
};

int export_chunk_new(const struct export_pipe *pipe, struct export_chunk **ret)
{
	struct export_chunk *part = calloc(1, sizeof(*part));

	if (!part)
		return -ENOMEM;
	part->pipe = pipe;
	oxprof__part__init(&part->message);
	part->message.texts = part->texts;
	part->message.frames = part->frames;
	part->message.tasks = part->tasks;
	part->message.slots = part->slots;
	part->message.node_parent = part->node_parent;
	part->message.node_frame = part->node_frame;
	part->message.hit_node = part->hit_node;
	part->message.hit_task = part->hit_task;
	part->message.hit_slot = part->hit_slot;
	part->message.hit_count = part->hit_count;
	for (size_t i = 0; i < THINGS_MAX; i++) {
		part->frames[i] = &part->frame_of[i];
		part->tasks[i] = &part->task_of[i];
		part->slots[i] = &part->slot_of[i];
	}
	*ret = part;
	return 0;
}

struct export_chunk *export_chunk_free(struct export_chunk *part)
{
	if (part)
		free(part->packed);
	free(part);
	return NULL;
}

void export_chunk_drop(struct export_chunk *part)
{
	Oxprof__Part *message = &part->message;

	message->summary = NULL;
	message->end = NULL;
	message->n_texts = message->n_frames = message->n_tasks = message->n_slots = 0;
	message->n_node_parent = message->n_node_frame = 0;
	message->n_hit_node = message->n_hit_count = 0;
	part->has_task = part->has_slot = false;
	part->bytes = 0;
}

static int part_pack(struct export_chunk *part, size_t *ret)
{
	size_t size = oxprof__part__get_packed_size(&part->message);
	uint32_t length = htole32((uint32_t)size);

	if (size > OX_EXPORT_PART_BYTES)
		return -EMSGSIZE;
	if (array_reserve(part->packed, part->packed_size, sizeof(length) + size) < 0)
		return -ENOMEM;
	memcpy(part->packed, &length, sizeof(length));
	oxprof__part__pack(&part->message, part->packed + sizeof(length));
	*ret = sizeof(length) + size;
	return 0;
}

int export_chunk_send(struct export_chunk *part)
{
	Oxprof__Part *message = &part->message;
	size_t size;
	int r;

	assert(message->n_node_parent == message->n_node_frame);
	assert(message->n_hit_node == message->n_hit_count);
	message->n_hit_task = part->has_task ? message->n_hit_node : 0;
	message->n_hit_slot = part->has_slot ? message->n_hit_node : 0;
	r = part_pack(part, &size);
	if (r < 0)
		return r;
	export_chunk_drop(part);
	return export_pipe_write(part->pipe, part->packed, size);
}

/* Makes room for an item of so many bytes; n of at most max of its kind are in the part. */
static int part_reserve(struct export_chunk *part, size_t bytes, size_t n, size_t max)
{
	int r;

	assert(n <= max);
	if (n == max || (part->bytes && part->bytes + bytes > PART_BYTES)) {
		r = export_chunk_send(part);
		if (r < 0)
			return r;
	}
	part->bytes += bytes;
	return 0;
}

int export_chunk_add_text(struct export_chunk *part, const char *text)
{
	int r = part_reserve(part, strlen(text) + FRAMING_BYTES, part->message.n_texts, THINGS_MAX);

	if (r < 0)
		return r;
	part->texts[part->message.n_texts++] = (char *)text;
	return 0;
}

int export_chunk_add_frame(struct export_chunk *part, const Oxprof__Frame *frame)
{
	size_t bytes = oxprof__frame__get_packed_size(frame) + FRAMING_BYTES;
	int r = part_reserve(part, bytes, part->message.n_frames, THINGS_MAX);

	if (r < 0)
		return r;
	part->frame_of[part->message.n_frames++] = *frame;
	return 0;
}

int export_chunk_add_task(struct export_chunk *part, const Oxprof__Task *task)
{
	size_t bytes = oxprof__task__get_packed_size(task) + FRAMING_BYTES;
	int r = part_reserve(part, bytes, part->message.n_tasks, THINGS_MAX);

	if (r < 0)
		return r;
	part->task_of[part->message.n_tasks++] = *task;
	return 0;
}

int export_chunk_add_slot(struct export_chunk *part, const Oxprof__Slot *slot)
{
	size_t bytes = oxprof__slot__get_packed_size(slot) + FRAMING_BYTES;
	int r = part_reserve(part, bytes, part->message.n_slots, THINGS_MAX);

	if (r < 0)
		return r;
	part->slot_of[part->message.n_slots++] = *slot;
	return 0;
}

/* Returns the length of a number as a varint of protocol buffers. */
static size_t number_bytes(uint64_t number)
{
	return number ? (size_t)(63 - __builtin_clzll(number)) / 7 + 1 : 1;
}

int export_chunk_add_node(struct export_chunk *part, uint32_t parent, uint32_t frame)
{
	Oxprof__Part *message = &part->message;
	int r = part_reserve(part, number_bytes(parent) + number_bytes(frame),
			     message->n_node_parent, NUMBERS_MAX);

	if (r < 0)
		return r;
	part->node_parent[message->n_node_parent++] = parent;
	part->node_frame[message->n_node_frame++] = frame;
	return 0;
}

int export_chunk_add_hit(struct export_chunk *part, uint32_t node, uint32_t task, uint32_t slot,
			 uint64_t n)
{
	Oxprof__Part *message = &part->message;
	size_t bytes =
		number_bytes(node) + number_bytes(task) + number_bytes(slot) + number_bytes(n);
	int r = part_reserve(part, bytes, message->n_hit_node, NUMBERS_MAX);

	if (r < 0)
		return r;
	part->hit_task[message->n_hit_node] = task;
	part->hit_slot[message->n_hit_node] = slot;
	part->hit_node[message->n_hit_node++] = node;
	part->hit_count[message->n_hit_count++] = n;
	part->has_task |= task != 0;
	part->has_slot |= slot != 0;
	return 0;
}

void export_chunk_set_permille(struct export_chunk *part, uint32_t permille)
{
	assert(permille <= 1000);
	if (permille > part->message.permille)
		part->message.permille = permille;
}

int export_chunk_send_summary(struct export_chunk *part, Oxprof__Summary *summary)
{
	part->message.summary = summary;
	return export_chunk_send(part);
}

int export_chunk_send_end(struct export_chunk *part, Oxprof__End *end)
{
	export_chunk_set_permille(part, 1000);
	part->message.end = end;
	return export_chunk_send(part);
}
