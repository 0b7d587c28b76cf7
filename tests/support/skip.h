/* SPDX-License-Identifier: MIT */
/* Tests that cannot be made here. */
#pragma once

/* Skips the test and says why: Criterion itself says nothing of a test that is skipped. */
void skip_loudly(const char *why);
