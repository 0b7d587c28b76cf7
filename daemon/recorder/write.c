/* SPDX-License-Identifier: MIT */
/* Writes pending rows. The rows that a row refers to are added before it, parents before children.
 */
#include <assert.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
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
		.owner = known->uid,
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

static int write_row(struct recorder *recorder, uint32_t index)
{
	const struct row_key *key = table_get_key(recorder->pending, index, NULL);
	int64_t task, node;
	int r = write_task(recorder, key->task, &task);

	if (r < 0)
		return r;
	r = write_node(recorder, key->node, &node);
	return r < 0 ? r
		     : store_add_sample(recorder->store, key->set, key->window, task, node,
					recorder->counts[index]);
}

static int write_losses(struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_N_LOSSES; i++) {
		int r = 0;

		if (recorder->lost[i])
			r = store_add_loss(recorder->store, recorder->totals.session,
					   recorder->window, loss_name(i), recorder->lost[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Forgets the ids of all rows after a transaction that failed: the rows that it added are gone. */
static void forget_ids(struct recorder *recorder)
{
	struct rows *all[] = {&recorder->processes, &recorder->tasks, &recorder->frames,
			      &recorder->nodes};

	for (size_t i = 0; i < array_length(all); i++)
		if (all[i]->ids)
			memset(all[i]->ids, 0, all[i]->size * sizeof(*all[i]->ids));
}

static bool has_losses(const struct recorder *recorder)
{
	for (unsigned i = 0; i < OX_N_LOSSES; i++)
		if (recorder->lost[i])
			return true;
	return false;
}

/* Writes all rows and losses in one transaction, which the caller rolls back on failure. */
static int write_all(struct recorder *recorder)
{
	int r = array_reserve(recorder->frames.ids, recorder->frames.size,
			      resolver_count(recorder->resolver));

	if (r < 0)
		return r;
	r = store_begin(recorder->store);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < table_count(recorder->pending); i++) {
		r = write_row(recorder, i);
		if (r < 0)
			return r;
	}
	r = write_losses(recorder);
	return r < 0 ? r : store_commit(recorder->store);
}

int recorder_write(struct recorder *recorder)
{
	int r;

	if (!table_count(recorder->pending) && !has_losses(recorder))
		return 0;
	r = write_all(recorder);
	if (r < 0) {
		store_rollback(recorder->store);
		forget_ids(recorder);
		return r;
	}
	table_clear(recorder->pending);
	for (unsigned i = 0; i < OX_N_LOSSES; i++) {
		recorder->totals.lost[i] += recorder->lost[i];
		recorder->lost[i] = 0;
	}
	return 0;
}
