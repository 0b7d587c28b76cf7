/* SPDX-License-Identifier: MIT */
/* Handles the kernel's events of processes at once: new mappings, exec, exit, missing tables. */
#include "daemon/sampler/events.h"
#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/clock.h"
#include "daemon/recorder/internal.h"

/* After so many rounds a program that maps code without end has to wait for its next event. */
#define EVENT_ROUNDS 3

static int take_event(void *userdata, const struct sideband_event *event)
{
	struct recorder *recorder = userdata;

	if (event->kind == SIDEBAND_EXIT)
		unwinder_forget(recorder->unwinder, event->pid);
	return images_apply(recorder->images, event);
}

int recorder_drain_sideband(struct recorder *recorder)
{
	uint64_t lost = 0;
	int r = sideband_drain(recorder->sideband, take_event, recorder, &lost);

	/* Nobody can tell whose mappings these were. */
	recorder_count_common_loss(recorder, OX_LOST_MAPPINGS, lost);
	return r;
}

static void add_event(void *userdata, const struct ox_event *event)
{
	struct recorder *recorder = userdata;

	if (array_reserve(recorder->events, recorder->events_size, recorder->n_events + 1) == 0)
		recorder->events[recorder->n_events++] = *event;
}

/* True if the event has to be handled again: the image changed while it was read. */
static bool handle_event(struct recorder *recorder, const struct ox_event *event, uint64_t as_of_ns)
{
	const struct image *image = images_find(recorder->images, event->pid, as_of_ns);

	if (!image)
		return false;
	if (event->reason == OX_EVENT_CODE && unwinder_is_current(recorder->unwinder, image)) {
		images_refresh(recorder->images, event->pid, as_of_ns);
		/* /proc does not show this code either: the next sample would only send the same
		 * event. */
		if (unwinder_is_current(recorder->unwinder, image)) {
			unwinder_hold(recorder->unwinder, event->pid);
			return false;
		}
	}
	return unwinder_update(recorder->unwinder, image, as_of_ns) > 0;
}

/* Handles each event once and keeps those that have to be handled again. The processes are marked
 * before the side band is read up to now, so that it has the mappings that the events are about. */
static void handle_events(struct recorder *recorder)
{
	size_t n = recorder->n_events;
	uint64_t as_of_ns;

	recorder->n_events = 0;
	for (size_t i = 0; i < n; i++)
		unwinder_mark(recorder->unwinder, recorder->events[i].pid);
	as_of_ns = clock_monotonic_ns();
	(void)recorder_drain_sideband(recorder);
	for (size_t i = 0; i < n; i++)
		if (handle_event(recorder, &recorder->events[i], as_of_ns))
			recorder->events[recorder->n_events++] = recorder->events[i];
}

void recorder_read_events(struct recorder *recorder)
{
	recorder->n_events = 0;
	sampler_read_events(recorder->sampler, add_event, recorder);
	for (unsigned i = 0; i < EVENT_ROUNDS && recorder->n_events > 0; i++)
		handle_events(recorder);
}
