/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON as a stream, so that an answer of any size needs no memory of its own. The writer
 * puts the commas. Text must be valid UTF-8 (text_clean()). Errors of the FILE stay in the FILE:
 * the caller asks ferror() once at the end.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* A writer, which begins as {out, 1}. */
struct json {
	FILE *out;
	int first; /* nothing written yet on this level */
};

/* Opens an object or an array. A key of NULL, here and below, says that the value stands in an
 * array, or is the outermost. */
void json_open(struct json *json, const char *key, char bracket);         /* '{' or '[' */
void json_close(struct json *json, char bracket);                         /* '}' or ']' */
void json_add_text(struct json *json, const char *key, const char *text); /* NULL, "" -> null */
void json_add_u64(struct json *json, const char *key, uint64_t value);
void json_add_known(struct json *json, const char *key, uint64_t value); /* 0 -> null */
void json_add_double(struct json *json, const char *key, double value);  /* not finite -> null */
void json_add_bool(struct json *json, const char *key, int value);
void json_add_null(struct json *json, const char *key);
