/* SPDX-License-Identifier: MIT */
/* The frames of a stack, as one list that is used again and again. */
#pragma once

#include "client/profile/profile.h"

/* Begins as {0}. */
struct stack {
	uint32_t *frames; /* numbers of the profile, leaf first */
	size_t n;
	size_t room;
};

/* Of node 0: none. 0 or -ENOMEM. */
int stack_list(struct stack *stack, const struct profile *profile, uint32_t node);
void stack_done(struct stack *stack);

/* The name in place of a stack where there is none. */
#define STACK_NONE "[no stack]"
