/* SPDX-License-Identifier: MIT */
#include "daemon/sampler/events.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/python/layout.h"
#include "daemon/sampler/internal.h"

struct part_reader {
	sampler_fragment_fn fn;
	void *userdata;
};

static int take_part(void *context, void *data, size_t size)
{
	struct part_reader *reader = *(struct part_reader **)context;

	if (size >= sizeof(struct ox_fragment))
		reader->fn(reader->userdata, data, size);
	return 0;
}

void sampler_set_layouts(struct sampler *sampler)
{
	size_t n;
	const struct ox_layout *layouts = python_layouts(&n);

	assert(n * sizeof(*layouts) <= sizeof(sampler->bpf->rodata->layouts));
	memcpy((void *)sampler->bpf->rodata->layouts, layouts, n * sizeof(*layouts));
}

int sampler_definitions_init(struct sampler *sampler)
{
	sampler->parts = ring_buffer__new(bpf_map__fd(sampler->bpf->maps.definitions), take_part,
					  &sampler->part_reader, NULL);
	return sampler->parts ? 0 : -errno;
}

int sampler_definitions_fd(const struct sampler *sampler)
{
	return ring_buffer__epoll_fd(sampler->parts);
}

void sampler_read_definitions(struct sampler *sampler, sampler_fragment_fn fn, void *userdata)
{
	struct part_reader reader = {fn, userdata};

	assert(fn && !sampler->part_reader);
	sampler->part_reader = &reader;
	(void)ring_buffer__consume(sampler->parts);
	sampler->part_reader = NULL;
}

void sampler_forget_definitions(struct sampler *sampler)
{
	__atomic_fetch_add(&sampler->bpf->bss->definitions_epoch, 1, __ATOMIC_SEQ_CST);
}

/* ---- events of processes ---- */

struct event_reader {
	sampler_event_fn fn;
	void *userdata;
};

static int add_event(void *context, void *data, size_t size)
{
	struct event_reader *reader = *(struct event_reader **)context;

	reader->fn(reader->userdata, data);
	return 0;
}

int sampler_events_init(struct sampler *sampler)
{
	sampler->events = ring_buffer__new(bpf_map__fd(sampler->bpf->maps.events), add_event,
					   &sampler->event_reader, NULL);
	return sampler->events ? 0 : -errno;
}

int sampler_event_fd(const struct sampler *sampler)
{
	return ring_buffer__epoll_fd(sampler->events);
}

void sampler_read_events(struct sampler *sampler, sampler_event_fn fn, void *userdata)
{
	struct event_reader reader = {fn, userdata};

	assert(fn && !sampler->event_reader);
	sampler->event_reader = &reader;
	(void)ring_buffer__consume(sampler->events);
	sampler->event_reader = NULL;
}
