/* SPDX-License-Identifier: MIT */
/* A sampler for tests. What needs the kernel's side is skipped, and says so, where it is not to be
 * had: without root, without BTF, where BPF is forbidden (a container). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sampler;
struct sampler_target;

/* Returns a new sampler, which the caller frees, or skips the test. */
struct sampler *sampler_or_skip(void);

/* Has these targets sampled by one session, in slot 0, which may see anybody's processes. Sets the
 * targets' masks to that. */
void kernel_side_choose(struct sampler *sampler, struct sampler_target *targets, size_t n,
			uint64_t interval_ns);
