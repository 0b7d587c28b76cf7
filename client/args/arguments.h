/* SPDX-License-Identifier: MIT */
/* From argv to a struct request, in any thread. Pure: the time is given, nothing is printed. */
#pragma once

#include "client/args/request.h"

#define ARGUMENTS_WHY_BYTES 1024

/*
 * Parses and checks the arguments into *ret, which request_done() clears. All that can be checked
 * without the daemon is checked here: nothing is sent for a request with a bad argument. Returns 0,
 * -ENOMEM, or -EINVAL on wrong usage with a line for the user in ret_why, without the name of the
 * program and cut at the size.
 */
int arguments_parse(int argc, char **argv, uint64_t now_usec, struct request *ret,
		    char ret_why[static ARGUMENTS_WHY_BYTES]);
