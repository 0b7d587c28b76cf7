/* SPDX-License-Identifier: MIT */
/* The exports that are being written, each by a thread of its own. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/manager/internal.h"

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct managed_export *managed = userdata;

	assert(managed->work);
	managed->ended = sd_event_source_disable_unref(managed->ended);
	managed->work = export_free(managed->work);
	return 0;
}

void manager_stop_exports(struct manager *manager)
{
	for (size_t i = 0; i < array_length(manager->exports); i++)
		if (manager->exports[i].work)
			on_ended(NULL, -1, 0, &manager->exports[i]);
}

/* Refuses an export beside other readers where the log of the database is too long, and cuts the
 * log where there are none: else exports that overlap would let it grow for ever. Root's waits for
 * no question, as those are held then (manager_check_log()). */
static int check_log(struct manager *manager, uint32_t uid, unsigned n_others,
		     struct failure *failure)
{
	uint64_t bytes = store_log_bytes(manager->store);

	if (bytes < OX_EXPORT_LOG_BYTES)
		return 0;
	if (n_others || (uid != UINT32_MAX && worker_is_reading(manager->worker)))
		return failure_set(failure, -EBUSY, OX_ERROR_LIMIT_REACHED,
				   "while the history was read the log of the database has grown "
				   "to %" PRIu64 " MiB; try again when all who read it are done",
				   bytes >> 20);
	store_cut_log(manager->store);
	return 0;
}

/* Finds a place for one more export. Returns 0 or -EBUSY. */
static int find_place(struct manager *manager, uint32_t uid, struct managed_export **ret,
		      struct failure *failure)
{
	struct managed_export *place = NULL;
	unsigned n = 0, n_own = 0;

	for (size_t i = 0; i < array_length(manager->exports); i++) {
		struct managed_export *managed = &manager->exports[i];

		if (!managed->work)
			place = managed;
		n += managed->work != NULL;
		n_own += managed->work && managed->uid == uid;
	}
	if (!place || (uid != UINT32_MAX && n >= OX_EXPORTS_MAX - OX_EXPORTS_FOR_ROOT))
		return failure_set(failure, -EBUSY, OX_ERROR_LIMIT_REACHED,
				   "%u exports are being written already; try again when one of "
				   "them is done",
				   n);
	if (uid != UINT32_MAX && n_own >= OX_EXPORTS_PER_USER)
		return failure_set(failure, -EBUSY, OX_ERROR_LIMIT_REACHED,
				   "%d exports are being written for you already; try again when "
				   "one of them is done",
				   OX_EXPORTS_PER_USER);
	*ret = place;
	return check_log(manager, uid, n, failure);
}

/* Makes an export in the place and starts its thread. On failure the place may hold the export, and
 * `why` says what is wrong with a pattern. */
static int start_export(struct manager *manager, const struct query *query,
			const struct export_options *options, struct managed_export *place,
			char *why, size_t why_size, int *ret_fd)
{
	int r;

	assert(!place->work && !place->ended);
	r = export_new(manager->config.database, query, options, &place->work, why, why_size);
	if (r < 0)
		return r;
	r = export_start(place->work, ret_fd);
	return r < 0 ? r
		     : sd_event_add_io(manager->event, &place->ended, export_fd(place->work),
				       EPOLLIN, on_ended, place);
}

int manager_export(struct manager *manager, const struct query *query,
		   struct export_options *options, uint32_t caller, bool is_privileged, int *ret_fd,
		   struct failure *failure)
{
	uint32_t uid = is_privileged ? UINT32_MAX : caller;
	struct managed_export *place = NULL;
	_cleanup_close_ int fd = -1;
	char why[320] = "";
	int r = find_place(manager, uid, &place, failure);

	if (r < 0)
		return r;
	r = manager_check_session(manager, query->range.session, query->range.owner, failure);
	if (r < 0)
		return r;
	options->state =
		manager_describe(manager, query->range.session, caller, &options->interval_ns);
	place->uid = uid;
	r = start_export(manager, query, options, place, why, sizeof(why), &fd);
	if (r >= 0) {
		*ret_fd = take_fd(&fd);
		return 0;
	}
	place->work = export_free(place->work);
	if (r == -EINVAL && why[0])
		return failure_set(failure, r, OX_ERROR_INVALID_PATTERN, "%s", why);
	return failure_set(failure, r, OX_ERROR_LIMIT_REACHED, "cannot begin an export: %s",
			   strerror(-r));
}
