/* SPDX-License-Identifier: MIT */
/* argv -> struct request, in any thread. Pure: the time is given, nothing is printed. */
#pragma once

#include "client/args/request.h"

#define ARGUMENTS_WHY_BYTES 1024

/*
 * 0: ret is filled, to be cleared by request_done(). -EINVAL: wrong usage, ret_why has the line for
 * the user (the name of the program not in it, cut at its size). -ENOMEM.
 * Whatever can be judged here is judged here: nothing is sent for a request with a bad argument.
 */
int arguments_parse(int argc, char **argv, uint64_t now_usec, struct request *ret,
		    char ret_why[static ARGUMENTS_WHY_BYTES]);
