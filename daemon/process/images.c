/* SPDX-License-Identifier: MIT */
#include "daemon/process/images.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/process/process.h"

/* The images of one pid, oldest first. A pid that is used again begins anew. */
struct life {
	uint32_t pid;
	uint64_t ended_ns; /* 0: lives */
	uint64_t refreshed_ns;
	struct image **images;
	size_t n_images;
	struct life *next; /* in the bucket */
};

#define BUCKETS    4096
#define REFRESH_NS UINT64_C(1000000000)

struct images {
	char *proc;
	bool all;
	struct life *buckets[BUCKETS];
	size_t n_images;
	uint32_t next_id;
};

struct images *images_new(const char *proc)
{
	struct images *images = calloc(1, sizeof(*images));

	if (!images)
		return NULL;
	images->proc = strdup(proc);
	if (!images->proc)
		return images_free(images);
	return images;
}

static void life_free(struct images *images, struct life *life)
{
	for (size_t i = 0; i < life->n_images; i++) {
		maps_free(life->images[i]->maps);
		free(life->images[i]);
	}
	images->n_images -= life->n_images;
	free(life->images);
	free(life);
}

void images_clear(struct images *images)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (images->buckets[i]) {
			struct life *life = images->buckets[i];

			images->buckets[i] = life->next;
			life_free(images, life);
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

static struct life **life_slot(struct images *images, uint32_t pid)
{
	struct life **slot = &images->buckets[pid % BUCKETS];

	while (*slot && (*slot)->pid != pid)
		slot = &(*slot)->next;
	return slot;
}

static void life_remove(struct images *images, struct life **slot)
{
	struct life *life = *slot;

	*slot = life->next;
	life_free(images, life);
}

static struct life *life_get(struct images *images, uint32_t pid)
{
	struct life **slot = life_slot(images, pid);

	if (!*slot) {
		*slot = calloc(1, sizeof(**slot));
		if (*slot)
			(*slot)->pid = pid;
	}
	return *slot;
}

/* Takes the maps, also on failure. */
static struct image *life_add_image(struct images *images, struct life *life, uint64_t since_ns,
				    struct maps *maps)
{
	struct image *image = calloc(1, sizeof(*image));
	struct image **grown = realloc(life->images, (life->n_images + 1) * sizeof(*life->images));

	if (grown)
		life->images = grown;
	if (!image || !grown || !maps) {
		free(image);
		maps_free(maps);
		return NULL;
	}
	image->id = ++images->next_id;
	image->pid = life->pid;
	image->since_ns = since_ns;
	image->maps = maps;
	life->images[life->n_images++] = image;
	images->n_images++;
	return image;
}

static struct image *life_newest(const struct life *life)
{
	return life && life->n_images ? life->images[life->n_images - 1] : NULL;
}

/* One place is made where all are taken: of what has ended longest ago, else of any life. */
static void make_room(struct images *images)
{
	struct life **oldest = NULL;
	uint64_t oldest_ns = UINT64_MAX;

	if (images->n_images < IMAGES_MAX)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct life **slot = &images->buckets[i]; *slot; slot = &(*slot)->next) {
			uint64_t ns = (*slot)->ended_ns ?: UINT64_MAX - 1;

			if (ns < oldest_ns) {
				oldest = slot;
				oldest_ns = ns;
			}
		}
	if (oldest)
		life_remove(images, oldest);
}

/* What the process looks like now, taken as what it always looked like. */
static struct life *read_life(struct images *images, uint32_t pid)
{
	struct maps *maps = maps_new();
	struct life *life;

	if (!maps || process_read_maps(images->proc, pid, 0, maps) < 0) {
		maps_free(maps);
		return NULL;
	}
	make_room(images);
	life = life_get(images, pid);
	if (!life || !life_add_image(images, life, 0, maps))
		return NULL;
	return life;
}

static int apply_fork(struct images *images, const struct sideband_event *event)
{
	struct life *parent = *life_slot(images, event->parent);
	struct life *life;

	/* A pid that begins again: what we know of it was another process. */
	if (*life_slot(images, event->pid))
		life_remove(images, life_slot(images, event->pid));
	if (!images->all && !parent)
		return 0;
	if (!parent)
		parent = read_life(images, event->parent);
	make_room(images);
	parent = *life_slot(images, event->parent);
	life = life_get(images, event->pid);
	if (!life)
		return -ENOMEM;
	return life_add_image(images, life, event->time_ns,
			      parent && life_newest(parent) ? maps_copy(life_newest(parent)->maps)
							    : maps_new())
		       ? 0
		       : -ENOMEM;
}

static int apply_exec(struct images *images, const struct sideband_event *event)
{
	struct life *life = *life_slot(images, event->pid);
	struct image *image;

	if (!life && !images->all)
		return 0;
	make_room(images);
	life = life_get(images, event->pid);
	image = life ? life_add_image(images, life, event->time_ns, maps_new()) : NULL;
	if (!image)
		return -ENOMEM;
	memcpy(image->comm, event->comm, sizeof(image->comm));
	return 0;
}

static int apply_map(struct images *images, const struct sideband_event *event)
{
	struct image *image = life_newest(*life_slot(images, event->pid));
	int r;

	/* Of a process that we know nothing of: /proc has it, should anybody ask. */
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
	struct life *life;

	switch (event->kind) {
	case SIDEBAND_FORK:
		return apply_fork(images, event);
	case SIDEBAND_EXEC:
		return apply_exec(images, event);
	case SIDEBAND_MAP:
		return apply_map(images, event);
	case SIDEBAND_EXIT:
		life = *life_slot(images, event->pid);
		if (life)
			life->ended_ns = event->time_ns;
		return 0;
	}
	return 0;
}

const struct image *images_find(struct images *images, uint32_t pid, uint64_t at_ns)
{
	struct life *life = *life_slot(images, pid);

	if (!life)
		life = read_life(images, pid);
	if (!life)
		return NULL;
	for (size_t i = life->n_images; i-- > 0;)
		if (life->images[i]->since_ns <= at_ns)
			return life->images[i];
	return NULL;
}

void images_refresh(struct images *images, uint32_t pid, uint64_t now_ns)
{
	struct life *life = *life_slot(images, pid);
	struct image *image = life_newest(life);

	if (!image || life->refreshed_ns + REFRESH_NS > now_ns)
		return;
	life->refreshed_ns = now_ns;
	if (process_read_maps(images->proc, pid, now_ns, image->maps) <= 0)
		return;
	image->generation++;
	image->changed_ns = now_ns;
}

/* The first thread has ended; others may go on in a process that /proc shows as a zombie without
 * any mapping. */
static bool is_there(const struct images *images, uint32_t pid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u", images->proc, pid);
	return access(path, F_OK) == 0;
}

void images_sweep(struct images *images, uint64_t before_ns)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct life **slot = &images->buckets[i]; *slot;) {
			if ((*slot)->ended_ns && (*slot)->ended_ns < before_ns &&
			    !is_there(images, (*slot)->pid))
				life_remove(images, slot);
			else
				slot = &(*slot)->next;
		}
}
