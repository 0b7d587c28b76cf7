/* SPDX-License-Identifier: MIT */
/* The methods History and GetStatus. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/bus/internal.h"
#include "daemon/bus/reply.h"

/* ---- History ---- */

struct history {
	struct manager_bus *self;
	sd_bus_message *reply;
	uint32_t max;
	uint32_t n;
};

static int append_loss(void *userdata, const char *reason, uint64_t n)
{
	return sd_bus_message_append(userdata, "{st}", reason, n);
}

static int append_targets(sd_bus_message *reply, const char *targets)
{
	_cleanup_free_ char *copy = strdup(targets);
	char *rest = NULL;
	int r = copy ? sd_bus_message_open_container(reply, 'e', "sv") : -ENOMEM;

	r = r < 0 ? r : sd_bus_message_append(reply, "s", "targets");
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'v', "as");
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "s");
	for (char *text = copy ? strtok_r(copy, " ", &rest) : NULL; text && r >= 0;
	     text = strtok_r(NULL, " ", &rest)) {
		target_unescape(text);
		r = sd_bus_message_append(reply, "s", text);
	}
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_session(void *userdata, const struct store_session *session)
{
	struct history *history = userdata;
	sd_bus_message *reply = history->reply;
	int r;

	if (history->max && history->n++ >= history->max)
		return 0;
	r = sd_bus_message_open_container(reply, 'a', "{sv}");
	r = r < 0 ? r : bus_append_u64(reply, "id", session->id);
	r = r < 0 ? r : bus_append_u64(reply, "started", session->started_usec);
	if (r >= 0 && session->ended_usec)
		r = bus_append_u64(reply, "ended", session->ended_usec);
	r = r < 0 ? r : bus_append_text(reply, "mode", session->mode);
	r = r < 0 ? r : bus_append_u64(reply, "interval_ns", session->interval_ns);
	r = r < 0 ? r : append_targets(reply, session->targets);
	r = r < 0 ? r : bus_append_u64(reply, "samples", session->samples);
	r = r < 0 ? r : bus_open_counts(reply, "lost");
	r = r < 0 ? r
		  : manager_foreach_session_loss(history->self->manager, session->id, append_loss,
						 reply);
	r = r < 0 ? r : bus_close_counts(reply);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int manager_bus_history(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_free_ struct target *targets = NULL;
	struct history history = {.self = self};
	struct query query;
	struct failure failure;
	int r = manager_bus_read_query(self, call, &query, &targets, error);

	if (r != 1)
		return r;
	r = sd_bus_message_new_method_return(call, &reply);
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "a{sv}");
	if (r < 0)
		return r;
	history.reply = reply;
	/* A row is about 300 bytes, so a message holds this many sessions. */
	history.max =
		query.max && query.max < OX_RECORDS_IN_MESSAGE ? query.max : OX_RECORDS_IN_MESSAGE;
	r = manager_foreach_session(self->manager, query.range.since_usec, query.range.until_usec,
				    query.only_uid, append_session, &history, &failure);
	if (r < 0)
		return bus_error_set(error, &failure);
	r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- GetStatus ---- */

static uint64_t own_cpu_usec(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return 0;
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * UINT64_C(1000000) +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* Appends mean and standard deviation of the interval between ticks, from the sums of their
 * deviations. */
static int append_achieved(sd_bus_message *reply, const struct recorder_totals *totals)
{
	double n = totals->gap_n, mean, variance;
	int r;

	if (!totals->gap_n)
		return 0;
	mean = totals->gap_sum_ns / n;
	variance = totals->gap_squares_ns / n - mean * mean;
	r = bus_append_double(reply, "achieved_mean_ns", totals->interval_ns + mean);
	return r < 0 ? r
		     : bus_append_double(reply, "achieved_sd_ns",
					 sqrt(variance > 0 ? variance : 0));
}

static int append_tables(sd_bus_message *reply, const struct manager *manager)
{
	struct unwinder_state tables;
	int r;

	manager_get_tables(manager, &tables);
	r = bus_append_u64(reply, "unwind_bytes", tables.bytes);
	r = r < 0 ? r : bus_append_u64(reply, "unwind_budget_bytes", tables.budget_bytes);
	r = r < 0 ? r : bus_append_u32(reply, "unwind_tables", tables.n_tables);
	r = r < 0 ? r : bus_append_u32(reply, "unwind_waiting", tables.n_waiting);
	r = r < 0 ? r : bus_append_u32(reply, "unwind_refused", tables.n_refused);
	return r < 0 ? r : bus_append_u32(reply, "unwind_evicted", tables.n_evicted);
}

struct interpreter_reply {
	sd_bus_message *reply;
	uint32_t only_uid; /* UINT32_MAX: everybody's */
	uint32_t n;
};

/* Gives the only user whose interpreters the sender may see, UINT32_MAX for all: an interpreter is
 * shown to those who may see its process. Returns 1, CALL_IS_PENDING, or a negative errno. */
static int limit_interpreters(struct manager_bus *self, sd_bus_message *call, uint32_t *ret_uid)
{
	int r = sender_get_uid(call, ret_uid);

	if (sender_is_privileged(call)) {
		*ret_uid = UINT32_MAX;
		return 1;
	}
	if (r < 0)
		return r;
	r = authorize(self->authorizer, call, OX_ACTION_QUERY_OTHERS, "others' processes", false);
	if (r > 0)
		*ret_uid = UINT32_MAX;
	return r == 0 ? CALL_IS_PENDING : 1;
}

static int append_interpreter(void *userdata, const struct recorder_interpreter *of)
{
	struct interpreter_reply *interpreters = userdata;
	sd_bus_message *reply = interpreters->reply;
	int r;

	if (interpreters->only_uid != UINT32_MAX && interpreters->only_uid != of->uid)
		return 0;
	if (interpreters->n++ >= OX_INTERPRETERS_IN_STATUS)
		return 0;
	r = sd_bus_message_open_container(reply, 'a', "{sv}");
	r = r < 0 ? r : bus_append_u32(reply, "pid", of->pid);
	r = r < 0 ? r : bus_append_text(reply, "comm", of->comm);
	r = r < 0 ? r : bus_append_text(reply, "name", of->name);
	r = r < 0 ? r : bus_append_text(reply, "file", of->file);
	r = r < 0 ? r : bus_append_text(reply, "state", of->state);
	r = r < 0 ? r : bus_append_text(reply, "note", of->note);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_interpreters(struct manager_bus *self, sd_bus_message *reply, uint32_t only_uid)
{
	struct interpreter_reply interpreters = {.reply = reply, .only_uid = only_uid};
	int r = sd_bus_message_open_container(reply, 'e', "sv");

	r = r < 0 ? r : sd_bus_message_append(reply, "s", "interpreters");
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'v', "aa{sv}");
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "a{sv}");
	r = r < 0 ? r
		  : manager_foreach_interpreter(self->manager, append_interpreter, &interpreters);
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	return r < 0 ? r : bus_append_u32(reply, "interpreters_total", interpreters.n);
}

static int append_status(struct manager_bus *self, sd_bus_message *reply, uint32_t only_uid)
{
	struct manager *manager = self->manager;
	struct recorder_totals totals;
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	manager_get_totals(manager, &totals);
	r = r < 0 ? r : bus_append_text(reply, "state", manager_state(self->manager));
	r = r < 0 ? r : bus_append_text(reply, "mode", manager_mode(manager));
	r = r < 0 ? r : bus_append_u64(reply, "interval_ns", manager_interval_ns(manager));
	r = r < 0 ? r : append_achieved(reply, &totals);
	r = r < 0 ? r : bus_append_u64(reply, "samples", totals.samples);
	r = r < 0 ? r : bus_append_stops(reply, "stacks", totals.stops);
	r = r < 0 ? r : bus_open_counts(reply, "lost");
	r = r < 0 ? r : bus_append_lost(reply, &totals);
	r = r < 0 ? r : bus_close_counts(reply);
	if (r >= 0 && totals.timed_n)
		r = bus_append_double(reply, "sample_cost_ns",
				      (double)totals.timed_ns / totals.timed_n);
	r = r < 0 ? r : append_tables(reply, manager);
	r = r < 0 ? r : append_interpreters(self, reply, only_uid);
	r = r < 0 ? r : bus_append_u64(reply, "daemon_cpu_usec", own_cpu_usec());
	r = r < 0 ? r : bus_append_u64(reply, "running_usec", manager_running_usec(manager));
	r = r < 0 ? r : bus_append_u64(reply, "database_bytes", manager_database_bytes(manager));
	r = r < 0 ? r : bus_append_text(reply, "database_path", manager_database(manager));
	r = r < 0 ? r : bus_append_text(reply, "version", OX_VERSION);
	if (r >= 0 && manager_is_running(manager))
		r = bus_append_u64(reply, "session", totals.session);
	r = r < 0 ? r : bus_append_text(reply, "notice", manager_notice(manager));
	r = r < 0 ? r
		  : bus_append_text(reply, "kernel",
				    manager_kernel_name(manager_get_kernel(manager)));
	if (r >= 0 && manager_loading_usec(manager))
		r = bus_append_u64(reply, "loading_usec", manager_loading_usec(manager));
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_target(sd_bus_message *reply, const struct manager_target_info *info)
{
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	r = r < 0 ? r : bus_append_text(reply, "target", info->text);
	r = r < 0 ? r : bus_append_text(reply, "state", manager_target_state_name(info->state));
	r = r < 0 ? r : bus_append_u32(reply, "owner", info->owner);
	r = r < 0 ? r : bus_append_bool(reply, "children", info->children);
	if (r >= 0 && info->until_usec)
		r = bus_append_u64(reply, "until", info->until_usec);
	r = r < 0 ? r : bus_append_u64(reply, "samples", info->samples);
	r = r < 0 ? r : bus_append_stops(reply, "stacks", info->stops);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int manager_bus_status(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	uint32_t only_uid;
	int r = limit_interpreters(self, call, &only_uid);

	if (r != 1)
		return r;
	manager_refresh(self->manager);
	r = sd_bus_message_new_method_return(call, &reply);
	r = r < 0 ? r : append_status(self, reply, only_uid);
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "a{sv}");
	for (size_t i = 0; i < manager_count_targets(self->manager) && r >= 0; i++) {
		struct manager_target_info info;

		manager_get_target(self->manager, i, &info);
		r = append_target(reply, &info);
	}
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
