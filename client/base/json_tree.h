/* SPDX-License-Identifier: MIT */
/*
 * Answers as trees of JSON, the one form between the bus and what is printed. A field that is
 * missing, null or of another kind reads as unknown: never as an error, since daemon and client may
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

/* Reads the file (from its beginning, where it has one) to its end: one JSON object and nothing
 * else. The caller owns *ret. 0, -EBADMSG, -ENOMEM, or the error of reading. */
int tree_read(int fd, struct json_object **ret);

/* One line. Errors of writing stay in the FILE. -ENOMEM */
int tree_print(struct json_object *tree, FILE *out);

/* Gives the object every one of the keys (the last is NULL) that it lacks, as null. */
int tree_fill(struct json_object *object, const char *const *keys);
/* The same for each object in the array under the key; makes it an empty array if it is none. */
int tree_fill_rows(struct json_object *object, const char *key, const char *const *keys);

/* Takes the value also when it fails. */
int tree_add(struct json_object *object, const char *key, struct json_object *value);

bool tree_has(struct json_object *object, const char *key);             /* known, not null */
const char *tree_get_text(struct json_object *object, const char *key); /* borrowed; unknown: "" */
uint64_t tree_get_u64(struct json_object *object, const char *key);     /* unknown: 0 */
double tree_get_double(struct json_object *object, const char *key);    /* unknown: 0 */
bool tree_get_bool(struct json_object *object, const char *key);        /* unknown: false */
/* Borrowed; NULL unless it is an array (an object). */
struct json_object *tree_get_rows(struct json_object *object, const char *key);
struct json_object *tree_get_object(struct json_object *object, const char *key);
