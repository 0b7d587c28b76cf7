/* SPDX-License-Identifier: MIT */
#include "daemon/bus/unit_ask.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/bus/reply.h"
#include "daemon/bus/systemd.h"
#include "daemon/bus/waiting.h"

struct answer {
	char *unit;
	char *cgroup; /* NULL: not known yet */
};

/* A call that wants to know of units. */
struct inquiry {
	struct unit_asker *asker;
	sd_bus_message *call; /* held */
	uint32_t uid;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	struct answer *answers;
	size_t n, n_known;
	char *path;        /* of the unit that is being asked about */
	sd_bus_slot *slot; /* PID 1 is being asked */
	int result;        /* of unit_ask(): 0 while PID 1 is being asked */
	struct failure failure;
	struct inquiry *next;
};

struct unit_asker {
	sd_bus *bus; /* NULL: none */
	struct inquiry *inquiries;
};

struct unit_asker *unit_asker_new(void)
{
	return calloc(1, sizeof(struct unit_asker));
}

static void inquiry_free(struct inquiry *inquiry)
{
	for (size_t i = 0; i < inquiry->n; i++) {
		free(inquiry->answers[i].unit);
		free(inquiry->answers[i].cgroup);
	}
	sd_bus_slot_unref(inquiry->slot);
	sd_bus_message_unref(inquiry->call);
	free(inquiry->answers);
	free(inquiry->path);
	free(inquiry);
}

define_cleanup(struct inquiry *, inquiry_free);

struct unit_asker *unit_asker_free(struct unit_asker *asker)
{
	if (!asker)
		return NULL;
	while (asker->inquiries)
		unit_ask_done(asker, asker->inquiries->call);
	sd_bus_unref(asker->bus);
	free(asker);
	return NULL;
}

static struct inquiry **find_inquiry(struct unit_asker *asker, const sd_bus_message *call)
{
	struct inquiry **p = &asker->inquiries;

	while (*p && (*p)->call != call)
		p = &(*p)->next;
	return p;
}

void unit_ask_done(struct unit_asker *asker, const sd_bus_message *call)
{
	struct inquiry **p = find_inquiry(asker, call), *inquiry = *p;

	if (!inquiry)
		return;
	*p = inquiry->next;
	inquiry_free(inquiry);
}

/* ---- answers ---- */

/* Ends the inquiry. A call that waits is handed to its handler, which now finds the result. */
static void end_inquiry(struct inquiry *inquiry, int result)
{
	assert(result && !inquiry->result);
	inquiry->slot = sd_bus_slot_unref(inquiry->slot);
	inquiry->result = result;
	bus_call_again(inquiry->call);
}

static const char *inquiry_unit(const struct inquiry *inquiry)
{
	assert(inquiry->n_known < inquiry->n);
	return inquiry->answers[inquiry->n_known].unit;
}

static int fail_to_ask(struct inquiry *inquiry, int r)
{
	const char *unit = inquiry_unit(inquiry);

	if (!inquiry->asker->bus || sd_bus_is_open(inquiry->asker->bus) <= 0)
		return failure_set(&inquiry->failure, -ENOTCONN, OX_ERROR_SYSTEMD,
				   "cannot ask systemd about unit %s: the system bus is gone, and "
				   "oxprofd is trying to reach it; try again",
				   unit);
	if (r == -ETIMEDOUT)
		return failure_set(&inquiry->failure, r, OX_ERROR_SYSTEMD,
				   "cannot ask systemd about unit %s: no answer within %u s; try "
				   "again when systemctl status answers",
				   unit, (unsigned)(UNIT_ASK_USEC / 1000000));
	return failure_set(&inquiry->failure, r, OX_ERROR_SYSTEMD,
			   "cannot ask systemd about unit %s: %s", unit, strerror(-r));
}

/* Sets the failure by an answer that is an error. */
static int fail_by_reply(struct inquiry *inquiry, sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	int r = -sd_bus_message_get_errno(reply);

	assert(error && r < 0);
	if (r == -ETIMEDOUT || !error->message)
		return fail_to_ask(inquiry, r);
	return failure_set(
		&inquiry->failure, r,
		sd_bus_error_has_name(error, SD_BUS_ERROR_INVALID_ARGS) ? OX_ERROR_NO_SUCH_UNIT
									: OX_ERROR_SYSTEMD,
		"cannot ask systemd about unit %s: %s", inquiry_unit(inquiry), error->message);
}

/* ---- questions ---- */

static int on_cgroup(sd_bus_message *reply, void *userdata, sd_bus_error *error);
static int on_path(sd_bus_message *reply, void *userdata, sd_bus_error *error);
static int on_load_state(sd_bus_message *reply, void *userdata, sd_bus_error *error);

/* Makes a question, for which what is left of the inquiry's time is given. */
static struct systemd_call make_question(struct inquiry *inquiry, sd_bus_message_handler_t fn)
{
	uint64_t now_ns = clock_monotonic_ns(), left_ns = 0;

	if (inquiry->deadline_ns > now_ns)
		left_ns = inquiry->deadline_ns - now_ns;
	inquiry->slot = sd_bus_slot_unref(inquiry->slot);
	return (struct systemd_call){inquiry->asker->bus, left_ns / 1000 + 1, fn, inquiry};
}

/* Asks about the next unit. Returns 1 where all are known, 0, or a negative errno with the failure
 * set. */
static int ask_next(struct inquiry *inquiry)
{
	struct systemd_call question;
	int r;

	if (inquiry->n_known == inquiry->n)
		return 1;
	question = make_question(inquiry, on_path);
	r = systemd_load_unit(&question, inquiry_unit(inquiry), &inquiry->slot);
	return r < 0 ? fail_to_ask(inquiry, r) : 0;
}

static int take_path(struct inquiry *inquiry, sd_bus_message *reply)
{
	struct systemd_call question;
	const char *path;
	int r;

	if (sd_bus_message_is_method_error(reply, NULL))
		return fail_by_reply(inquiry, reply);
	r = systemd_read_path(reply, &path);
	if (r < 0)
		return fail_to_ask(inquiry, r);
	free(inquiry->path);
	inquiry->path = strdup(path);
	if (!inquiry->path)
		return fail_to_ask(inquiry, -ENOMEM);
	question = make_question(inquiry, on_load_state);
	r = systemd_get_load_state(&question, path, &inquiry->slot);
	return r < 0 ? fail_to_ask(inquiry, r) : 0;
}

static int take_load_state(struct inquiry *inquiry, sd_bus_message *reply)
{
	const char *unit = inquiry_unit(inquiry), *state;
	struct systemd_call question;
	int r;

	if (sd_bus_message_is_method_error(reply, NULL))
		return fail_by_reply(inquiry, reply);
	r = systemd_read_text(reply, &state);
	if (r < 0)
		return fail_to_ask(inquiry, r);
	if (!strcmp(state, "not-found"))
		return failure_set(&inquiry->failure, -ENOENT, OX_ERROR_NO_SUCH_UNIT,
				   "there is no unit %s (systemctl list-units)", unit);
	question = make_question(inquiry, on_cgroup);
	r = systemd_get_cgroup(&question, unit, inquiry->path, &inquiry->slot);
	return r < 0 ? fail_to_ask(inquiry, r) : 0;
}

static int take_cgroup(struct inquiry *inquiry, sd_bus_message *reply)
{
	struct answer *answer = &inquiry->answers[inquiry->n_known];
	const char *cgroup;
	int r;

	if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_UNKNOWN_PROPERTY) ||
	    sd_bus_message_is_method_error(reply, SD_BUS_ERROR_UNKNOWN_INTERFACE))
		return failure_set(&inquiry->failure, -ENXIO, OX_ERROR_NO_SUCH_UNIT,
				   "unit %s has no processes of its own, so there is nothing to "
				   "profile; name a service, scope or slice",
				   answer->unit);
	if (sd_bus_message_is_method_error(reply, NULL))
		return fail_by_reply(inquiry, reply);
	r = systemd_read_text(reply, &cgroup);
	if (r < 0)
		return fail_to_ask(inquiry, r);
	answer->cgroup = strdup(cgroup);
	if (!answer->cgroup)
		return fail_to_ask(inquiry, -ENOMEM);
	inquiry->n_known++;
	return ask_next(inquiry);
}

/* Makes a callback for an answer, of the function that takes it. */
#define ANSWER(name, take)                                                          \
	static int name(sd_bus_message *reply, void *userdata, sd_bus_error *error) \
	{                                                                           \
		int r = take(userdata, reply);                                      \
                                                                                    \
		if (r)                                                              \
			end_inquiry(userdata, r);                                   \
		return 1;                                                           \
	}

ANSWER(on_path, take_path)
ANSWER(on_load_state, take_load_state)
ANSWER(on_cgroup, take_cgroup)

/* ---- calls ---- */

static int add_answers(struct inquiry *inquiry, const struct target_request *requested, size_t n)
{
	inquiry->answers = calloc(n, sizeof(*inquiry->answers));
	if (!inquiry->answers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		char **unit = &inquiry->answers[inquiry->n].unit;

		if (requested[i].target.kind != TARGET_UNIT)
			continue;
		*unit = strdup(target_value(&requested[i].target));
		if (!*unit)
			return -ENOMEM;
		inquiry->n++;
	}
	return 0;
}

/* Drops inquiries whose connection was closed: nobody comes to fetch their result. */
static void drop_abandoned(struct unit_asker *asker)
{
	for (struct inquiry **p = &asker->inquiries; *p;) {
		sd_bus_message *call = (*p)->call;

		if (sd_bus_is_open(sd_bus_message_get_bus(call)) > 0)
			p = &(*p)->next;
		else
			unit_ask_done(asker, call);
	}
}

static int check_room(const struct unit_asker *asker, sd_bus_message *call, uint32_t uid,
		      struct failure *failure)
{
	size_t n_all = 0, n_of_user = 0;

	for (const struct inquiry *other = asker->inquiries; other; other = other->next) {
		n_all++;
		n_of_user += other->uid == uid;
	}
	return waiting_check_room(call, n_all, n_of_user, "systemd has answered", failure);
}

static int begin_inquiry(struct unit_asker *asker, sd_bus_message *call, uint32_t uid,
			 const struct target_request *requested, size_t n, struct failure *failure)
{
	_cleanup_(inquiry_free_p) struct inquiry *inquiry = NULL;
	int r;

	drop_abandoned(asker);
	r = check_room(asker, call, uid, failure);
	if (r < 0)
		return r;
	inquiry = calloc(1, sizeof(*inquiry));
	if (!inquiry || add_answers(inquiry, requested, n) < 0)
		return failure_set(failure, -ENOMEM, OX_ERROR_SYSTEMD,
				   "cannot ask systemd about units: %s", strerror(ENOMEM));
	inquiry->asker = asker;
	inquiry->call = sd_bus_message_ref(call);
	inquiry->uid = uid;
	inquiry->deadline_ns = clock_monotonic_ns() + UNIT_ASK_USEC * 1000;
	r = ask_next(inquiry);
	if (r < 0) {
		*failure = inquiry->failure;
		return r;
	}
	inquiry->next = asker->inquiries;
	asker->inquiries = take_ptr(inquiry);
	return 0;
}

static void copy_answers(const struct inquiry *inquiry, struct target_request *requested, size_t n)
{
	size_t known = 0;

	for (size_t i = 0; i < n; i++) {
		if (requested[i].target.kind != TARGET_UNIT)
			continue;
		assert(known < inquiry->n_known);
		snprintf(requested[i].cgroup, sizeof(requested[i].cgroup), "%s",
			 inquiry->answers[known++].cgroup);
	}
}

static bool has_unit(const struct target_request *requested, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (requested[i].target.kind == TARGET_UNIT)
			return true;
	return false;
}

int unit_ask(struct unit_asker *asker, sd_bus_message *call, uint32_t uid,
	     struct target_request *requested, size_t n, struct failure *failure)
{
	const struct inquiry *inquiry = *find_inquiry(asker, call);

	assert(requested || !n);
	if (!has_unit(requested, n))
		return 1;
	if (!inquiry)
		return begin_inquiry(asker, call, uid, requested, n, failure);
	if (inquiry->result > 0)
		copy_answers(inquiry, requested, n);
	else if (inquiry->result < 0)
		*failure = inquiry->failure;
	return inquiry->result;
}

/* ---- the bus ---- */

void unit_asker_attach(struct unit_asker *asker, sd_bus *bus)
{
	struct inquiry **p = &asker->inquiries;
	sd_bus *before = asker->bus;

	asker->bus = sd_bus_ref(bus);
	while (*p) {
		struct inquiry *inquiry = *p;

		if (sd_bus_message_get_bus(inquiry->call) == before) {
			unit_ask_done(asker, inquiry->call);
			continue;
		}
		if (!inquiry->result)
			end_inquiry(inquiry, fail_to_ask(inquiry, -ENOTCONN));
		p = &inquiry->next;
	}
	sd_bus_unref(before);
}
