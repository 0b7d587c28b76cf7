/* SPDX-License-Identifier: MIT */
/* Results on the bus: Query, QueryByFileDescriptor, Export. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
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
 * sender's own; where the query names others' it is refused. Returns as manager_bus_read_query().
 */
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

int manager_bus_read_query(struct manager_bus *self, sd_bus_message *call, struct query *ret,
			   struct target **ret_targets, sd_bus_error *error)
{
	int r = bus_read_query(call, ret, ret_targets, error);

	return r < 0 ? r : restrict_query(self, call, ret, error);
}

/* Reads the query and answers it. Returns 1 where the caller has to end the result by
 * result_done(). */
static int run_query(struct manager_bus *self, sd_bus_message *call, struct result *ret,
		     sd_bus_error *error)
{
	_cleanup_free_ struct target *targets = NULL;
	struct query query;
	struct failure failure;
	int r = manager_bus_read_query(self, call, &query, &targets, error);

	if (r != 1)
		return r;
	r = manager_query(self->manager, &query, ret, &failure);
	return r < 0 ? bus_error_set(error, &failure) : 1;
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

int manager_bus_query(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	struct result result;
	int r = run_query(self, call, &result, error);

	if (r != 1)
		return r;
	/* A message that is too large gets the daemon thrown off the bus. */
	if (result.n_rows > OX_RECORDS_IN_MESSAGE)
		r = sd_bus_error_setf(error, OX_ERROR_LIMIT_REACHED,
				      "%zu records are too many for one message: set max, or use "
				      "QueryByFileDescriptor",
				      result.n_rows);
	else
		r = reply_result(call, &result);
	result_done(&result);
	return r < 0 ? r : 1;
}

/* Writes through a duplicate of the descriptor, which is closed in the end. */
static int write_json(int fd, const struct result *result)
{
	_cleanup_close_ int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	_cleanup_fclose_ FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

	if (!out)
		return -errno;
	copy = -1; /* the FILE's from now on */
	return result_write_json(result, out);
}

/* Makes a sealed file in memory, so that it cannot change under the client that maps or reads it.
 * Returns its descriptor or a negative errno. */
static int make_json(const struct result *result)
{
	_cleanup_close_ int fd = memfd_create("oxprof-result", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = write_json(fd, result);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	return take_fd(&fd);
}

int manager_bus_query_fd(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_close_ int fd = -1;
	struct result result;
	int r = run_query(self, call, &result, error);

	if (r != 1)
		return r;
	fd = make_json(&result);
	result_done(&result);
	return fd < 0 ? fd : sd_bus_reply_method_return(call, "h", fd);
}

int manager_bus_export(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_free_ struct target *targets = NULL;
	_cleanup_close_ int fd = -1;
	struct export_options options;
	struct query query;
	struct failure failure;
	uint32_t uid = UINT32_MAX;
	int r = bus_read_export(call, &query, &options, &targets, error);

	if (r < 0)
		return r;
	r = restrict_query(self, call, &query, error);
	if (r != 1)
		return r;
	if (!sender_is_privileged(call))
		r = sender_get_uid(call, &uid);
	if (r < 0)
		return r;
	r = manager_export(self->manager, &query, &options, uid, &fd, &failure);
	return r < 0 ? bus_error_set(error, &failure) : sd_bus_reply_method_return(call, "h", fd);
}
