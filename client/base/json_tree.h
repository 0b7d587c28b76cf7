/* SPDX-License-Identifier: MIT */
/*
 * Answers as trees of JSON, the one form between the bus and what is printed. A field that is
 * missing, null or of another kind reads as unknown, never as an error, since daemon and client may
 * be of different versions.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/cleanup.h"

static inline void cleanup_tree(struct json_object **tree)
{
	json_object_put(*tree);
}
#define _cleanup_tree_ _cleanup_(cleanup_tree)

/* Reads one JSON object and nothing else up to the end of a file (from its beginning, where it has
 * one). The caller owns *ret. Returns 0, -EBADMSG, -ENOMEM, or the error of reading. */
int tree_read(int fd, struct json_object **ret);

/* Prints the tree as one line. Returns 0 or -ENOMEM; errors of writing stay in the FILE. */
int tree_print(struct json_object *tree, FILE *out);

/* Adds to the object, as null, each of the keys (the last is NULL) that it lacks. Returns 0 or
 * -ENOMEM. */
int tree_fill(struct json_object *object, const char *const *keys);
/* Fills each object of the array under the key in the same way; makes an empty array where there is
 * none. Returns 0, -ENOMEM, or -EBADMSG where a row is no object. */
int tree_fill_rows(struct json_object *object, const char *key, const char *const *keys);

/* Adds the value, which is taken over also on failure. Returns 0 or -ENOMEM. */
int tree_add(struct json_object *object, const char *key, struct json_object *value);

bool tree_has(struct json_object *object, const char *key);             /* known, not null */
const char *tree_get_text(struct json_object *object, const char *key); /* borrowed; unknown: "" */
uint64_t tree_get_u64(struct json_object *object, const char *key);     /* unknown: 0 */
double tree_get_double(struct json_object *object, const char *key);    /* unknown: 0 */
bool tree_get_bool(struct json_object *object, const char *key);        /* unknown: false */
/* Returns the array (the object) under the key, borrowed; NULL where the value is none. */
struct json_object *tree_get_rows(struct json_object *object, const char *key);
struct json_object *tree_get_object(struct json_object *object, const char *key);
