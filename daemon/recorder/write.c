/* SPDX-License-Identifier: MIT */
/* Writes pending rows. The rows that a row refers to are added before it, parents before children.
 */
#include <assert.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/loss.h"
#include "daemon/base/text.h"
#include "daemon/process/users.h"
#include "daemon/recorder/internal.h"

/* The 2 are the end frames of the user's and the kernel's stack. */
#define PATH_MAX_NODES                                                                             \
	(OX_MAX_USER_FRAMES * RESOLVER_INLINES_MAX + OX_MAX_PYTHON_FRAMES + OX_MAX_KERNEL_FRAMES + \
	 2)

static int write_process(struct recorder *recorder, uint32_t index, int64_t *ret_id)
{
	const struct process_key *key = table_get_key(recorder->processes.table, index, NULL);
	const struct known_process *known = &recorder->known[index];
	struct store_process process = {
		.pid = key->pid,
		.started_usec = known->started_usec,
		.exec_id = key->exec_id,
		.uid = known->uid,
		.owner = known->owner,
		.comm = known->comm,
		.exe = known->exe,
		.cmdline = known->cmdline,
		.unit = known->unit,
		.cgroup = known->cgroup,
	};
	char user[64];
	int r;

	*ret_id = recorder->processes.ids[index];
	if (*ret_id)
		return 0;
	users_get_name(known->uid, user, sizeof(user));
	process.user = user;
	r = store_add_process(recorder->store, &process, ret_id);
	recorder->processes.ids[index] = *ret_id;
	return r;
}

static int write_task(struct recorder *recorder, uint32_t index, int64_t *ret_id)
{
	const struct task_key *key = table_get_key(recorder->tasks.table, index, NULL);
	char comm[OX_COMM_BYTES * 4];
	int64_t process;
	int r;

	/* The process is written even where the task has a row: it may have another name now. */
	r = write_process(recorder, key->process, &process);
	*ret_id = recorder->tasks.ids[index];
	if (r < 0 || *ret_id)
		return r;
	text_clean(key->comm, strnlen(key->comm, OX_COMM_BYTES), comm, sizeof(comm));
	r = store_add_task(recorder->store, process, key->tid, comm, ret_id);
	recorder->tasks.ids[index] = *ret_id;
	return r;
}

static int write_frame(struct recorder *recorder, uint32_t index, int64_t *ret_id)
{
	struct frame frame;
	int r;

	assert(index < recorder->frames.size);
	*ret_id = recorder->frames.ids[index];
	if (*ret_id)
		return 0;
	resolver_get_frame(recorder->resolver, index, &frame);
	r = store_add_frame(recorder->store, &frame, ret_id);
	if (r < 0)
		return r;
	recorder->frames.ids[index] = *ret_id;
	return 0;
}

static int write_one_node(struct recorder *recorder, uint32_t index, int64_t parent,
			  int64_t *ret_id)
{
	const struct recorder_node_key *key = table_get_key(recorder->nodes.table, index, NULL);
	int64_t frame;
	int r = write_frame(recorder, key->frame, &frame);

	if (r < 0)
		return r;
	r = store_add_node(recorder->store, parent, frame, ret_id);
	if (r < 0)
		return r;
	recorder->nodes.ids[index] = *ret_id;
	return 0;
}

/* Writes the node (index + 1) and those of its ancestors that have no row, which are collected
 * upwards and written downwards. */
static int write_node(struct recorder *recorder, uint32_t node, int64_t *ret_id)
{
	uint32_t path[PATH_MAX_NODES], n = 0;

	*ret_id = 0;
	while (node && !recorder->nodes.ids[node - 1] && n < array_length(path)) {
		const struct recorder_node_key *key =
			table_get_key(recorder->nodes.table, node - 1, NULL);

		path[n++] = node - 1;
		node = key->parent;
	}
	assert(!node || recorder->nodes.ids[node - 1]); /* the path held all of them */
	if (node)
		*ret_id = recorder->nodes.ids[node - 1];
	while (n > 0) {
		int r = write_one_node(recorder, path[--n], *ret_id, ret_id);

		if (r < 0)
			return r;
	}
	return 0;
}

static int write_set(struct recorder *recorder, uint32_t index, int64_t *ret_id)
{
	const int64_t *sessions;
	size_t bytes;
	int r;

	*ret_id = recorder->sets.ids[index];
	if (*ret_id)
		return 0;
	sessions = table_get_key(recorder->sets.table, index, &bytes);
	r = store_add_set(recorder->store, sessions, bytes / sizeof(*sessions), ret_id);
	if (r < 0)
		return r;
	recorder->sets.ids[index] = *ret_id;
	return 0;
}

/* True if the sessions of the set were in another database only (recorder_move()). */
static bool set_is_gone(const struct recorder *recorder, uint32_t index)
{
	const int64_t *ids = table_get_key(recorder->sets.table, index, NULL);

	return ids[0] < 0;
}

static int write_row(struct recorder *recorder, uint32_t index)
{
	const struct row_key *key = table_get_key(recorder->pending, index, NULL);
	int64_t set, task, node;
	int r;

	if (set_is_gone(recorder, key->set))
		return 0;
	r = write_set(recorder, key->set, &set);
	if (r < 0)
		return r;
	r = write_task(recorder, key->task, &task);
	if (r < 0)
		return r;
	r = write_node(recorder, key->node, &node);
	return r < 0 ? r
		     : store_add_sample(recorder->store, set, key->window, task, node,
					recorder->counts[index]);
}

static int write_session_losses(struct recorder *recorder, const struct recorder_session *session)
{
	for (unsigned i = 0; i < OX_N_LOSSES; i++) {
		int r = session->lost[i]
				? store_add_loss(recorder->store, session->totals.session,
						 recorder->window, loss_name(i), session->lost[i])
				: 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int write_losses(struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++) {
		int r = recorder->slots[i] ? write_session_losses(recorder, recorder->slots[i]) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* Moves the losses of all sessions to those that are written. */
static void settle_losses(struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++) {
		struct recorder_session *session = recorder->slots[i];

		for (unsigned n = 0; session && n < OX_N_LOSSES; n++) {
			session->totals.lost[n] += session->lost[n];
			session->lost[n] = 0;
		}
	}
}

/* Forgets the ids of all rows, as after a transaction that failed: the rows that it added are gone.
 */
void recorder_forget_rows(struct recorder *recorder)
{
	struct rows *all[] = {&recorder->sets, &recorder->processes, &recorder->tasks,
			      &recorder->frames, &recorder->nodes};

	for (size_t i = 0; i < array_length(all); i++)
		if (all[i]->ids)
			memset(all[i]->ids, 0, all[i]->size * sizeof(*all[i]->ids));
}

static bool has_losses(const struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++)
		for (unsigned n = 0; recorder->slots[i] && n < OX_N_LOSSES; n++)
			if (recorder->slots[i]->lost[n])
				return true;
	return false;
}

/* Writes pending rows, of which *end is the next one then, until there is none or it is until_ns.
 */
static int write_rows(struct recorder *recorder, uint64_t until_ns, uint32_t *end)
{
	while (*end < table_count(recorder->pending)) {
		int r = recorder->counts[*end] ? write_row(recorder, *end) : 0;

		if (r < 0)
			return r;
		++*end;
		if (clock_monotonic_ns() >= until_ns)
			break;
	}
	return 0;
}

/* Writes rows and losses in one transaction, which the caller rolls back on failure. A session ends
 * with its last row. */
static int write_some(struct recorder *recorder, uint64_t until_ns, uint32_t *end)
{
	int r = array_reserve(recorder->frames.ids, recorder->frames.size,
			      resolver_count(recorder->resolver));

	if (r < 0)
		return r;
	r = store_begin(recorder->store);
	if (r < 0)
		return r;
	r = write_rows(recorder, until_ns, end);
	if (r < 0)
		return r;
	r = write_losses(recorder);
	if (r < 0)
		return r;
	r = *end == table_count(recorder->pending) ? recorder_write_endings(recorder) : 0;
	return r < 0 ? r : store_commit(recorder->store);
}

/* Settles the rows before `end`, which were committed: what is added to them from now on is more.
 */
static void settle_rows(struct recorder *recorder, uint32_t end)
{
	for (uint32_t i = recorder->n_written; i < end; i++)
		recorder->counts[i] = 0;
	recorder->n_written = end;
	if (end < table_count(recorder->pending))
		return;
	table_clear(recorder->pending);
	recorder->n_written = 0;
	recorder_free_slots(recorder);
}

int recorder_write(struct recorder *recorder, uint64_t until_ns)
{
	uint32_t end = recorder->n_written;
	int r;

	if (!table_count(recorder->pending) && !has_losses(recorder) &&
	    !recorder_has_endings(recorder))
		return 0;
	r = write_some(recorder, until_ns, &end);
	if (r < 0) {
		store_rollback(recorder->store);
		recorder_forget_rows(recorder);
		return r;
	}
	settle_losses(recorder);
	settle_rows(recorder, end);
	return 0;
}
