/* SPDX-License-Identifier: MIT */
/*
 * Definitions of Python code objects, as the kernel side sends them (bpf/python.h): each is there
 * before the arena that has the samples which name it is handed out.
 */
#pragma once

#include <stddef.h>

#include "bpf/python.h"
#include "daemon/sampler/sampler.h"

/* Readable when so much is there that it should be read before the next drain. */
int sampler_definitions_fd(const struct sampler *sampler);
/* size: of the part with its bytes. */
typedef void (*sampler_part_fn)(void *userdata, const struct ox_part *part, size_t size);
void sampler_read_definitions(struct sampler *sampler, sampler_part_fn fn, void *userdata);
/* All that was sent is forgotten: what is seen from now on is sent again, under other numbers. */
void sampler_forget_definitions(struct sampler *sampler);
