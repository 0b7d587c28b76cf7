/* SPDX-License-Identifier: MIT */
#include "tests/support/kernel_side.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "daemon/sampler/sampler.h"
#include "tests/support/skip.h"

#define UNWIND_BYTES (UINT64_C(8) << 20)

struct sampler *sampler_or_skip(void)
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
