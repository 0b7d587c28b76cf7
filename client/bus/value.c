/* SPDX-License-Identifier: MIT */
#include "client/bus/value.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "daemon/base/cleanup.h"

static struct json_object *new_double(double value)
{
	struct json_object *object;

	if (!isfinite(value))
		return NULL;
	object = json_object_new_double(value);
	if (!object)
		return NULL;
	/* With the 17 digits of json-c 0.1 would be 0.10000000000000001. */
	json_object_set_serializer(object, json_object_double_to_json_string, (void *)"%.15g",
				   NULL);
	return object;
}

static int read_basic(sd_bus_message *message, char type, struct json_object **ret)
{
	union {
		uint8_t y;
		int b;
		int16_t n;
		uint16_t q;
		int32_t i;
		uint32_t u;
		int64_t x;
		uint64_t t;
		double d;
		const char *s;
	} value;

	if (!strchr("ybnqiuxtdsog", type))
		return -EBADMSG;
	TRY(sd_bus_message_read_basic(message, type, &value));
	*ret = type == 'b'   ? json_object_new_boolean(value.b)
	       : type == 'y' ? json_object_new_uint64(value.y)
	       : type == 'n' ? json_object_new_int64(value.n)
	       : type == 'q' ? json_object_new_uint64(value.q)
	       : type == 'i' ? json_object_new_int64(value.i)
	       : type == 'u' ? json_object_new_uint64(value.u)
	       : type == 'x' ? json_object_new_int64(value.x)
	       : type == 't' ? json_object_new_uint64(value.t)
	       : type == 'd' ? new_double(value.d)
			     : json_object_new_string(value.s);
	return 0;
}

/* Reads the entries of an a{s*}, inside the array. */
static int read_pairs(sd_bus_message *message, struct json_object *object)
{
	const char *contents;
	int r;

	while ((r = sd_bus_message_peek_type(message, NULL, &contents)) > 0) {
		struct json_object *value = NULL;
		const char *key;

		TRY(sd_bus_message_enter_container(message, 'e', contents));
		TRY(sd_bus_message_read_basic(message, 's', &key));
		TRY(bus_value_read(message, &value));
		TRY(tree_add(object, key, value));
		TRY(sd_bus_message_exit_container(message));
	}
	return r;
}

static int read_items(sd_bus_message *message, struct json_object *array)
{
	int r;

	while ((r = sd_bus_message_at_end(message, false)) == 0) {
		struct json_object *value = NULL;

		TRY(bus_value_read(message, &value));
		if (json_object_array_add(array, value) < 0) {
			json_object_put(value);
			return -ENOMEM;
		}
	}
	return r < 0 ? r : 0;
}

static int read_array(sd_bus_message *message, const char *contents, struct json_object **ret)
{
	bool pairs = contents[0] == '{';
	_cleanup_tree_ struct json_object *tree =
		pairs ? json_object_new_object() : json_object_new_array();

	if (!tree)
		return -ENOMEM;
	TRY(sd_bus_message_enter_container(message, 'a', contents));
	TRY(pairs ? read_pairs(message, tree) : read_items(message, tree));
	TRY(sd_bus_message_exit_container(message));
	*ret = take_ptr(tree);
	return 0;
}

int bus_value_read(sd_bus_message *message, struct json_object **ret)
{
	const char *contents;
	char type;
	int r;

	r = sd_bus_message_peek_type(message, &type, &contents);
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	if (type == 'a')
		return read_array(message, contents, ret);
	if (type != 'v')
		return read_basic(message, type, ret);
	TRY(sd_bus_message_enter_container(message, 'v', contents));
	TRY(bus_value_read(message, ret));
	return sd_bus_message_exit_container(message);
}

int bus_value_read_field(sd_bus_message *message, struct json_object *tree, const char *key)
{
	struct json_object *value = NULL;

	TRY(bus_value_read(message, &value));
	return tree_add(tree, key, value);
}
