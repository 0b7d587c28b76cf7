/* SPDX-License-Identifier: MIT */
/* Values of the bus as JSON. D-Bus itself bounds their nesting. */
#pragma once

#include <systemd/sd-bus.h>

#include "client/base/json_tree.h"

/* Forwards a failure; what follows it does not happen. */
#define TRY(expression)                \
	do {                           \
		int _r = (expression); \
		if (_r < 0)            \
			return _r;     \
	} while (0)

/* The next value of a message, whatever its type; the caller owns it. 0 or a negative errno. */
int bus_value_read(sd_bus_message *message, struct json_object **ret);
/* The same, put into an object. */
int bus_value_read_field(sd_bus_message *message, struct json_object *tree, const char *key);
