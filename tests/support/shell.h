/* SPDX-License-Identifier: MIT */
/* Compilers and binutils, called as a person would. */
#pragma once

/* Runs a command in that directory; where it fails, the test fails with its text. */
__attribute__((format(printf, 2, 3))) void shell_run(const char *directory, const char *format,
						     ...);
