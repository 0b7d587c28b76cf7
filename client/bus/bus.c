/* SPDX-License-Identifier: MIT */
#include "client/bus/bus.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "client/bus/value.h"
#include "daemon/base/api.h"
#include "daemon/base/clock.h"
#include "daemon/base/result_fields.h"

/* Limits: for a long answer from a slow disk, and for a person who has to type a password. */
#define TIMEOUT_USEC          UINT64_C(90000000)
#define TIMEOUT_QUESTION_USEC UINT64_C(300000000)
/* Limit for work that takes some seconds for each of very many files. */
#define TIMEOUT_WORK_USEC UINT64_C(3600000000)

struct bus {
	sd_bus *bus;
	bool questions;
	bool may_not_start;
	uint64_t timeout_usec;
	bus_waiting_fn on_waiting;
	void *waiting_userdata;
	sd_bus_error error;
};

define_cleanup(sd_bus_message *, sd_bus_message_unref);
#define _cleanup_message_ _cleanup_(sd_bus_message_unref_p)

static struct bus *bus_new(void)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	if (bus)
		bus->timeout_usec = TIMEOUT_USEC;
	return bus;
}

struct bus *bus_close(struct bus *bus)
{
	if (bus) {
		sd_bus_error_free(&bus->error);
		sd_bus_flush_close_unref(bus->bus);
		free(bus);
	}
	return NULL;
}

define_cleanup(struct bus *, bus_close);

int bus_open(struct bus **ret)
{
	_cleanup_(bus_close_p) struct bus *bus = bus_new();

	if (!bus)
		return -ENOMEM;
	TRY(sd_bus_open_system(&bus->bus));
	*ret = take_ptr(bus);
	return 0;
}

int bus_open_peer(int fd, struct bus **ret)
{
	_cleanup_(bus_close_p) struct bus *bus = bus_new();

	assert(fd >= 0);
	if (!bus || sd_bus_new(&bus->bus) < 0) {
		close(fd);
		return -ENOMEM;
	}
	TRY(sd_bus_set_fd(bus->bus, fd, fd));
	TRY(sd_bus_start(bus->bus));
	*ret = take_ptr(bus);
	return 0;
}

int bus_open_direct(struct bus **ret)
{
	const struct sockaddr_un address = {AF_UNIX, OX_DIRECT_PATH};
	_cleanup_close_ int fd = -1;

	if (geteuid() != 0)
		return -EACCES;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return bus_open_peer(take_fd(&fd), ret);
}

sd_bus *bus_connection(struct bus *bus)
{
	return bus->bus;
}

void bus_allow_questions(struct bus *bus)
{
	bus->questions = true;
}

void bus_forbid_questions(struct bus *bus)
{
	bus->questions = false;
}

void bus_forbid_start(struct bus *bus)
{
	bus->may_not_start = true;
}

void bus_set_timeout(struct bus *bus, uint64_t usec)
{
	assert(usec > 0); /* sd-bus takes 0 for its own default */
	bus->timeout_usec = usec;
}

void bus_on_waiting(struct bus *bus, bus_waiting_fn fn, void *userdata)
{
	bus->on_waiting = fn;
	bus->waiting_userdata = userdata;
}

const char *bus_get_error(const struct bus *bus)
{
	return bus->error.name;
}

const char *bus_get_error_text(const struct bus *bus)
{
	return bus->error.message;
}

bool bus_needs_questions(const struct bus *bus)
{
	return sd_bus_error_has_name(&bus->error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
}

/* True if the last call failed for want of a right. */
static bool bus_is_refused(const struct bus *bus)
{
	return bus_needs_questions(bus) ||
	       sd_bus_error_has_name(&bus->error, OX_ERROR_NOT_PERMITTED);
}

static int new_call(struct bus *bus, const char *method, sd_bus_message **ret)
{
	return sd_bus_message_new_method_call(bus->bus, ret, OX_BUS_NAME, OX_BUS_PATH,
					      OX_BUS_INTERFACE, method);
}

/* Sends a call and waits for the reply. ret may be NULL. */
static int send_call_for(struct bus *bus, sd_bus_message *message, uint64_t timeout_usec,
			 sd_bus_message **ret)
{
	sd_bus_error_free(&bus->error);
	TRY(sd_bus_message_set_allow_interactive_authorization(message, bus->questions));
	TRY(sd_bus_message_set_auto_start(message, !bus->may_not_start));
	TRY(sd_bus_call(bus->bus, message, timeout_usec, &bus->error, ret));
	return 0;
}

static int send_call(struct bus *bus, sd_bus_message *message, sd_bus_message **ret)
{
	return send_call_for(bus, message,
			     bus->questions ? TIMEOUT_QUESTION_USEC : bus->timeout_usec, ret);
}

/* Arguments. */

static int append_text(sd_bus_message *message, const char *key, const char *value)
{
	return value ? sd_bus_message_append(message, "{sv}", key, "s", value) : 0;
}

static int append_u64(sd_bus_message *message, const char *key, uint64_t value)
{
	return sd_bus_message_append(message, "{sv}", key, "t", value);
}

static int append_targets(sd_bus_message *message, const struct request *request)
{
	return sd_bus_message_append_strv(message, request->targets);
}

static int append_target_field(sd_bus_message *message, const struct request *request)
{
	if (request->n_targets == 0)
		return 0;
	TRY(sd_bus_message_open_container(message, 'e', "sv"));
	TRY(sd_bus_message_append(message, "s", "targets"));
	TRY(sd_bus_message_open_container(message, 'v', "as"));
	TRY(append_targets(message, request));
	TRY(sd_bus_message_close_container(message));
	return sd_bus_message_close_container(message);
}

static int append_unpause_options(sd_bus_message *message, const struct request *request)
{
	TRY(sd_bus_message_open_container(message, 'a', "{sv}"));
	TRY(append_text(message, "mode", request->mode));
	if (request->interval_ns)
		TRY(sd_bus_message_append(message, "{sv}", "interval", "d",
					  (double)request->interval_ns / 1e9));
	if (request->for_usec)
		TRY(append_u64(message, "for", request->for_usec));
	if (request->children)
		TRY(sd_bus_message_append(message, "{sv}", "children", "b", 1));
	return sd_bus_message_close_container(message);
}

/* Appends the options that query and history have in common. The container stays open. Session 0
 * is all of them; without one the daemon chooses. */
static int append_window(sd_bus_message *message, const struct request *request)
{
	const struct window *window = &request->window;

	TRY(sd_bus_message_open_container(message, 'a', "{sv}"));
	if (window->since_usec > 0)
		TRY(append_u64(message, "since", window->since_usec));
	if (window->until_usec < UINT64_MAX)
		TRY(append_u64(message, "until", window->until_usec));
	if (window->session || window->all_sessions)
		TRY(sd_bus_message_append(message, "{sv}", "session", "x", window->session));
	return 0;
}

static int append_all_users(sd_bus_message *message, const struct request *request)
{
	return request->all_users ? sd_bus_message_append(message, "{sv}", "all_users", "b", 1) : 0;
}

/* True if the request is not about all of the user's own sessions. */
static bool has_scope(const struct request *request)
{
	return request && (request->all_users || request->window.session);
}

/* Appends the sessions that a call is about. */
static int append_scope(sd_bus_message *message, const struct request *request)
{
	TRY(sd_bus_message_open_container(message, 'a', "{sv}"));
	TRY(append_all_users(message, request));
	if (request->window.session)
		TRY(sd_bus_message_append(message, "{sv}", "session", "x",
					  request->window.session));
	return sd_bus_message_close_container(message);
}

static int append_max(sd_bus_message *message, const struct request *request)
{
	return request->has_max ? sd_bus_message_append(message, "{sv}", "max", "u", request->max)
				: 0;
}

static int append_filter(sd_bus_message *message, const struct request *request)
{
	TRY(append_window(message, request));
	TRY(append_text(message, "filter", request->filter));
	TRY(append_text(message, "kind", request->kind));
	return append_target_field(message, request);
}

static int append_export(sd_bus_message *message, const struct request *request,
			 const struct bus_export_options *options)
{
	TRY(append_filter(message, request));
	TRY(append_text(message, "focus", request->focus));
	if (options->step_usec)
		TRY(append_u64(message, "step", options->step_usec));
	TRY(sd_bus_message_open_container(message, 'e', "sv"));
	TRY(sd_bus_message_append(message, "s", "dimensions"));
	TRY(sd_bus_message_open_container(message, 'v', "as"));
	TRY(sd_bus_message_open_container(message, 'a', "s"));
	if (options->stacks)
		TRY(sd_bus_message_append(message, "s", "stack"));
	if (options->tasks)
		TRY(sd_bus_message_append(message, "s", "task"));
	if (options->slots)
		TRY(sd_bus_message_append(message, "s", "time"));
	TRY(sd_bus_message_close_container(message));
	TRY(sd_bus_message_close_container(message));
	TRY(sd_bus_message_close_container(message));
	return sd_bus_message_close_container(message);
}

/* Answers. */

static const char *const answer_keys[] = {RESULT_SUMMARY_FIELDS(RESULT_KEY) NULL};
static const char *const record_keys[] = {RESULT_ROW_FIELDS(RESULT_KEY) NULL};
static const char *const session_keys[] = {"id",      "started", "ended", "mode",  "interval_ns",
					   "targets", "samples", "lost",  "owner", NULL};
static const char *const status_keys[] = {"state",
					  "mode",
					  "interval_ns",
					  "achieved_mean_ns",
					  "achieved_sd_ns",
					  "samples",
					  "stacks",
					  "lost",
					  "sample_cost_ns",
					  "unwind_bytes",
					  "unwind_budget_bytes",
					  "unwind_tables",
					  "unwind_waiting",
					  "unwind_refused",
					  "unwind_evicted",
					  "interpreters",
					  "interpreters_total",
					  "daemon_cpu_usec",
					  "database_bytes",
					  "database_path",
					  "version",
					  "session",
					  "running_usec",
					  "notice",
					  "kernel",
					  "loading_usec",
					  "database_max_bytes",
					  "history_since",
					  "other_sessions",
					  NULL};
static const char *const target_keys[] = {"target",  "state",  "children", "owner", "until",
					  "samples", "stacks", "session",  NULL};
/* The keys of a session in a status. */
static const char *const order_keys[] = {"session",
					 "owner",
					 "state",
					 "interval_ns",
					 "achieved_mean_ns",
					 "achieved_sd_ns",
					 "samples",
					 "stacks",
					 "lost",
					 "running_usec",
					 NULL};
static const char *const interpreter_keys[] = {"pid",   "comm", "name", "file",
					       "state", "note", NULL};
static const char *const work_keys[] = {"named", "unnamed", "files", NULL};
static const char *const file_keys[] = {"file", "build_id", "named", "unnamed", "reason", NULL};

/* Methods. */

/* ---- Unpause, which may wait for the kernel ---- */

#define WAITING_USEC UINT64_C(1000000)

struct unpause {
	struct bus *bus;
	bool is_answered;
	int result;
};

static int on_unpaused(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct unpause *unpause = userdata;

	unpause->is_answered = true;
	unpause->result = 0;
	if (sd_bus_message_is_method_error(reply, NULL)) {
		sd_bus_error_free(&unpause->bus->error);
		(void)sd_bus_error_copy(&unpause->bus->error, sd_bus_message_get_error(reply));
		unpause->result = -sd_bus_message_get_errno(reply);
	}
	return 1;
}

/* Handles the messages of a second, or those until the answer is there. */
static int unpause_process(struct unpause *unpause)
{
	uint64_t until_ns = clock_monotonic_ns() + WAITING_USEC * 1000;

	while (!unpause->is_answered) {
		uint64_t now_ns = clock_monotonic_ns();
		int r = sd_bus_process(unpause->bus->bus, NULL);

		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (now_ns >= until_ns)
			return 0;
		TRY(sd_bus_wait(unpause->bus->bus, (until_ns - now_ns) / 1000));
	}
	return 0;
}

/* Calls on_waiting where the daemon waits for the kernel. Returns 1 then, 0 where it waits for
 * something else, or a negative errno. */
static int unpause_explain(struct bus *bus)
{
	_cleanup_tree_ struct json_object *status = NULL;
	const char *kernel;

	TRY(bus_get_status(bus, NULL, &status));
	kernel = tree_get_text(status, "kernel");
	if (!tree_has(status, "loading_usec"))
		return 0;
	if (bus->on_waiting)
		bus->on_waiting(bus->waiting_userdata, kernel,
				tree_get_u64(status, "loading_usec"));
	return 1;
}

/* Waits for the answer. The time that the daemon waits for the kernel does not count against the
 * timeout. */
static int unpause_wait(struct unpause *unpause, uint64_t timeout_usec)
{
	uint64_t waited_usec = 0;

	assert(timeout_usec > 0);
	while (!unpause->is_answered && waited_usec < timeout_usec) {
		int r;

		TRY(unpause_process(unpause));
		if (unpause->is_answered)
			break;
		r = unpause_explain(unpause->bus);
		if (r < 0)
			return r;
		waited_usec += r > 0 ? 0 : WAITING_USEC;
	}
	return unpause->is_answered ? unpause->result : -ETIMEDOUT;
}

int bus_unpause(struct bus *bus, const struct request *request)
{
	_cleanup_message_ sd_bus_message *message = NULL;
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	struct unpause unpause = {.bus = bus};

	TRY(new_call(bus, "Unpause", &message));
	TRY(append_targets(message, request));
	TRY(append_unpause_options(message, request));
	TRY(sd_bus_message_set_allow_interactive_authorization(message, bus->questions));
	sd_bus_error_free(&bus->error);
	TRY(sd_bus_call_async(bus->bus, &slot, message, on_unpaused, &unpause, TIMEOUT_WORK_USEC));
	return unpause_wait(&unpause, bus->questions ? TIMEOUT_QUESTION_USEC : bus->timeout_usec);
}

int bus_pause(struct bus *bus, const struct request *request)
{
	_cleanup_message_ sd_bus_message *message = NULL;

	TRY(new_call(bus, has_scope(request) ? "PauseWithOptions" : "Pause", &message));
	TRY(append_targets(message, request));
	if (has_scope(request))
		TRY(append_scope(message, request));
	return send_call(bus, message, NULL);
}

int bus_cancel(struct bus *bus, const struct request *request)
{
	_cleanup_message_ sd_bus_message *message = NULL;

	TRY(new_call(bus, has_scope(request) ? "CancelWithOptions" : "Cancel", &message));
	if (has_scope(request))
		TRY(append_scope(message, request));
	return send_call(bus, message, NULL);
}

int bus_set_interval(struct bus *bus, const struct request *request)
{
	_cleanup_message_ sd_bus_message *message = NULL;

	assert(request->interval_ns > 0);
	TRY(new_call(bus, has_scope(request) ? "SetIntervalWithOptions" : "SetInterval", &message));
	TRY(sd_bus_message_append(message, "d", (double)request->interval_ns / 1e9));
	if (has_scope(request))
		TRY(append_scope(message, request));
	return send_call(bus, message, NULL);
}

int bus_query(struct bus *bus, const struct request *request, struct json_object **ret)
{
	_cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
	_cleanup_tree_ struct json_object *tree = NULL;
	int fd;

	TRY(new_call(bus, "QueryByFileDescriptor", &message));
	TRY(append_filter(message, request));
	TRY(append_max(message, request));
	TRY(append_text(message, "sort", request->sort));
	TRY(append_text(message, "by", request->by));
	TRY(sd_bus_message_close_container(message));
	TRY(send_call(bus, message, &reply));
	TRY(sd_bus_message_read(reply, "h", &fd));
	TRY(tree_read(fd, &tree));
	TRY(tree_fill(tree, answer_keys));
	TRY(tree_fill_rows(tree, "records", record_keys));
	*ret = take_ptr(tree);
	return 0;
}

int bus_export(struct bus *bus, const struct request *request,
	       const struct bus_export_options *options, int *ret_fd)
{
	_cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
	int fd;

	TRY(new_call(bus, "Export", &message));
	TRY(append_export(message, request, options));
	TRY(send_call(bus, message, &reply));
	TRY(sd_bus_message_read(reply, "h", &fd));
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int bus_get_history(struct bus *bus, const struct request *request, struct json_object **ret)
{
	_cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
	_cleanup_tree_ struct json_object *tree = json_object_new_object();

	if (!tree)
		return -ENOMEM;
	TRY(new_call(bus, "History", &message));
	TRY(append_window(message, request));
	TRY(append_all_users(message, request));
	TRY(append_max(message, request));
	TRY(sd_bus_message_close_container(message));
	TRY(send_call(bus, message, &reply));
	TRY(bus_value_read_field(reply, tree, "sessions"));
	TRY(tree_fill_rows(tree, "sessions", session_keys));
	*ret = take_ptr(tree);
	return 0;
}

int bus_get_visible_history(struct bus *bus, const struct request *request,
			    struct json_object **ret)
{
	struct request all = *request;
	bool questions = bus->questions;
	int r;

	all.all_users = true;
	all.window.session = 0;
	all.window.all_sessions = false;
	bus->questions = false;
	r = bus_get_history(bus, &all, ret);
	bus->questions = questions;
	if (r >= 0 || !bus_is_refused(bus))
		return r;
	all.all_users = false;
	return bus_get_history(bus, &all, ret);
}

int bus_get_status(struct bus *bus, const struct request *request, struct json_object **ret)
{
	_cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
	_cleanup_tree_ struct json_object *tree = NULL;

	TRY(new_call(bus, has_scope(request) ? "GetStatusWithOptions" : "GetStatus", &message));
	if (has_scope(request))
		TRY(append_scope(message, request));
	TRY(send_call(bus, message, &reply));
	TRY(bus_value_read(reply, &tree));
	if (!json_object_is_type(tree, json_type_object))
		return -EBADMSG;
	TRY(tree_fill(tree, status_keys));
	TRY(tree_fill_rows(tree, "interpreters", interpreter_keys));
	TRY(tree_fill_rows(tree, "sessions", order_keys));
	TRY(bus_value_read_field(reply, tree, "targets"));
	TRY(tree_fill_rows(tree, "targets", target_keys));
	*ret = take_ptr(tree);
	return 0;
}

int bus_resymbolize(struct bus *bus, struct json_object **ret)
{
	_cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
	_cleanup_tree_ struct json_object *tree = json_object_new_object();

	if (!tree)
		return -ENOMEM;
	TRY(new_call(bus, "Resymbolize", &message));
	TRY(send_call_for(bus, message, TIMEOUT_WORK_USEC, &reply));
	for (const char *const *key = work_keys; *key; key++)
		TRY(bus_value_read_field(reply, tree, *key));
	TRY(tree_fill_rows(tree, "files", file_keys));
	*ret = take_ptr(tree);
	return 0;
}
