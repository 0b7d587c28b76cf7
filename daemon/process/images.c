/* SPDX-License-Identifier: MIT */
#include "daemon/process/images.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/process/process.h"

/* The images of one pid, oldest first. A pid that is used again gets a new history. */
struct process_history {
	uint32_t pid;
	uint64_t ended_ns; /* 0: lives */
	uint64_t refreshed_ns;
	struct image **images;
	size_t n_images;
	struct process_history *next; /* in the bucket */
};

#define BUCKETS    4096
#define REFRESH_NS UINT64_C(1000000000)

struct images {
	char *proc;
	bool all;
	struct process_history *buckets[BUCKETS];
	size_t n_images;
	uint32_t next_id;
};

struct images *images_new(const char *proc)
{
	struct images *images = calloc(1, sizeof(*images));

	assert(proc);
	if (!images)
		return NULL;
	images->proc = strdup(proc);
	if (!images->proc)
		return images_free(images);
	return images;
}

static void history_free(struct images *images, struct process_history *history)
{
	for (size_t i = 0; i < history->n_images; i++) {
		maps_free(history->images[i]->maps);
		free(history->images[i]);
	}
	images->n_images -= history->n_images;
	free(history->images);
	free(history);
}

void images_clear(struct images *images)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (images->buckets[i]) {
			struct process_history *history = images->buckets[i];

			images->buckets[i] = history->next;
			history_free(images, history);
		}
}

struct images *images_free(struct images *images)
{
	if (!images)
		return NULL;
	images_clear(images);
	free(images->proc);
	free(images);
	return NULL;
}

void images_follow_all(struct images *images, bool all)
{
	images->all = all;
}

size_t images_count(const struct images *images)
{
	return images->n_images;
}

static struct process_history **history_slot(struct images *images, uint32_t pid)
{
	struct process_history **slot = &images->buckets[pid % BUCKETS];

	while (*slot && (*slot)->pid != pid)
		slot = &(*slot)->next;
	return slot;
}

static void history_remove(struct images *images, struct process_history **slot)
{
	struct process_history *history = *slot;

	assert(history && images->n_images >= history->n_images);
	*slot = history->next;
	history_free(images, history);
}

static struct process_history *history_get(struct images *images, uint32_t pid)
{
	struct process_history **slot = history_slot(images, pid);

	if (!*slot) {
		*slot = calloc(1, sizeof(**slot));
		if (*slot)
			(*slot)->pid = pid;
	}
	return *slot;
}

/* Takes the maps, also on failure. Returns NULL where there is no memory. */
static struct image *history_add_image(struct images *images, struct process_history *history,
				       uint64_t since_ns, struct maps *maps)
{
	struct image *image = calloc(1, sizeof(*image));
	/* Most processes have one image or two: array_reserve() would begin with 64. */
	struct image **grown =
		realloc(history->images, (history->n_images + 1) * sizeof(*history->images));

	if (grown)
		history->images = grown;
	if (!image || !grown || !maps) {
		free(image);
		maps_free(maps);
		return NULL;
	}
	image->id = ++images->next_id;
	image->pid = history->pid;
	image->since_ns = since_ns;
	image->maps = maps;
	history->images[history->n_images++] = image;
	images->n_images++;
	return image;
}

static struct image *history_newest(const struct process_history *history)
{
	return history && history->n_images ? history->images[history->n_images - 1] : NULL;
}

/* Makes room for one image where IMAGES_MAX are kept: drops the history that has ended longest ago,
 * or any where none has. */
static void make_room(struct images *images)
{
	struct process_history **oldest = NULL;
	uint64_t oldest_ns = UINT64_MAX;

	if (images->n_images < IMAGES_MAX)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct process_history **slot = &images->buckets[i]; *slot;
		     slot = &(*slot)->next) {
			uint64_t ns = (*slot)->ended_ns ?: UINT64_MAX - 1;

			if (ns < oldest_ns) {
				oldest = slot;
				oldest_ns = ns;
			}
		}
	if (oldest)
		history_remove(images, oldest);
}

/* Reads what the process looks like now as what it always looked like. Returns NULL where it is
 * gone. */
static struct process_history *read_history(struct images *images, uint32_t pid)
{
	struct maps *maps = maps_new();
	uint64_t now_ns = clock_monotonic_ns();
	struct process_history *history;
	struct image *image;

	if (!maps || process_read_maps(images->proc, pid, 0, maps) < 0) {
		maps_free(maps);
		return NULL;
	}
	make_room(images);
	history = history_get(images, pid);
	image = history ? history_add_image(images, history, 0, maps) : NULL;
	if (!image)
		return NULL;
	image->read_ns = now_ns;
	return history;
}

static int apply_fork(struct images *images, const struct sideband_event *event)
{
	struct process_history *parent = *history_slot(images, event->parent);
	struct process_history *history;

	/* A pid that is used again: what is known of it was another process. */
	if (*history_slot(images, event->pid))
		history_remove(images, history_slot(images, event->pid));
	if (!images->all && !parent)
		return 0;
	if (!parent)
		parent = read_history(images, event->parent);
	make_room(images);
	parent = *history_slot(images, event->parent);
	history = history_get(images, event->pid);
	if (!history)
		return -ENOMEM;
	return history_add_image(images, history, event->time_ns,
				 parent && history_newest(parent)
					 ? maps_copy(history_newest(parent)->maps)
					 : maps_new())
		       ? 0
		       : -ENOMEM;
}

static int apply_exec(struct images *images, const struct sideband_event *event)
{
	struct process_history *history = *history_slot(images, event->pid);
	struct image *image;

	if (!history && !images->all)
		return 0;
	make_room(images);
	history = history_get(images, event->pid);
	image = history ? history_add_image(images, history, event->time_ns, maps_new()) : NULL;
	if (!image)
		return -ENOMEM;
	memcpy(image->comm, event->comm, sizeof(image->comm));
	return 0;
}

static int apply_map(struct images *images, const struct sideband_event *event)
{
	struct image *image = history_newest(*history_slot(images, event->pid));
	int r;

	/* A process of which nothing is known: /proc has its mappings once they are asked for. */
	if (!image)
		return 0;
	r = maps_add(image->maps, &event->mapping);
	if (r > 0) {
		image->generation++;
		if (event->time_ns > image->changed_ns)
			image->changed_ns = event->time_ns;
	}
	return r == -E2BIG || r > 0 ? 0 : r;
}

int images_apply(struct images *images, const struct sideband_event *event)
{
	struct process_history *history;

	switch (event->kind) {
	case SIDEBAND_FORK:
		return apply_fork(images, event);
	case SIDEBAND_EXEC:
		return apply_exec(images, event);
	case SIDEBAND_MAP:
		return apply_map(images, event);
	case SIDEBAND_EXIT:
		history = *history_slot(images, event->pid);
		if (history)
			history->ended_ns = event->time_ns;
		return 0;
	}
	return 0;
}

const struct image *images_find(struct images *images, uint32_t pid, uint64_t at_ns)
{
	struct process_history *history = *history_slot(images, pid);

	if (!history)
		history = read_history(images, pid);
	if (!history)
		return NULL;
	for (size_t i = history->n_images; i-- > 0;)
		if (history->images[i]->since_ns <= at_ns)
			return history->images[i];
	return NULL;
}

void images_refresh(struct images *images, uint32_t pid, uint64_t now_ns)
{
	struct process_history *history = *history_slot(images, pid);
	struct image *image = history_newest(history);

	if (!image || history->refreshed_ns + REFRESH_NS > now_ns)
		return;
	history->refreshed_ns = now_ns;
	if (process_read_maps(images->proc, pid, now_ns, image->maps) <= 0)
		return;
	image->generation++;
	image->changed_ns = now_ns;
}

/* True if /proc still shows the process. Its first thread has ended, but others may go on: /proc
 * then shows a zombie without any mapping. */
static bool is_there(const struct images *images, uint32_t pid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u", images->proc, pid);
	return access(path, F_OK) == 0;
}

void images_sweep(struct images *images, uint64_t before_ns)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct process_history **slot = &images->buckets[i]; *slot;) {
			if ((*slot)->ended_ns && (*slot)->ended_ns < before_ns &&
			    !is_there(images, (*slot)->pid))
				history_remove(images, slot);
			else
				slot = &(*slot)->next;
		}
}
