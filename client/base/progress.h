/* SPDX-License-Identifier: MIT */
/*
 * "oxprofctl: reading 43 %" on the terminal of standard error while work takes long: first after a
 * second, then whenever the number changes; wiped out at the end. Nothing is shown where standard
 * error is no terminal.
 */
#pragma once

#include <stdbool.h>

struct progress;

/* Makes a progress line that says what is being done, as "reading". Returns NULL where fd is no
 * terminal or there is no memory; all functions take NULL and show nothing. */
struct progress *progress_new(int fd, const char *what);
void progress_set(struct progress *progress, unsigned permille);
struct progress *progress_free(struct progress *progress);
