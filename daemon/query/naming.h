/* SPDX-License-Identifier: MIT */
/* Builds the names of functions for people, in a buffer that is reused. */
#pragma once

#include <stddef.h>

#define NAMING_UNKNOWN "[unknown]"

struct naming {
	char *text; /* NULL before the first naming_append() */
	size_t length;
	size_t size;
};

void naming_done(struct naming *naming);
/* Begins a new name; text stays as it is until the next naming_append(). */
void naming_clear(struct naming *naming);
/* Returns 0 or -ENOMEM. */
int naming_append(struct naming *naming, const char *text);
/* Appends each of the texts, the last of which is NULL. Returns 0 or -ENOMEM. */
int naming_append_all(struct naming *naming, const char *const *texts);
#define naming_append_texts(naming, ...) \
	naming_append_all(naming, (const char *const[]){__VA_ARGS__, NULL})
/* Appends "function(module)", or "module+0x1234" if the function has no name (frame.h). Returns 0
 * or -ENOMEM. */
int naming_append_function(struct naming *naming, const char *function, const char *module);
