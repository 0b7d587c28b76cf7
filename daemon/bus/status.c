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

struct history_reply {
	struct manager_bus *self;
	sd_bus_message *reply;
	uint32_t max;
	uint32_t n;
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

	if (history->max && history->n++ >= history->max)
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
	r = append_losses(history, session->id);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int manager_bus_history(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_free_ struct target *targets = NULL;
	struct history_reply history = {.self = self};
	struct query query;
	struct failure failure;
	int r = manager_bus_read_query(self, call, &query, &targets, error);

	if (r != 1)
		return r;
	r = sd_bus_message_new_method_return(call, &reply);
	if (r < 0)
		return r;
	r = sd_bus_message_open_container(reply, 'a', "a{sv}");
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
	const struct bus_entry entries[] = {
		bus_u32("pid", of->pid),      bus_text("comm", of->comm),
		bus_text("name", of->name),   bus_text("file", of->file),
		bus_text("state", of->state), bus_text("note", of->note),
	};
	int r;

	if (interpreters->only_uid != UINT32_MAX && interpreters->only_uid != of->uid)
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

/* Appends the sums of the session that runs, or of the last one. */
static int append_sums(sd_bus_message *reply, const struct manager *manager,
		       const struct recorder_totals *totals)
{
	const struct achieved achieved = find_achieved(totals);
	const double cost_ns = totals->timed_n ? (double)totals->timed_ns / totals->timed_n : NAN;
	const struct bus_entry entries[] = {
		bus_text("state", manager_state(manager)),
		bus_text("mode", manager_mode(manager)),
		bus_u64("interval_ns", manager_interval_ns(manager)),
		bus_double("achieved_mean_ns", achieved.mean_ns),
		bus_double("achieved_sd_ns", achieved.sd_ns),
		bus_u64("samples", totals->samples),
	};
	int r = bus_append_entries(reply, entries, array_length(entries));

	if (r < 0)
		return r;
	r = bus_append_stops(reply, "stacks", totals->stops);
	if (r < 0)
		return r;
	r = append_lost(reply, totals);
	return r < 0 ? r : bus_append(reply, bus_double("sample_cost_ns", cost_ns));
}

/* Appends the state of the daemon itself. */
static int append_daemon(sd_bus_message *reply, const struct manager *manager, uint64_t session)
{
	const struct bus_entry entries[] = {
		bus_u64("daemon_cpu_usec", own_cpu_usec()),
		bus_u64("running_usec", manager_running_usec(manager)),
		bus_u64("database_bytes", manager_database_bytes(manager)),
		bus_text("database_path", manager_database(manager)),
		bus_text("version", OX_VERSION),
		bus_known_u64("session", manager_is_running(manager) ? session : 0),
		bus_text("notice", manager_notice(manager)),
		bus_text("kernel", manager_kernel_name(manager_get_kernel(manager))),
		bus_known_u64("loading_usec", manager_loading_usec(manager)),
	};

	return bus_append_entries(reply, entries, array_length(entries));
}

static int append_status(struct manager_bus *self, sd_bus_message *reply, uint32_t only_uid)
{
	struct recorder_totals totals;
	struct unwinder_state tables;
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	if (r < 0)
		return r;
	manager_get_totals(self->manager, &totals);
	manager_get_tables(self->manager, &tables);
	r = append_sums(reply, self->manager, &totals);
	if (r < 0)
		return r;
	r = append_tables(reply, &tables);
	if (r < 0)
		return r;
	r = append_interpreters(self, reply, only_uid);
	if (r < 0)
		return r;
	r = append_daemon(reply, self->manager, totals.session);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_target(sd_bus_message *reply, const struct manager_target_info *info)
{
	const struct bus_entry entries[] = {
		bus_text("target", info->text),
		bus_text("state", manager_target_state_name(info->state)),
		bus_u32("owner", info->owner),
		bus_bool("children", info->children),
		bus_known_u64("until", info->until_usec),
		bus_u64("samples", info->samples),
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

static int append_all_targets(sd_bus_message *reply, const struct manager *manager)
{
	int r = sd_bus_message_open_container(reply, 'a', "a{sv}");

	if (r < 0)
		return r;
	for (size_t i = 0; i < manager_count_targets(manager); i++) {
		struct manager_target_info info;

		manager_get_target(manager, i, &info);
		r = append_target(reply, &info);
		if (r < 0)
			return r;
	}
	return sd_bus_message_close_container(reply);
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
	if (r < 0)
		return r;
	r = append_status(self, reply, only_uid);
	if (r < 0)
		return r;
	r = append_all_targets(reply, self->manager);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
