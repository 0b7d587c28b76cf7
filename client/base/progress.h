/* SPDX-License-Identifier: MIT */
/*
 * "oxprofctl: reading 43 %" on the terminal of standard error while work takes long: first after a
 * second, and then only when the number changes; wiped out at the end. Elsewhere nothing.
 */
#pragma once

#include <stdbool.h>

struct progress;

/* Says what is being done: "reading". NULL: no memory; every function takes that for "quiet". */
struct progress *progress_new(int fd, const char *what);
void progress_set(struct progress *progress, unsigned permille);
struct progress *progress_free(struct progress *progress);
