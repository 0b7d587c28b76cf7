/* SPDX-License-Identifier: MIT */
/* Values of the bus as JSON. D-Bus itself limits how deep they are nested. */
#pragma once

#include <systemd/sd-bus.h>

#include "client/base/json_tree.h"

/* Returns from the function where the expression is a failure. */
#define TRY(expression)                \
	do {                           \
		int _r = (expression); \
		if (_r < 0)            \
			return _r;     \
	} while (0)

/* Reads the next value of a message, of any type; the caller owns it. Returns 0 or a negative
 * errno. */
int bus_value_read(sd_bus_message *message, struct json_object **ret);
/* Reads the next value likewise, and adds it to the object. */
int bus_value_read_field(sd_bus_message *message, struct json_object *tree, const char *key);
