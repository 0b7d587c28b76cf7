/* SPDX-License-Identifier: MIT */
/* A sampler for tests. What needs the kernel's side is skipped, and says so,
 * where it is not to be had: without root, without BTF, where BPF is forbidden
 * (a container). */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "daemon/sampler.h"

static inline struct sampler *sampler_or_skip(void) {
  struct sampler *sampler = NULL;
  char why[512] = "";
  int r;

  if (geteuid() != 0)
    cr_skip_test("needs root: the kernel's side was NOT tested");
  if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
    cr_skip_test("the kernel has no BTF: the kernel's side was NOT tested");
  r = sampler_new(&sampler, why, sizeof(why));
  if (r == -EPERM)
    cr_skip_test("BPF is forbidden here: the kernel's side was NOT tested");
  /* All else is a failure: a program that the verifier refuses must not pass
   * for "no BPF". */
  cr_assert_eq(r, 0, "%s", why);
  return sampler;
}
