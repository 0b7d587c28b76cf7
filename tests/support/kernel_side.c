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

void kernel_side_choose(struct sampler *sampler, struct sampler_target *targets, size_t n,
			uint64_t interval_ns)
{
	const struct sampler_session sessions[OX_SESSIONS_MAX] = {
		{.interval_ns = interval_ns, .anybody = true}};
	const struct sampler_plan plan = {
		.running = 1, .sessions = sessions, .targets = targets, .n_targets = n};

	for (size_t i = 0; i < n; i++)
		targets[i].target.sessions = 1;
	cr_assert_eq(sampler_apply(sampler, &plan), 0);
}
