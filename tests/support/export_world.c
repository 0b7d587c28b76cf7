/* SPDX-License-Identifier: MIT */
#include "tests/support/export_world.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/query/naming.h"

void told_done(struct told *told)
{
	for (size_t i = 0; i < told->n_parts; i++)
		oxprof__part__free_unpacked(told->parts[i], NULL);
	free(told->parts);
	free(told->texts);
	free(told->frames);
	free(told->tasks);
	free(told->slots);
	free(told->parent);
	free(told->frame);
	free(told->hits);
	free(told->bytes);
	*told = (struct told){0};
}

#define told_put(told, what, value)                                                             \
	({                                                                                      \
		cr_assert_eq(                                                                   \
			array_reserve((told)->what, (told)->what##_size, (told)->n_##what + 1), \
			0);                                                                     \
		(told)->what[(told)->n_##what++] = (value);                                     \
	})

static void told_take_frames(struct told *told, Oxprof__Part *part)
{
	for (size_t i = 0; i < part->n_frames; i++) {
		Oxprof__Frame *frame = part->frames[i];

		cr_assert_lt(frame->function, told->n_texts);
		cr_assert_lt(frame->module, told->n_texts);
		cr_assert_lt(frame->file, told->n_texts);
		cr_assert_lt(frame->build_id, told->n_texts);
		told_put(told, frames, frame);
	}
}

static void told_take_tasks(struct told *told, Oxprof__Part *part)
{
	for (size_t i = 0; i < part->n_tasks; i++) {
		Oxprof__Task *task = part->tasks[i];

		cr_assert_lt(task->thread, told->n_texts);
		cr_assert_lt(task->comm, told->n_texts);
		cr_assert_lt(task->unit, told->n_texts);
		cr_assert_lt(task->user, told->n_texts);
		told_put(told, tasks, task);
	}
	for (size_t i = 0; i < part->n_slots; i++)
		told_put(told, slots, part->slots[i]);
}

static void told_take_nodes(struct told *told, Oxprof__Part *part)
{
	cr_assert_eq(part->n_node_parent, part->n_node_frame);
	for (size_t i = 0; i < part->n_node_parent; i++, told->n_nodes++) {
		cr_assert_lt(part->node_parent[i], told->n_nodes);
		cr_assert_gt(part->node_frame[i], 0);
		cr_assert_lt(part->node_frame[i], told->n_frames);
		cr_assert_eq(array_reserve(told->parent, told->parent_size, told->n_nodes + 1), 0);
		cr_assert_eq(array_reserve(told->frame, told->frame_size, told->n_nodes + 1), 0);
		told->parent[told->n_nodes] = part->node_parent[i];
		told->frame[told->n_nodes] = part->node_frame[i];
	}
}

static void told_take_hits(struct told *told, Oxprof__Part *part)
{
	cr_assert_eq(part->n_hit_node, part->n_hit_count);
	cr_assert(!part->n_hit_task || part->n_hit_task == part->n_hit_node);
	cr_assert(!part->n_hit_slot || part->n_hit_slot == part->n_hit_node);
	for (size_t i = 0; i < part->n_hit_node; i++) {
		struct told_hit hit = {
			.node = part->hit_node[i],
			.task = part->n_hit_task ? part->hit_task[i] : 0,
			.slot = part->n_hit_slot ? part->hit_slot[i] : 0,
			.n = part->hit_count[i],
		};

		cr_assert_lt(hit.node, told->n_nodes);
		cr_assert_lt(hit.task, told->n_tasks);
		cr_assert_lt(hit.slot, told->n_slots);
		cr_assert_gt(hit.n, 0);
		told_put(told, hits, hit);
	}
}

static void told_take(struct told *told, const uint8_t *bytes, size_t size)
{
	Oxprof__Part *part = oxprof__part__unpack(NULL, size, bytes);

	cr_assert_not_null(part, "a part is no message");
	cr_assert_null(told->end, "there is something behind the end");
	cr_assert_eq(part->summary != NULL, told->n_parts == 0);
	if (told->n_parts)
		cr_assert_geq(part->permille, told->parts[told->n_parts - 1]->permille);
	cr_assert_leq(part->permille, 1000);
	told->summary = part->summary ? part->summary : told->summary;
	told->end = part->end;
	told->largest = size > told->largest ? size : told->largest;
	told_put(told, parts, part);
	for (size_t i = 0; i < part->n_texts; i++)
		told_put(told, texts, part->texts[i]);
	told_take_frames(told, part);
	told_take_tasks(told, part);
	told_take_nodes(told, part);
	told_take_hits(told, part);
}

static int compare_told_hits(const void *a, const void *b)
{
	const struct told_hit *left = a, *right = b;
	uint32_t keys[2][3] = {{left->node, left->task, left->slot},
			       {right->node, right->task, right->slot}};

	return memcmp(keys[0], keys[1], sizeof(keys[0]));
}

static void told_check_hits(const struct told *told)
{
	if (told->n_hits)
		qsort(told->hits, told->n_hits, sizeof(*told->hits), compare_told_hits);
	for (size_t i = 1; i < told->n_hits; i++)
		cr_assert_neq(compare_told_hits(&told->hits[i - 1], &told->hits[i]), 0,
			      "a combination comes twice");
}

void told_slurp(struct told *told, int fd)
{
	ssize_t n;

	do {
		cr_assert_eq(array_reserve(told->bytes, told->bytes_size, told->n_bytes + 65536),
			     0);
		n = read(fd, told->bytes + told->n_bytes, 65536);
		cr_assert_geq(n, 0);
		told->n_bytes += (size_t)n;
	} while (n > 0);
	close(fd);
}

void told_read(struct told *told, int fd)
{
	uint32_t length;

	*told = (struct told){0};
	told_put(told, texts, "");
	told_put(told, frames, NULL);
	told_put(told, tasks, NULL);
	told_put(told, slots, NULL);
	told->n_nodes = 1;
	told_slurp(told, fd);
	for (size_t at = 0; at + sizeof(length) <= told->n_bytes; at += sizeof(length) + length) {
		memcpy(&length, told->bytes + at, sizeof(length));
		length = le32toh(length);
		cr_assert_leq(length, OX_EXPORT_PART_BYTES);
		if (at + sizeof(length) + length > told->n_bytes)
			break;
		told_take(told, told->bytes + at + sizeof(length), length);
	}
	told_check_hits(told);
}

char *told_stack(const struct told *told, uint32_t node)
{
	struct naming name = {0};
	char *above =
		told->parent && told->parent[node] ? told_stack(told, told->parent[node]) : NULL;
	const Oxprof__Frame *frame;
	size_t start = 0;

	if (!node)
		return strdup("[no stack]");
	if (above) {
		naming_append(&name, above);
		naming_append(&name, ";");
		start = name.length;
	}
	free(above);
	frame = told->frames[told->frame[node]];
	naming_append_function(&name, told->texts[frame->function], told->texts[frame->module]);
	for (char *c = name.text + start; (c = strchr(c, ';'));)
		*c = ':';
	return name.text;
}

bool told_mentions(const struct told *told, const char *text)
{
	return memmem(told->bytes, told->n_bytes, text, strlen(text)) != NULL;
}
