/* SPDX-License-Identifier: MIT */
/* Resymbolize: the answer is sent when the work is done, which may take minutes. */
#include <assert.h>
#include <errno.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/bus/internal.h"
#include "daemon/bus/reply.h"

/* Returns the word for why addresses of a file stay without a name; "" where all have one. */
static const char *name_reason(const struct resymbolize_file *file)
{
	if (!file->unnamed)
		return "";
	switch (file->error) {
	case 0:
	case -ENODATA:
		return "no-symbol";
	case -ENOENT:
		return "no-file";
	case -ETIMEDOUT:
		return "too-slow";
	default:
		return "unreadable";
	}
}

static int append_file(sd_bus_message *reply, const struct resymbolize_file *file)
{
	const struct bus_entry entries[] = {
		bus_text("file", file->path),          bus_text("build_id", file->build_id),
		bus_u64("named", file->named),         bus_u64("unnamed", file->unnamed),
		bus_text("reason", name_reason(file)),
	};
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	if (r < 0)
		return r;
	r = bus_append_entries(reply, entries, array_length(entries));
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_sums(sd_bus_message *reply, const struct resymbolize *result, uint32_t n)
{
	uint64_t named = 0, unnamed = 0;
	struct resymbolize_file file;

	for (uint32_t i = 0; i < n; i++) {
		resymbolize_get_file(result, i, &file);
		named += file.named;
		unnamed += file.unnamed;
	}
	return sd_bus_message_append(reply, "tt", named, unnamed);
}

static int append_files(sd_bus_message *reply, const struct resymbolize *result, uint32_t n)
{
	int r = sd_bus_message_open_container(reply, 'a', "a{sv}");

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n && i < OX_RECORDS_IN_MESSAGE; i++) {
		struct resymbolize_file file;

		resymbolize_get_file(result, i, &file);
		r = append_file(reply, &file);
		if (r < 0)
			return r;
	}
	return sd_bus_message_close_container(reply);
}

static int reply_result(sd_bus_message *call, const struct resymbolize *result)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	uint32_t n = resymbolize_count_files(result);
	int r = sd_bus_message_new_method_return(call, &reply);

	if (r < 0)
		return r;
	r = append_sums(reply, result, n);
	if (r < 0)
		return r;
	r = append_files(reply, result, n);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void on_done(void *userdata, const struct resymbolize *result, const struct failure *failure)
{
	struct manager_bus *self = userdata;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = take_ptr(self->resymbolize_call);
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	assert(call);
	if (!failure) {
		r = reply_result(call, result);
		if (r < 0)
			(void)sd_bus_reply_method_errno(call, r, NULL);
		return;
	}
	(void)bus_error_set(&error, failure);
	(void)sd_bus_reply_method_error(call, &error);
}

int manager_bus_resymbolize(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	struct failure failure;
	int r = manager_bus_require(self, call, OX_ACTION_CONFIGURE, "give names to the history",
				    error);

	if (r != 1)
		return r;
	if (!waiting_fresh_add(&self->fresh, self->manager, call))
		return CALL_IS_PENDING;
	r = manager_resymbolize(self->manager, on_done, self, &failure);
	if (r < 0)
		return bus_error_set(error, &failure);
	/* One runs at a time, and its call is answered when it ends. */
	assert(!self->resymbolize_call);
	self->resymbolize_call = sd_bus_message_ref(call);
	return 1;
}

void manager_bus_forget_resymbolize(struct manager_bus *self)
{
	if (self->resymbolize_call)
		manager_forget_resymbolize(self->manager);
	self->resymbolize_call = sd_bus_message_unref(self->resymbolize_call);
}
