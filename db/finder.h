/* SPDX-License-Identifier: MIT */
/* Finds what nothing refers to in the database, in a thread of its own: it reads all samples. */
#pragma once

#include "db/store.h"

struct finder;

/* Starts the thread, after store_begin_garbage(). Returns 0 or a negative errno. */
int finder_new(const char *database, struct finder **ret);
/* Returns a descriptor that becomes readable when the thread has ended. */
int finder_fd(const struct finder *finder);
/* Gives what was found, after the thread has ended. Returns 0 or a negative errno. */
int finder_take(struct finder *finder, struct store_garbage **ret);
/* Stops the thread within milliseconds. */
struct finder *finder_free(struct finder *finder);
