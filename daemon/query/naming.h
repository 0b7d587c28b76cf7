/* SPDX-License-Identifier: MIT */
/* The names that people see, put together in a buffer that is used again. */
#pragma once

#include <stddef.h>

#define NAMING_UNKNOWN "[unknown]"

struct naming {
	char *text; /* NULL before the first naming_append() */
	size_t length;
	size_t size;
};

void naming_done(struct naming *naming);
void naming_clear(struct naming *naming);                   /* begins a new name */
int naming_append(struct naming *naming, const char *text); /* 0, -ENOMEM */
/* Appends each of the texts, the last of which is NULL. Returns 0 or -ENOMEM. */
int naming_append_all(struct naming *naming, const char *const *texts);
#define naming_append_texts(naming, ...) \
	naming_append_all(naming, (const char *const[]){__VA_ARGS__, NULL})
/* "function(module)"; "module+0x1234" where the function has no name (frame.h). 0, -ENOMEM. */
int naming_append_function(struct naming *naming, const char *function, const char *module);
