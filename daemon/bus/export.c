/* SPDX-License-Identifier: MIT */
/* Export: rights as of Query, the answer as a stream. */
#include <errno.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/error.h"
#include "daemon/bus/internal.h"
#include "daemon/bus/read.h"

int manager_bus_export(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_free_ struct target *targets = NULL;
	_cleanup_close_ int fd = -1;
	struct export_options options;
	struct question question;
	struct failure failure;
	uint32_t uid = UINT32_MAX;
	int r = bus_read_export(call, &question, &options, &targets, error);

	r = r < 0 ? r : manager_bus_limit_question(self, call, &question, error);
	if (r != 1)
		return r;
	if (!sender_is_privileged(call))
		r = sender_get_uid(call, &uid);
	if (r < 0)
		return r;
	r = manager_export(self->manager, &question, &options, uid, &fd, &failure);
	return r < 0 ? bus_error_set(error, &failure) : sd_bus_reply_method_return(call, "h", fd);
}
