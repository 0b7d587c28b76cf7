/* SPDX-License-Identifier: MIT */
#include "client/profile/stack.h"

#include "daemon/base/array.h"

int stack_list(struct stack *stack, const struct profile *profile, uint32_t node)
{
	for (stack->n = 0; node; node = profile_parent(profile, node)) {
		int r = array_fit(stack->frames, stack->room, stack->n + 1);

		if (r < 0)
			return r;
		stack->frames[stack->n++] = profile_frame_of(profile, node);
	}
	return 0;
}

void stack_done(struct stack *stack)
{
	free(stack->frames);
	*stack = (struct stack){0};
}
