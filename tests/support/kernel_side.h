/* SPDX-License-Identifier: MIT */
/* A sampler for tests. What needs the kernel's side is skipped, and says so, where it is not to be
 * had: without root, without BTF, where BPF is forbidden (a container). */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/sampler/sampler.h"

#define UNWIND_BYTES (UINT64_C(8) << 20)

/* Criterion itself says nothing of a test that is skipped. */
static inline void skip_loudly(const char *why)
{
	fprintf(stderr, "SKIPPED: %s\n", why);
	cr_skip_test("%s", why);
}

static inline struct sampler *sampler_or_skip(void)
{
	struct sampler *sampler = NULL;
	struct sampler_report report;
	int r;

	if (geteuid() != 0)
		skip_loudly("needs root: the kernel's side was NOT tested");
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		skip_loudly("the kernel has no BTF: the kernel's side was NOT tested");
	r = sampler_new(UNWIND_BYTES, &sampler, &report);
	if (r == -EPERM)
		skip_loudly("BPF is forbidden here: the kernel's side was NOT tested");
	/* All else is a failure: a program that the verifier refuses must not pass for "no BPF". */
	cr_assert_eq(r, 0, "%s\n%s", report.why, report.log);
	return sampler;
}
