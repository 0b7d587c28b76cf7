/* SPDX-License-Identifier: MIT */
/*
 * Reads what the kernel side sends: definitions of Python code objects (bpf/python.h), each of
 * which is there before the arena with the samples that refer to it is drained; and events of
 * processes.
 */
#pragma once

#include <stddef.h>

#include "bpf/python.h"
#include "bpf/rule.h"
#include "daemon/sampler/sampler.h"

/* Returns a descriptor, readable when so many definitions are there that they should be read before
 * the next drain. */
int sampler_definitions_fd(const struct sampler *sampler);
/* Takes a part of a definition; size is that of the part with its bytes. */
typedef void (*sampler_fragment_fn)(void *userdata, const struct ox_fragment *part, size_t size);
void sampler_read_definitions(struct sampler *sampler, sampler_fragment_fn fn, void *userdata);
/* Makes the kernel side forget what it has sent: code objects seen from now on are sent again,
 * under other numbers. */
void sampler_forget_definitions(struct sampler *sampler);

/* Returns a descriptor, readable when there are events of processes; sampler_read_events() reads
 * all of them. */
int sampler_event_fd(const struct sampler *sampler);
typedef void (*sampler_event_fn)(void *userdata, const struct ox_event *event);
void sampler_read_events(struct sampler *sampler, sampler_event_fn fn, void *userdata);
