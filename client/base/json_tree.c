/* SPDX-License-Identifier: MIT */
#include "client/base/json_tree.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/base/pipe.h"

#define CHUNK_BYTES 65536

define_cleanup(struct json_tokener *, json_tokener_free);

static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
			return false;
	return true;
}

/* Parses a piece of the text. Once the object is complete it is in *tree, and only blanks may
 * follow. */
static int feed(struct json_tokener *tokener, const char *text, size_t length,
		struct json_object **tree)
{
	size_t used;

	if (*tree)
		return is_blank(text, length) ? 0 : -EBADMSG;
	*tree = json_tokener_parse_ex(tokener, text, (int)length);
	if (*tree) {
		used = json_tokener_get_parse_end(tokener);
		return is_blank(text + used, length - used) ? 0 : -EBADMSG;
	}
	return json_tokener_get_error(tokener) == json_tokener_continue ? 0 : -EBADMSG;
}

int tree_read(int fd, struct json_object **ret)
{
	_cleanup_(json_tokener_free_p) struct json_tokener *tokener = json_tokener_new();
	_cleanup_free_ char *buffer = malloc(CHUNK_BYTES);
	_cleanup_tree_ struct json_object *tree = NULL;
	ssize_t n;
	int r;

	if (!tokener || !buffer)
		return -ENOMEM;
	/* A file in memory comes at the position at which its writer left it; a pipe has no
	 * position. */
	if (lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE)
		return -errno;
	while ((n = pipe_read(fd, buffer, CHUNK_BYTES)) > 0) {
		r = feed(tokener, buffer, (size_t)n, &tree);
		if (r < 0)
			return r;
	}
	if (n < 0)
		return (int)n;
	if (!json_object_is_type(tree, json_type_object))
		return -EBADMSG;
	*ret = take_ptr(tree);
	return 0;
}

int tree_print(struct json_object *tree, FILE *out)
{
	const char *text = json_object_to_json_string_ext(
		tree, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		return -ENOMEM;
	fputs(text, out);
	fputc('\n', out);
	return 0;
}

int tree_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add(object, key, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

int tree_fill(struct json_object *object, const char *const *keys)
{
	for (; *keys; keys++)
		if (!json_object_object_get_ex(object, *keys, NULL) &&
		    json_object_object_add(object, *keys, NULL) < 0)
			return -ENOMEM;
	return 0;
}

int tree_fill_rows(struct json_object *object, const char *key, const char *const *keys)
{
	struct json_object *rows = tree_get_rows(object, key), *fresh;
	int r;

	if (!rows) {
		fresh = json_object_new_array();
		return fresh ? tree_add(object, key, fresh) : -ENOMEM;
	}
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (!json_object_is_type(row, json_type_object))
			return -EBADMSG;
		r = tree_fill(row, keys);
		if (r < 0)
			return r;
	}
	return 0;
}

static struct json_object *find(struct json_object *object, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value))
		return NULL;
	return json_object_is_type(value, type) ? value : NULL;
}

bool tree_has(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) && value;
}

const char *tree_get_text(struct json_object *object, const char *key)
{
	struct json_object *value = find(object, key, json_type_string);

	return value ? json_object_get_string(value) : "";
}

uint64_t tree_get_u64(struct json_object *object, const char *key)
{
	struct json_object *value = find(object, key, json_type_int);

	return value ? json_object_get_uint64(value) : 0;
}

double tree_get_double(struct json_object *object, const char *key)
{
	struct json_object *value = find(object, key, json_type_double);

	return value ? json_object_get_double(value) : (double)tree_get_u64(object, key);
}

bool tree_get_bool(struct json_object *object, const char *key)
{
	return json_object_get_boolean(find(object, key, json_type_boolean));
}

struct json_object *tree_get_rows(struct json_object *object, const char *key)
{
	return find(object, key, json_type_array);
}

struct json_object *tree_get_object(struct json_object *object, const char *key)
{
	return find(object, key, json_type_object);
}
