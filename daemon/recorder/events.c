/* SPDX-License-Identifier: MIT */
/* What the kernel says of processes, taken in at once: new mappings, exec, exit; tables are
 * missing. */
#include "daemon/sampler/events.h"
#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/clock.h"
#include "daemon/recorder/internal.h"

/* A program that maps code without end is left to the next notice. */
#define NOTICE_ROUNDS 3

static int take_event(void *userdata, const struct sideband_event *event)
{
	struct recorder *recorder = userdata;

	if (event->kind == SIDEBAND_EXIT)
		unwinder_forget(recorder->unwinder, event->pid);
	return images_apply(recorder->images, event);
}

int recorder_drain_sideband(struct recorder *recorder)
{
	return sideband_drain(recorder->sideband, take_event, recorder,
			      &recorder->lost[OX_LOST_MAPPINGS]);
}

static void take_notice(void *userdata, const struct ox_notice *notice)
{
	struct recorder *recorder = userdata;

	if (array_fit(recorder->noticed, recorder->noticed_size, recorder->n_noticed + 1) == 0)
		recorder->noticed[recorder->n_noticed++] = *notice;
}

/* True: once more, something happened meanwhile. */
static bool answer_notice(struct recorder *recorder, const struct ox_notice *notice,
			  uint64_t as_of_ns)
{
	const struct image *image = images_find(recorder->images, notice->pid, as_of_ns);

	if (!image)
		return false;
	if (notice->reason == OX_NOTICE_CODE && unwinder_is_current(recorder->unwinder, image)) {
		images_refresh(recorder->images, notice->pid, as_of_ns);
		/* Code that /proc does not show either: the next sample would only ask again. */
		if (unwinder_is_current(recorder->unwinder, image)) {
			unwinder_hold(recorder->unwinder, notice->pid);
			return false;
		}
	}
	return unwinder_update(recorder->unwinder, image, as_of_ns) > 0;
}

/* First what is asked for, then the news up to now: so that what was noticed is in them. */
static void answer_notices(struct recorder *recorder)
{
	size_t n = recorder->n_noticed;
	uint64_t as_of_ns;

	recorder->n_noticed = 0;
	for (size_t i = 0; i < n; i++)
		unwinder_mark(recorder->unwinder, recorder->noticed[i].pid);
	as_of_ns = clock_monotonic_ns();
	(void)recorder_drain_sideband(recorder);
	for (size_t i = 0; i < n; i++)
		if (answer_notice(recorder, &recorder->noticed[i], as_of_ns))
			recorder->noticed[recorder->n_noticed++] = recorder->noticed[i];
}

void recorder_take_notices(struct recorder *recorder)
{
	recorder->n_noticed = 0;
	sampler_read_notices(recorder->sampler, take_notice, recorder);
	for (unsigned i = 0; i < NOTICE_ROUNDS && recorder->n_noticed > 0; i++)
		answer_notices(recorder);
}
