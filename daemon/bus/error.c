/* SPDX-License-Identifier: MIT */
#include "daemon/bus/error.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/parse.h"

int bus_error_set(sd_bus_error *error, const struct failure *failure)
{
	char text[sizeof(failure->text)];

	/* A text that was cut within a character is one that sd-bus sends nobody. */
	text_clean(failure->text, strlen(failure->text), text, sizeof(text));
	return sd_bus_error_set(error, failure->name, text);
}

int bus_error_refuse(sd_bus_error *error, int result, const char *what)
{
	if (result == -ENOKEY)
		return sd_bus_error_setf(
			error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
			"not permitted to %s without a password; there was nobody to "
			"ask for it: use sudo",
			what);
	return sd_bus_error_setf(
		error, OX_ERROR_NOT_PERMITTED,
		"not permitted to %s; your own processes need no right, others are "
		"for root and for whom polkit lets",
		what);
}
