/* SPDX-License-Identifier: MIT */
/* Results on the bus: Query, QueryByFileDescriptor, Export. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/bus/internal.h"
#include "daemon/bus/read.h"
#include "daemon/bus/reply.h"
#include "daemon/process/users.h"

/* ---- who may see what ---- */

/* True if the query names processes of other users, which needs the right. */
static bool names_others(const struct query *query, uint32_t uid)
{
	uint32_t user;

	for (size_t i = 0; i < query->n_targets; i++) {
		const struct target *target = &query->targets[i];

		if (target->kind == TARGET_ALL ||
		    (target->kind == TARGET_USER &&
		     (users_find(target_value(target), &user) < 0 || user != uid)))
			return true;
	}
	return false;
}

/* Restricts a query to what its sender may see: without the right to see others' processes, to the
 * sender's own processes and sessions; where the query names others' it is refused. Returns 1,
 * CALL_IS_PENDING, or a negative errno with the error set. */
static int restrict_query(struct manager_bus *self, sd_bus_message *call, struct query *query,
			  sd_bus_error *error)
{
	uint32_t uid;
	bool others;
	int r = sender_get_uid(call, &uid);

	if (sender_is_privileged(call))
		return 1;
	if (r < 0)
		return r;
	others = names_others(query, uid);
	r = authorize(self->authorizer, call, OX_ACTION_QUERY_OTHERS, "others' processes", others);
	if (r == 0)
		return CALL_IS_PENDING;
	if (r < 0 && others)
		return bus_error_refuse(error, r, "see what others' processes do");
	if (r < 0)
		query->only_uid = query->range.owner = uid;
	r = authorize(self->authorizer, call, OX_ACTION_PROFILE_KERNEL, "kernel stacks", false);
	if (r == 0)
		return CALL_IS_PENDING;
	query->without_kernel = r < 0;
	return 1;
}

/* Chooses the session of a question that has no window: the sender's own one. A sender who never
 * had one sees everything that may be seen. */
static int choose_session(struct manager_bus *self, uint32_t uid, struct bus_question *question,
			  sd_bus_error *error)
{
	struct failure failure;
	int r;

	if (question->has_window)
		return 1;
	r = manager_find_default_session(self->manager, uid, &question->query.range.session,
					 &failure);
	return r < 0 ? bus_error_set(error, &failure) : 1;
}

/* Makes of a question that was read what its sender may ask, and gives who that is. Returns as
 * restrict_query(). */
static int prepare_question(struct manager_bus *self, sd_bus_message *call,
			    struct bus_question *question, uint32_t *ret_uid, sd_bus_error *error)
{
	int r = restrict_query(self, call, &question->query, error);

	if (r != 1)
		return r;
	r = sender_get_uid(call, ret_uid);
	return r < 0 ? r : choose_session(self, *ret_uid, question, error);
}

static void question_done(struct bus_question *question)
{
	free(question->targets);
}

/* ---- waiting for an answer ---- */

/* A call of Query or QueryByFileDescriptor that is not answered yet. */
struct waiting_query {
	struct manager_bus *self;
	struct waiting_query *next;
	sd_bus_message *call;
	struct managed_query *query; /* NULL: it was answered */
	sd_bus_slot *gone;           /* hears when the sender goes */
};

static int reply_answer(sd_bus_message *call, const struct question_answer *answer,
			sd_bus_error *error);

static void waiting_free(struct waiting_query *waiting)
{
	if (waiting->query)
		manager_drop_query(waiting->query);
	sd_bus_slot_unref(waiting->gone);
	sd_bus_message_unref(waiting->call);
	free(waiting);
}

define_cleanup(struct waiting_query *, waiting_free);

static void remove_waiting(struct waiting_query *gone)
{
	struct waiting_query **link = &gone->self->queries;

	while (*link != gone)
		link = &(*link)->next;
	*link = gone->next;
	waiting_free(gone);
}

void manager_bus_drop_queries(struct manager_bus *self, const sd_bus *bus)
{
	struct waiting_query *next;

	for (struct waiting_query *waiting = self->queries; waiting; waiting = next) {
		next = waiting->next;
		if (!bus || sd_bus_message_get_bus(waiting->call) == bus)
			remove_waiting(waiting);
	}
}

static int on_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
	remove_waiting(userdata);
	return 0;
}

/* Ignores that the match was refused: nobody hears then that the sender goes, and its answer goes
 * nowhere. */
static int on_match(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	return 0;
}

/* Listens for the end of the sender: of its name on the bus, or of its direct connection. */
static int watch_sender(struct waiting_query *waiting)
{
	const char *sender = sd_bus_message_get_sender(waiting->call);
	sd_bus *bus = sd_bus_message_get_bus(waiting->call);
	char match[512];

	if (!sender)
		return sd_bus_match_signal(bus, &waiting->gone, "org.freedesktop.DBus.Local",
					   "/org/freedesktop/DBus/Local",
					   "org.freedesktop.DBus.Local", "Disconnected", on_gone,
					   waiting);
	snprintf(match, sizeof(match),
		 "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
		 "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s'",
		 sender);
	return sd_bus_add_match_async(bus, &waiting->gone, match, on_gone, on_match, waiting);
}

static void on_answer(void *userdata, const struct question_answer *answer,
		      const struct failure *failure)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct waiting_query *waiting = userdata;
	int r;

	waiting->query = NULL;
	r = failure ? bus_error_set(&error, failure) : reply_answer(waiting->call, answer, &error);
	if (r < 0)
		(void)sd_bus_reply_method_errno(waiting->call, r, &error);
	remove_waiting(waiting);
}

static int waiting_new(struct manager_bus *self, sd_bus_message *call, struct waiting_query **ret)
{
	_cleanup_(waiting_free_p) struct waiting_query *waiting = calloc(1, sizeof(*waiting));
	int r;

	if (!waiting)
		return -ENOMEM;
	waiting->self = self;
	waiting->call = sd_bus_message_ref(call);
	r = watch_sender(waiting);
	if (r < 0)
		return r;
	*ret = take_ptr(waiting);
	return 0;
}

static int start_query(struct manager_bus *self, sd_bus_message *call,
		       const struct manager_question *asked, sd_bus_error *error)
{
	_cleanup_(waiting_free_p) struct waiting_query *waiting = NULL;
	struct failure failure;
	int r = waiting_new(self, call, &waiting);

	if (r < 0)
		return r;
	r = manager_query(self->manager, asked, on_answer, waiting, &waiting->query, &failure);
	if (r < 0)
		return bus_error_set(error, &failure);
	waiting->next = self->queries;
	self->queries = take_ptr(waiting);
	return 1;
}

/* Reads the query and asks it; the call is answered later. */
static int run_query(struct manager_bus *self, sd_bus_message *call, bool wants_json,
		     sd_bus_error *error)
{
	_cleanup_(question_done) struct bus_question question = {0};
	struct manager_question asked = {
		.query = &question.query,
		.is_privileged = sender_is_privileged(call),
		.wants_json = wants_json,
	};
	int r = bus_read_query(call, &question, error);

	if (r < 0)
		return r;
	r = prepare_question(self, call, &question, &asked.caller, error);
	return r != 1 ? r : start_query(self, call, &asked, error);
}

/* ---- Query ---- */

static int append_losses(sd_bus_message *reply, const char *key, const struct result *result)
{
	int r = bus_open_counts(reply, key);

	if (r < 0)
		return r;
	for (size_t i = 0; i < result->n_lost; i++) {
		r = sd_bus_message_append(reply, "{st}", result->lost[i].reason, result->lost[i].n);
		if (r < 0)
			return r;
	}
	return bus_close_counts(reply);
}

/* Appends a field of object, a result or a row, whichever the table of the field is for. */
static int append_field(sd_bus_message *reply, const struct result_field *field, const void *object,
			uint64_t samples)
{
	const void *at = (const char *)object + field->offset;
	double share;

	switch (field->type) {
	case RESULT_TEXT:
		return bus_append(reply, bus_text(field->key, *(const char *const *)at));
	case RESULT_KNOWN:
		return bus_append(reply, bus_known_u32(field->key, *(const uint32_t *)at));
	case RESULT_NUMBER:
		return bus_append(reply, bus_known_u64(field->key, *(const uint64_t *)at));
	case RESULT_COUNT:
		return bus_append(reply, bus_u64(field->key, *(const uint64_t *)at));
	case RESULT_SHARE:
		share = result_share(*(const uint64_t *)at, samples);
		return bus_append(reply, bus_double(field->key, share));
	case RESULT_FLAG:
		return bus_append(reply, bus_bool(field->key, *(const bool *)at));
	case RESULT_STOPS:
		return bus_append_stops(reply, field->key, at);
	case RESULT_LOST:
		return append_losses(reply, field->key, object);
	case RESULT_N_TYPES:
		break;
	}
	assert(false);
	return -EINVAL;
}

/* Appends an a{sv}: the fields by type, and those of one type in the order of their table. */
static int append_fields(sd_bus_message *reply, const struct result_field *fields,
			 const void *object, uint64_t samples)
{
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	if (r < 0)
		return r;
	for (unsigned type = 0; type < RESULT_N_TYPES; type++)
		for (const struct result_field *field = fields; field->key; field++) {
			if (field->type != type)
				continue;
			r = append_field(reply, field, object, samples);
			if (r < 0)
				return r;
		}
	return sd_bus_message_close_container(reply);
}

static int append_rows(sd_bus_message *reply, const struct result *result)
{
	int r = sd_bus_message_open_container(reply, 'a', "a{sv}");

	if (r < 0)
		return r;
	for (size_t i = 0; i < result->n_rows; i++) {
		r = append_fields(reply, result_row_fields, &result->rows[i], result->samples);
		if (r < 0)
			return r;
	}
	return sd_bus_message_close_container(reply);
}

static int reply_result(sd_bus_message *call, const struct result *result)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(call, &reply);

	if (r < 0)
		return r;
	r = append_fields(reply, result_summary_fields, result, result->samples);
	if (r < 0)
		return r;
	r = append_rows(reply, result);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int reply_answer(sd_bus_message *call, const struct question_answer *answer,
			sd_bus_error *error)
{
	if (answer->fd >= 0)
		return sd_bus_reply_method_return(call, "h", answer->fd);
	/* A message that is too large gets the daemon thrown off the bus. */
	if (answer->result.n_rows > OX_RECORDS_IN_MESSAGE)
		return sd_bus_error_setf(error, OX_ERROR_LIMIT_REACHED,
					 "%zu records are too many for one message: set max, or "
					 "use QueryByFileDescriptor",
					 answer->result.n_rows);
	return reply_result(call, &answer->result);
}

int manager_bus_query(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	return run_query(self, call, false, error);
}

int manager_bus_query_fd(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	return run_query(self, call, true, error);
}

int manager_bus_export(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_(question_done) struct bus_question question = {0};
	_cleanup_close_ int fd = -1;
	struct failure failure;
	uint32_t uid;
	int r = bus_read_export(call, &question, error);

	if (r < 0)
		return r;
	r = prepare_question(self, call, &question, &uid, error);
	if (r != 1)
		return r;
	if (!waiting_fresh_add(&self->fresh, self->manager, call))
		return CALL_IS_PENDING;
	r = manager_export(self->manager, &question.query, &question.options, uid,
			   sender_is_privileged(call), &fd, &failure);
	return r < 0 ? bus_error_set(error, &failure) : sd_bus_reply_method_return(call, "h", fd);
}
