/* SPDX-License-Identifier: MIT */
/* Tells systemd and the listener that something has changed. */
#include <systemd/sd-daemon.h>

#include "daemon/manager/internal.h"

void manager_tell(struct manager *manager)
{
	if (manager->running)
		(void)sd_notifyf(0, "STATUS=Sampling every %.9g s, %zu target%s.",
				 manager->interval_ns / 1e9, manager->n_targets,
				 manager->n_targets == 1 ? "" : "s");
	else
		(void)sd_notify(0, "STATUS=Paused.");
	if (manager->listener)
		manager->listener(manager->listener_userdata);
}

void manager_listen(struct manager *manager, manager_listener_t listener, void *userdata)
{
	manager->listener = listener;
	manager->listener_userdata = userdata;
}
