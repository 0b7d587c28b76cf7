/* SPDX-License-Identifier: MIT */
/* Secrets: 128 random bits as lower-case hex. */
#pragma once

#include <stdbool.h>

#define WEB_SECRET_BYTES 33

/* 0, or the error of getrandom(2). */
int web_secret_make(char ret[static WEB_SECRET_BYTES]);
/* Takes equally long wherever they differ. The given one may be NULL; an empty secret is no one's.
 */
bool web_secret_is(const char *given, const char *secret);
