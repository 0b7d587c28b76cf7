/* SPDX-License-Identifier: MIT */
#include "tests/support/fresh.h"

#include <criterion/criterion.h>

static void on_fresh(void *userdata)
{
	*(bool *)userdata = true;
}

void fresh_wait(sd_event *event, struct manager *manager)
{
	struct managed_wait *wait;
	bool is_over = false;

	cr_assert_eq(manager_wait_fresh(manager, on_fresh, &is_over, &wait), 0);
	while (!is_over)
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
}
