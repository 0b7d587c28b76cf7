/* SPDX-License-Identifier: MIT */
/*
 * What the kernel side sends: definitions of Python code objects (bpf/python.h), each of which is
 * there before the arena that has the samples which name it is handed out; and news of processes.
 */
#pragma once

#include <stddef.h>

#include "bpf/python.h"
#include "bpf/rule.h"
#include "daemon/sampler/sampler.h"

/* Readable when so much is there that it should be read before the next drain. */
int sampler_definitions_fd(const struct sampler *sampler);
/* size: of the part with its bytes. */
typedef void (*sampler_fragment_fn)(void *userdata, const struct ox_fragment *part, size_t size);
void sampler_read_definitions(struct sampler *sampler, sampler_fragment_fn fn, void *userdata);
/* All that was sent is forgotten: what is seen from now on is sent again, under other numbers. */
void sampler_forget_definitions(struct sampler *sampler);

/* News of processes: a descriptor that is readable when there is some, and all of it. */
int sampler_event_fd(const struct sampler *sampler);
typedef void (*sampler_event_fn)(void *userdata, const struct ox_event *event);
void sampler_read_events(struct sampler *sampler, sampler_event_fn fn, void *userdata);
