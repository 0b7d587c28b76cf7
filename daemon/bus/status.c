/* SPDX-License-Identifier: MIT */
/* The methods History and GetStatus. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/bus/internal.h"
#include "daemon/bus/reply.h"

/* ---- History ---- */

struct history_reply {
	struct manager_bus *self;
	sd_bus_message *reply;
	uint32_t max;
	uint32_t n; /* sessions that were found */
};

static int append_loss(void *userdata, const char *reason, uint64_t n)
{
	return sd_bus_message_append(userdata, "{st}", reason, n);
}

static int append_target_texts(sd_bus_message *reply, char *targets)
{
	char *rest = NULL;
	int r = sd_bus_message_open_container(reply, 'a', "s");

	if (r < 0)
		return r;
	for (char *text = strtok_r(targets, " ", &rest); text; text = strtok_r(NULL, " ", &rest)) {
		target_unescape(text);
		r = sd_bus_message_append(reply, "s", text);
		if (r < 0)
			return r;
	}
	return sd_bus_message_close_container(reply);
}

static int append_targets(sd_bus_message *reply, const char *targets)
{
	_cleanup_free_ char *copy = strdup(targets);
	int r;

	if (!copy)
		return -ENOMEM;
	r = bus_open_entry(reply, "targets", "as");
	if (r < 0)
		return r;
	r = append_target_texts(reply, copy);
	return r < 0 ? r : bus_close_entry(reply);
}

static int append_losses(const struct history_reply *history, int64_t session)
{
	int r = bus_open_counts(history->reply, "lost");

	if (r < 0)
		return r;
	r = manager_foreach_session_loss(history->self->manager, session, append_loss,
					 history->reply);
	return r < 0 ? r : bus_close_counts(history->reply);
}

static int append_session(void *userdata, const struct store_session *session)
{
	struct history_reply *history = userdata;
	sd_bus_message *reply = history->reply;
	const struct bus_entry entries[] = {
		bus_u64("id", session->id),
		bus_u64("started", session->started_usec),
		bus_known_u64("ended", session->ended_usec),
		bus_text("mode", session->mode),
		bus_u64("interval_ns", session->interval_ns),
	};
	int r;

	if (history->n++ >= history->max)
		return 0;
	r = sd_bus_message_open_container(reply, 'a', "{sv}");
	if (r < 0)
		return r;
	r = bus_append_entries(reply, entries, array_length(entries));
	if (r < 0)
		return r;
	r = append_targets(reply, session->targets);
	if (r < 0)
		return r;
	r = bus_append(reply, bus_u64("samples", session->samples));
	if (r < 0)
		return r;
	r = bus_append(reply, bus_u32("owner", session->owner));
	if (r < 0)
		return r;
	r = append_losses(history, session->id);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_history(struct history_reply *history, const struct history_options *options,
			  const struct manager_scope *scope, sd_bus_error *error)
{
	const struct store_range range = {
		.since_usec = options->since_usec,
		.until_usec = options->until_usec,
		.session = scope->session,
		.owner = scope->owner,
	};
	struct failure failure;
	int r = sd_bus_message_open_container(history->reply, 'a', "a{sv}");

	if (r < 0)
		return r;
	/* A row is about 300 bytes, so a message holds this many sessions. */
	history->max = options->max && options->max < OX_RECORDS_IN_MESSAGE ? options->max
									    : OX_RECORDS_IN_MESSAGE;
	r = manager_foreach_session(history->self->manager, &range, append_session, history,
				    &failure);
	if (r < 0)
		return bus_error_set(error, &failure);
	if (scope->session && !history->n)
		return sd_bus_error_setf(error, OX_ERROR_INVALID_ARGUMENT,
					 "there is no session %" PRId64 " in that time",
					 scope->session);
	return sd_bus_message_close_container(history->reply);
}

int manager_bus_history(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct history_reply history = {.self = self};
	struct history_options options;
	struct manager_scope scope;
	int r = bus_read_history(call, &options, error);

	if (r < 0)
		return r;
	r = manager_bus_find_scope(self, call, &options.scope, OX_ACTION_QUERY_OTHERS,
				   "see what others profile", &scope, error);
	if (r != 1)
		return r;
	if (!waiting_fresh_add(&self->fresh, self->manager, call))
		return CALL_IS_PENDING;
	r = sd_bus_message_new_method_return(call, &reply);
	if (r < 0)
		return r;
	history.reply = reply;
	r = append_history(&history, &options, &scope, error);
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

struct achieved {
	double mean_ns, sd_ns; /* no numbers where no tick came */
};

/* Returns mean and standard deviation of the interval between ticks, from the sums of their
 * deviations. */
static struct achieved find_achieved(const struct recorder_totals *totals)
{
	double n = totals->gap_n, mean, variance;

	if (!totals->gap_n)
		return (struct achieved){NAN, NAN};
	mean = totals->gap_sum_ns / n;
	variance = totals->gap_squares_ns / n - mean * mean;
	return (struct achieved){totals->interval_ns + mean, sqrt(variance > 0 ? variance : 0)};
}

static int append_tables(sd_bus_message *reply, const struct unwinder_state *tables)
{
	const struct bus_entry entries[] = {
		bus_u64("unwind_bytes", tables->bytes),
		bus_u64("unwind_budget_bytes", tables->budget_bytes),
		bus_u32("unwind_tables", tables->n_tables),
		bus_u32("unwind_waiting", tables->n_waiting),
		bus_u32("unwind_refused", tables->n_refused),
		bus_u32("unwind_evicted", tables->n_evicted),
	};

	return bus_append_entries(reply, entries, array_length(entries));
}

struct interpreter_reply {
	sd_bus_message *reply;
	uint32_t only_uid; /* UINT32_MAX: everybody's */
	uint32_t n;
};

static int append_interpreter(void *userdata, const struct recorder_interpreter *of)
{
	struct interpreter_reply *interpreters = userdata;
	sd_bus_message *reply = interpreters->reply;
	const struct bus_entry entries[] = {
		bus_u32("pid", of->pid),      bus_text("comm", of->comm),
		bus_text("name", of->name),   bus_text("file", of->file),
		bus_text("state", of->state), bus_text("note", of->note),
	};
	int r;

	if (interpreters->only_uid != UINT32_MAX && interpreters->only_uid != of->owner)
		return 0;
	if (interpreters->n++ >= OX_INTERPRETERS_IN_STATUS)
		return 0;
	r = sd_bus_message_open_container(reply, 'a', "{sv}");
	if (r < 0)
		return r;
	r = bus_append_entries(reply, entries, array_length(entries));
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_interpreters(struct manager_bus *self, sd_bus_message *reply, uint32_t only_uid)
{
	struct interpreter_reply interpreters = {.reply = reply, .only_uid = only_uid};
	int r = bus_open_entry(reply, "interpreters", "aa{sv}");

	if (r < 0)
		return r;
	r = sd_bus_message_open_container(reply, 'a', "a{sv}");
	if (r < 0)
		return r;
	r = manager_foreach_interpreter(self->manager, append_interpreter, &interpreters);
	if (r < 0)
		return r;
	r = sd_bus_message_close_container(reply);
	if (r < 0)
		return r;
	r = bus_close_entry(reply);
	return r < 0 ? r : bus_append(reply, bus_u32("interpreters_total", interpreters.n));
}

static int append_lost(sd_bus_message *reply, const struct recorder_totals *totals)
{
	int r = bus_open_counts(reply, "lost");

	if (r < 0)
		return r;
	r = bus_append_lost(reply, totals);
	return r < 0 ? r : bus_close_counts(reply);
}

/* A status on its way to the caller. */
struct status_reply {
	const struct manager *manager;
	sd_bus_message *reply;
	struct manager_scope scope;
	uint32_t uid;      /* the caller */
	uint32_t only_uid; /* whose processes alone the caller may see; UINT32_MAX: all */
	/* The session that the sums are of: the newest that runs, else the last one; {0}: none. */
	struct manager_session_info session;
	uint32_t n_others; /* sessions of others that run */
};

static const char *name_state(const struct manager_session_info *session)
{
	return session->is_running ? "running" : "paused";
}

/* Appends the figures that a session has; those that come between "achieved_sd_ns" and "lost". */
static int append_figures(sd_bus_message *reply, const struct recorder_totals *totals)
{
	const struct achieved achieved = find_achieved(totals);
	const struct bus_entry entries[] = {
		bus_double("achieved_mean_ns", achieved.mean_ns),
		bus_double("achieved_sd_ns", achieved.sd_ns),
		bus_u64("samples", totals->samples),
	};
	int r = bus_append_entries(reply, entries, array_length(entries));

	if (r < 0)
		return r;
	r = bus_append_stops(reply, "stacks", totals->stops);
	return r < 0 ? r : append_lost(reply, totals);
}

/* Appends the sums of the session that the status is about. */
static int append_sums(const struct status_reply *status)
{
	const struct recorder_totals *totals = &status->session.totals;
	const double cost_ns = totals->timed_n ? (double)totals->timed_ns / totals->timed_n : NAN;
	const struct bus_entry entries[] = {
		bus_text("state", name_state(&status->session)),
		bus_text("mode", manager_mode(status->manager)),
		bus_u64("interval_ns", status->session.is_running
					       ? status->session.interval_ns
					       : manager_interval_ns(status->manager, status->uid)),
	};
	int r = bus_append_entries(status->reply, entries, array_length(entries));

	if (r < 0)
		return r;
	r = append_figures(status->reply, totals);
	return r < 0 ? r : bus_append(status->reply, bus_double("sample_cost_ns", cost_ns));
}

/* Appends the state of the daemon itself. */
static int append_daemon(const struct status_reply *status)
{
	const struct manager *manager = status->manager;
	const struct manager_session_info *session = &status->session;
	const struct bus_entry entries[] = {
		bus_u64("daemon_cpu_usec", own_cpu_usec()),
		bus_u64("running_usec", session->running_usec),
		bus_u64("database_bytes", manager_database_bytes(manager)),
		bus_text("database_path", manager_database(manager)),
		bus_text("version", OX_VERSION),
		bus_known_u64("session", session->is_running ? (uint64_t)session->session : 0),
		bus_text("notice", manager_notice(manager)),
		bus_text("kernel", manager_kernel_name(manager_get_kernel(manager))),
		bus_known_u64("loading_usec", manager_loading_usec(manager)),
		bus_known_u64("database_max_bytes", manager_database_limit(manager)),
		bus_known_u64("history_since", manager_history_since(manager)),
	};

	return bus_append_entries(status->reply, entries, array_length(entries));
}

static int append_order(void *userdata, const struct manager_session_info *info)
{
	const struct status_reply *status = userdata;
	sd_bus_message *reply = status->reply;
	const struct bus_entry entries[] = {
		bus_known_u64("session", info->is_running ? (uint64_t)info->session : 0),
		bus_u32("owner", info->owner),
		bus_text("state", name_state(info)),
		bus_u64("interval_ns", info->interval_ns),
		bus_u64("running_usec", info->running_usec),
	};
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	if (r < 0)
		return r;
	r = bus_append_entries(reply, entries, array_length(entries));
	if (r < 0)
		return r;
	r = append_figures(reply, &info->totals);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int count_other(void *userdata, const struct manager_session_info *info)
{
	struct status_reply *status = userdata;

	status->n_others += info->is_running && info->owner != status->uid;
	return 0;
}

/* Appends the sessions of the scope, and to those who may see them how many of others run. */
static int append_orders(struct status_reply *status)
{
	const struct manager_scope all = {.owner = UINT32_MAX};
	int r = bus_open_entry(status->reply, "sessions", "aa{sv}");

	if (r < 0)
		return r;
	r = sd_bus_message_open_container(status->reply, 'a', "a{sv}");
	if (r < 0)
		return r;
	r = manager_foreach_managed_session(status->manager, &status->scope, append_order, status);
	if (r < 0)
		return r;
	r = sd_bus_message_close_container(status->reply);
	if (r < 0)
		return r;
	r = bus_close_entry(status->reply);
	if (r < 0 || status->only_uid != UINT32_MAX || status->scope.owner == UINT32_MAX)
		return r;
	(void)manager_foreach_managed_session(status->manager, &all, count_other, status);
	return bus_append(status->reply, bus_u32("other_sessions", status->n_others));
}

static int append_target(void *userdata, const struct manager_target_info *info)
{
	sd_bus_message *reply = ((const struct status_reply *)userdata)->reply;
	const struct bus_entry entries[] = {
		bus_text("target", info->text),
		bus_text("state", manager_target_state_name(info->state)),
		bus_u32("owner", info->owner),
		bus_bool("children", info->children),
		bus_known_u64("until", info->until_usec),
		bus_u64("samples", info->samples),
		bus_known_u64("session", (uint64_t)info->session),
	};
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	if (r < 0)
		return r;
	r = bus_append_entries(reply, entries, array_length(entries));
	if (r < 0)
		return r;
	r = bus_append_stops(reply, "stacks", info->stops);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_all_targets(struct status_reply *status)
{
	int r = sd_bus_message_open_container(status->reply, 'a', "a{sv}");

	if (r < 0)
		return r;
	r = manager_foreach_target(status->manager, &status->scope, append_target, status);
	return r < 0 ? r : sd_bus_message_close_container(status->reply);
}

static int append_status(struct manager_bus *self, struct status_reply *status)
{
	struct unwinder_state tables;
	int r = sd_bus_message_open_container(status->reply, 'a', "{sv}");

	if (r < 0)
		return r;
	manager_get_tables(self->manager, &tables);
	r = append_sums(status);
	if (r < 0)
		return r;
	r = append_tables(status->reply, &tables);
	if (r < 0)
		return r;
	r = append_interpreters(self, status->reply, status->only_uid);
	if (r < 0)
		return r;
	r = append_orders(status);
	if (r < 0)
		return r;
	r = append_daemon(status);
	return r < 0 ? r : sd_bus_message_close_container(status->reply);
}

/* Reads whose status is asked for, and what of it the caller may see. Returns 1, CALL_IS_PENDING,
 * or a negative errno with the error set. */
static int read_status_call(struct manager_bus *self, sd_bus_message *call,
			    struct status_reply *status, sd_bus_error *error)
{
	struct bus_scope asked;
	int r = bus_read_scope(call, &asked, error);

	if (r < 0)
		return r;
	r = sender_get_uid(call, &status->uid);
	if (r < 0)
		return r;
	r = manager_bus_find_scope(self, call, &asked, OX_ACTION_QUERY_OTHERS,
				   "see what others profile", &status->scope, error);
	return r != 1 ? r : manager_bus_limit_sight(self, call, &status->only_uid);
}

/* Finds the session that the status is about. */
static int find_session(struct status_reply *status, sd_bus_error *error)
{
	if (manager_get_session(status->manager, &status->scope, &status->session) ||
	    !status->scope.session)
		return 1;
	return sd_bus_error_setf(error, OX_ERROR_INVALID_ARGUMENT,
				 "there is no session %" PRId64
				 " that runs or can be resumed; see oxprofctl history",
				 status->scope.session);
}

int manager_bus_status(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct status_reply status = {.manager = self->manager};
	int r = read_status_call(self, call, &status, error);

	if (r != 1)
		return r;
	if (!waiting_fresh_add(&self->fresh, self->manager, call))
		return CALL_IS_PENDING;
	r = find_session(&status, error);
	if (r < 0)
		return r;
	r = sd_bus_message_new_method_return(call, &reply);
	if (r < 0)
		return r;
	status.reply = reply;
	r = append_status(self, &status);
	if (r < 0)
		return r;
	r = append_all_targets(&status);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
