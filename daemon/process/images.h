/* SPDX-License-Identifier: MIT */
/*
 * The history of what each process had mapped: from the events of the side band, and from /proc for
 * processes that were there before. An image is a process from its start or an exec to the next
 * exec or its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/process/maps.h"
#include "daemon/process/sideband.h"

/* The most images that are kept; beyond that a process goes: the one that ended longest ago, else
 * any. */
#define IMAGES_MAX 16384

struct images;

struct image {
	uint32_t id; /* never used twice */
	uint32_t pid;
	uint64_t since_ns;   /* CLOCK_MONOTONIC; 0: was there at the first look */
	uint64_t read_ns;    /* likewise, when it was read from /proc; 0: it was not */
	uint32_t generation; /* grows with each change of the mappings */
	uint64_t changed_ns; /* when the newest of them began; 0: all were there at first */
	char comm[16];       /* "" where no event had it */
	struct maps *maps;
};

struct images *images_new(const char *proc);
struct images *images_free(struct images *images);

/* Sets which events are kept: with `all` those of all processes, as any may be asked for; else only
 * those of processes that have been asked for. */
void images_follow_all(struct images *images, bool all);

/* Applies an event. Returns 0 or -ENOMEM. */
int images_apply(struct images *images, const struct sideband_event *event);

/* Finds the image that the process had at a time, read from /proc where nothing is known of it. The
 * image is borrowed until the next change. Returns NULL where the process is gone. */
const struct image *images_find(struct images *images, uint32_t pid, uint64_t at_ns);

/* Reads /proc once more, at most once a second for a process that has mapped something of which
 * there was no event. */
void images_refresh(struct images *images, uint32_t pid, uint64_t now_ns);

/* Forgets processes whose first thread ended before a time and that are gone. */
void images_sweep(struct images *images, uint64_t before_ns);
void images_clear(struct images *images);
size_t images_count(const struct images *images);
