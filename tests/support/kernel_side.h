/* SPDX-License-Identifier: MIT */
/* A sampler for tests. What needs the kernel's side is skipped, and says so, where it is not to be
 * had: without root, without BTF, where BPF is forbidden (a container). */
#pragma once

struct sampler;

/* Returns a new sampler, which the caller frees, or skips the test. */
struct sampler *sampler_or_skip(void);
