/* SPDX-License-Identifier: MIT */
/* Answers on the bus: Query, QueryByFileDescriptor, History, GetStatus. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fcntl.h>

#include "daemon/api.h"
#include "daemon/bus_error.h"
#include "daemon/bus_read.h"
#include "daemon/cleanup.h"
#include "daemon/loss.h"
#include "daemon/manager_bus_private.h"
#include "daemon/users.h"

static int append_text(sd_bus_message *reply, const char *key, const char *text)
{
	return text[0] ? sd_bus_message_append(reply, "{sv}", key, "s", text) : 0;
}

static int append_u64(sd_bus_message *reply, const char *key, uint64_t value)
{
	return sd_bus_message_append(reply, "{sv}", key, "t", value);
}

static int append_double(sd_bus_message *reply, const char *key, double value)
{
	return sd_bus_message_append(reply, "{sv}", key, "d", value);
}

static const char *state_name(const struct manager_bus *self)
{
	return manager_is_running(self->manager) ? "running" : "paused";
}

int query_bus_append_lost(sd_bus_message *reply, const struct recorder_totals *totals)
{
	int r = sd_bus_message_open_container(reply, 'a', "{st}");

	for (unsigned i = 0; i < OX_N_LOSSES && r >= 0; i++)
		if (totals->lost[i])
			r = sd_bus_message_append(reply, "{st}", loss_name(i), totals->lost[i]);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Opens {"lost": variant of a{st}}; what is appended in between are its entries. */
static int open_lost(sd_bus_message *reply)
{
	int r = sd_bus_message_open_container(reply, 'e', "sv");

	r = r < 0 ? r : sd_bus_message_append(reply, "s", "lost");
	return r < 0 ? r : sd_bus_message_open_container(reply, 'v', "a{st}");
}

static int close_lost(sd_bus_message *reply)
{
	int r = sd_bus_message_close_container(reply);

	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- who may see what ---- */

/* Does the question name somebody else's processes? Then it is one that needs the right. */
static bool names_others(const struct question *question, uint32_t uid)
{
	uint32_t user;

	for (size_t i = 0; i < question->n_targets; i++) {
		const struct target *target = &question->targets[i];

		if (target->kind == TARGET_ALL ||
		    (target->kind == TARGET_USER &&
		     (users_find(target_value(target), &user) < 0 || user != uid)))
			return true;
	}
	return false;
}

/* 1, CALL_IS_PENDING, or an error that is set. Without the right, what is the caller's own. */
static int limit_question(struct manager_bus *self, sd_bus_message *call, struct question *question,
			  sd_bus_error *error)
{
	uint32_t uid;
	bool others;
	int r = sender_get_uid(call, &uid);

	if (sender_is_privileged(call))
		return 1;
	if (r < 0)
		return r;
	others = names_others(question, uid);
	r = authorize(self->authorizer, call, OX_ACTION_QUERY_OTHERS, "others' processes", others);
	if (r == 0)
		return CALL_IS_PENDING;
	if (r < 0 && others)
		return bus_error_refuse(error, r, "see what others' processes do");
	if (r < 0)
		question->only_uid = uid;
	r = authorize(self->authorizer, call, OX_ACTION_PROFILE_KERNEL, "kernel stacks", false);
	if (r == 0)
		return CALL_IS_PENDING;
	question->without_kernel = r < 0;
	return 1;
}

/* 1: the answer is there, to be cleared. */
static int answer_call(struct manager_bus *self, sd_bus_message *call, struct answer *ret,
		       sd_bus_error *error)
{
	_cleanup_free_ struct target *targets = NULL;
	struct question question;
	struct failure failure;
	int r = bus_read_question(call, &question, &targets, error);

	r = r < 0 ? r : limit_question(self, call, &question, error);
	if (r != 1)
		return r;
	r = manager_query(self->manager, &question, ret, &failure);
	return r < 0 ? bus_error_set(error, &failure) : 1;
}

/* ---- Query ---- */

static int append_summary(struct manager_bus *self, sd_bus_message *reply,
			  const struct answer *answer)
{
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	r = r < 0 ? r : append_text(reply, "state", state_name(self));
	r = r < 0 ? r : append_u64(reply, "since", answer->since_usec);
	r = r < 0 ? r : append_u64(reply, "until", answer->until_usec);
	r = r < 0 ? r : append_u64(reply, "interval_ns", manager_interval_ns(self->manager));
	r = r < 0 ? r : append_u64(reply, "samples", answer->samples);
	r = r < 0 ? r : append_u64(reply, "distinct", answer->distinct);
	r = r < 0 ? r : sd_bus_message_append(reply, "{sv}", "restricted", "b", answer->restricted);
	r = r < 0 ? r : open_lost(reply);
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "{st}");
	for (size_t i = 0; i < answer->n_lost && r >= 0; i++)
		r = sd_bus_message_append(reply, "{st}", answer->lost[i].reason, answer->lost[i].n);
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	r = r < 0 ? r : close_lost(reply);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_record(sd_bus_message *reply, const struct record *record, uint64_t samples)
{
	double all = samples ? samples : 1;
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	r = r < 0 ? r : append_text(reply, "name", record->name);
	r = r < 0 ? r : append_text(reply, "function", record->function);
	r = r < 0 ? r : append_text(reply, "module", record->module);
	r = r < 0 ? r : append_text(reply, "file", record->file);
	r = r < 0 ? r : append_text(reply, "kind", record->kind);
	if (r >= 0 && record->line)
		r = sd_bus_message_append(reply, "{sv}", "line", "u", record->line);
	if (r >= 0 && record->pid)
		r = sd_bus_message_append(reply, "{sv}", "pid", "u", record->pid);
	if (r >= 0 && record->tid)
		r = sd_bus_message_append(reply, "{sv}", "tid", "u", record->tid);
	r = r < 0 ? r : append_u64(reply, "self", record->self);
	r = r < 0 ? r : append_u64(reply, "total", record->total);
	r = r < 0 ? r : append_double(reply, "self_share", record->self / all);
	r = r < 0 ? r : append_double(reply, "total_share", record->total / all);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_answer(struct manager_bus *self, sd_bus_message *call, const struct answer *answer)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(call, &reply);

	r = r < 0 ? r : append_summary(self, reply, answer);
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "a{sv}");
	for (size_t i = 0; i < answer->n_records && r >= 0; i++)
		r = append_record(reply, &answer->records[i], answer->samples);
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int query_bus_query(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	struct answer answer;
	int r = answer_call(self, call, &answer, error);

	if (r != 1)
		return r;
	/* A message that is too large gets the daemon thrown off the bus. */
	if (answer.n_records > OX_RECORDS_IN_MESSAGE)
		r = sd_bus_error_setf(error, OX_ERROR_LIMIT_REACHED,
				      "%zu records are too many for one message: set max, or use "
				      "QueryByFileDescriptor",
				      answer.n_records);
	else
		r = reply_answer(self, call, &answer);
	answer_done(&answer);
	return r < 0 ? r : 1;
}

/* A sealed file in memory: what the client maps or reads cannot change under it. */
static int make_json(struct manager_bus *self, const struct answer *answer)
{
	_cleanup_close_ int fd = memfd_create("oxprof-answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0), r;
	FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

	if (!out) {
		r = -errno;
		cleanup_close(&copy);
		return r;
	}
	r = answer_write_json(answer, state_name(self), manager_interval_ns(self->manager), out);
	if (fclose(out) && r >= 0)
		r = -EIO;
	if (r >= 0 &&
	    (lseek(fd, 0, SEEK_SET) < 0 ||
	     fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0))
		r = -errno;
	return r < 0 ? r : take_fd(&fd);
}

int query_bus_query_fd(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_close_ int fd = -1;
	struct answer answer;
	int r = answer_call(self, call, &answer, error);

	if (r != 1)
		return r;
	fd = make_json(self, &answer);
	answer_done(&answer);
	return fd < 0 ? fd : sd_bus_reply_method_return(call, "h", fd);
}

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
	r = r < 0 ? r : append_u64(reply, "id", session->id);
	r = r < 0 ? r : append_u64(reply, "started", session->started_usec);
	if (r >= 0 && session->ended_usec)
		r = append_u64(reply, "ended", session->ended_usec);
	r = r < 0 ? r : append_text(reply, "mode", session->mode);
	r = r < 0 ? r : append_u64(reply, "interval_ns", session->interval_ns);
	r = r < 0 ? r : append_targets(reply, session->targets);
	r = r < 0 ? r : append_u64(reply, "samples", session->samples);
	r = r < 0 ? r : open_lost(reply);
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "{st}");
	r = r < 0 ? r
		  : manager_foreach_session_loss(history->self->manager, session->id, append_loss,
						 reply);
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	r = r < 0 ? r : close_lost(reply);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int query_bus_history(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_free_ struct target *targets = NULL;
	struct history history = {.self = self};
	struct question question;
	struct failure failure;
	int r = bus_read_question(call, &question, &targets, error);

	r = r < 0 ? r : limit_question(self, call, &question, error);
	if (r != 1)
		return r;
	r = sd_bus_message_new_method_return(call, &reply);
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "a{sv}");
	if (r < 0)
		return r;
	history.reply = reply;
	/* A row is about 300 bytes: a message holds so many sessions. */
	history.max = question.max && question.max < OX_RECORDS_IN_MESSAGE ? question.max
									   : OX_RECORDS_IN_MESSAGE;
	r = manager_foreach_session(self->manager, question.range.since_usec,
				    question.range.until_usec, question.only_uid, append_session,
				    &history, &failure);
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

/* Mean and standard deviation of the interval between ticks, from their deviations. */
static int append_achieved(sd_bus_message *reply, const struct recorder_totals *totals,
			   uint64_t interval_ns)
{
	double n = totals->gap_n, mean, variance;
	int r;

	if (!totals->gap_n)
		return 0;
	mean = totals->gap_sum_ns / n;
	variance = totals->gap_squares_ns / n - mean * mean;
	r = append_double(reply, "achieved_mean_ns", interval_ns + mean);
	return r < 0 ? r
		     : append_double(reply, "achieved_sd_ns", sqrt(variance > 0 ? variance : 0));
}

static int append_status(struct manager_bus *self, sd_bus_message *reply)
{
	struct manager *manager = self->manager;
	struct recorder_totals totals;
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	manager_get_totals(manager, &totals);
	r = r < 0 ? r : append_text(reply, "state", state_name(self));
	r = r < 0 ? r : append_text(reply, "mode", manager_mode(manager));
	r = r < 0 ? r : append_u64(reply, "interval_ns", manager_interval_ns(manager));
	r = r < 0 ? r : append_achieved(reply, &totals, manager_interval_ns(manager));
	r = r < 0 ? r : append_u64(reply, "samples", totals.samples);
	r = r < 0 ? r : open_lost(reply);
	r = r < 0 ? r : query_bus_append_lost(reply, &totals);
	r = r < 0 ? r : close_lost(reply);
	if (r >= 0 && totals.timed_n)
		r = append_double(reply, "sample_cost_ns",
				  (double)totals.timed_ns / totals.timed_n);
	r = r < 0 ? r : append_u64(reply, "daemon_cpu_usec", own_cpu_usec());
	r = r < 0 ? r : append_u64(reply, "running_usec", manager_running_usec(manager));
	r = r < 0 ? r : append_u64(reply, "database_bytes", manager_database_bytes(manager));
	r = r < 0 ? r : append_text(reply, "database_path", manager_database(manager));
	r = r < 0 ? r : append_text(reply, "version", OX_VERSION);
	if (r >= 0 && manager_is_running(manager))
		r = append_u64(reply, "session", totals.session);
	r = r < 0 ? r : append_text(reply, "notice", manager_notice(manager));
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_target(sd_bus_message *reply, const struct manager_target_info *info)
{
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	r = r < 0 ? r : append_text(reply, "target", info->text);
	r = r < 0 ? r : append_text(reply, "state", manager_target_state_name(info->state));
	r = r < 0 ? r : sd_bus_message_append(reply, "{sv}", "owner", "u", info->owner);
	r = r < 0 ? r : sd_bus_message_append(reply, "{sv}", "children", "b", info->children);
	if (r >= 0 && info->until_usec)
		r = append_u64(reply, "until", info->until_usec);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int query_bus_status(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(call, &reply);

	manager_refresh(self->manager);
	r = r < 0 ? r : append_status(self, reply);
	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "a{sv}");
	for (size_t i = 0; i < manager_count_targets(self->manager) && r >= 0; i++) {
		struct manager_target_info info;

		manager_get_target(self->manager, i, &info);
		r = append_target(reply, &info);
	}
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
