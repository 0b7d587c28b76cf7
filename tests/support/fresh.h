/* SPDX-License-Identifier: MIT */
/* Waits for the history, for tests of a manager that samples. */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/manager/manager.h"

/* Runs the loop until what was sampled up to now is in the history. */
void fresh_wait(sd_event *event, struct manager *manager);
