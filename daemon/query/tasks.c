/* SPDX-License-Identifier: MIT */
#include "daemon/query/tasks.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/query/by_id.h"

#define NAME_BYTES_MAX 512 /* a comm and a number, a unit, a user */
#define UNKNOWN        "[unknown]"

/* Returned by on_task(); no error of the store has this number. */
#define NEIGHBOURS_ARE_OVER (-ERANGE)

/* The number of the first group; 0 stands for a task that is not wanted, or not there. */
#define GROUP_FIRST 1

/* Key of a group, which ends with the final zero byte of its name. */
struct group_key {
	uint32_t pid;
	uint32_t tid;
	char name[NAME_BYTES_MAX];
};

struct tasks {
	struct store *store;
	const struct query *query;
	struct table *groups;
	struct by_id known; /* uint32_t */
};

struct reading {
	struct tasks *tasks;
	int64_t below; /* the id behind the last neighbour */
};

define_cleanup(struct tasks *, tasks_free);

struct tasks *tasks_free(struct tasks *tasks)
{
	if (!tasks)
		return NULL;
	table_free(tasks->groups);
	by_id_done(&tasks->known);
	free(tasks);
	return NULL;
}

struct tasks *tasks_new(struct store *store, const struct query *query)
{
	_cleanup_(tasks_free_p) struct tasks *tasks = calloc(1, sizeof(*tasks));

	assert(store && query->by < N_QUERY_BY);
	if (!tasks)
		return NULL;
	tasks->store = store;
	tasks->query = query;
	tasks->groups = table_new();
	tasks->known = BY_ID_OF(uint32_t);
	return tasks->groups ? take_ptr(tasks) : NULL;
}

static const char *or_unknown(const char *text)
{
	return *text ? text : UNKNOWN;
}

static void name_group(const struct store_task *task, enum query_by by, struct group_key *ret)
{
	const struct store_process *process = &task->process;

	ret->pid = by == QUERY_BY_PROCESS || by == QUERY_BY_THREAD ? process->pid : 0;
	ret->tid = by == QUERY_BY_THREAD ? task->tid : 0;
	ret->name[0] = '\0';
	if (by == QUERY_BY_PROCESS)
		snprintf(ret->name, sizeof(ret->name), "%s[%u]", or_unknown(process->comm),
			 process->pid);
	else if (by == QUERY_BY_THREAD)
		snprintf(ret->name, sizeof(ret->name), "%s[%u]", or_unknown(task->comm), task->tid);
	else if (by == QUERY_BY_UNIT)
		snprintf(ret->name, sizeof(ret->name), "%s", or_unknown(process->unit));
	else if (by == QUERY_BY_USER)
		snprintf(ret->name, sizeof(ret->name), "%s", or_unknown(process->user));
}

static int find_group(struct tasks *tasks, const struct store_task *task, uint32_t *ret)
{
	struct group_key key;
	uint32_t group;
	int r;

	if (!query_wants_task(tasks->query, task))
		return 0;
	name_group(task, tasks->query->by, &key);
	r = table_intern(tasks->groups, &key,
			 offsetof(struct group_key, name) + strlen(key.name) + 1, &group);
	if (r < 0)
		return r;
	*ret = GROUP_FIRST + group;
	return 0;
}

static int on_task(void *userdata, const struct store_task *task)
{
	struct reading *reading = userdata;
	void *known;
	int r;

	if (task->id >= reading->below)
		return NEIGHBOURS_ARE_OVER;
	r = by_id_find(&reading->tasks->known, task->id, &known);
	return r < 0 ? r : find_group(reading->tasks, task, known);
}

static int read_neighbours(struct tasks *tasks, int64_t id)
{
	int64_t first = id - id % BY_ID_BLOCK;
	struct reading reading = {tasks, first + BY_ID_BLOCK};
	int r = store_foreach_task(tasks->store, first, on_task, &reading);

	return r == NEIGHBOURS_ARE_OVER ? 0 : r;
}

int tasks_find_group(struct tasks *tasks, int64_t id, uint32_t *ret_group)
{
	void *element;
	uint32_t known;
	int r = by_id_find(&tasks->known, id, &element);

	if (r > 0)
		r = read_neighbours(tasks, id);
	if (r < 0)
		return r;
	known = *(const uint32_t *)element;
	if (known < GROUP_FIRST)
		return 0;
	*ret_group = known - GROUP_FIRST;
	return 1;
}

size_t tasks_bytes(const struct tasks *tasks)
{
	return table_bytes(tasks->groups) + by_id_bytes(&tasks->known);
}

uint32_t tasks_count_groups(const struct tasks *tasks)
{
	return table_count(tasks->groups);
}

struct tasks_group tasks_get_group(const struct tasks *tasks, uint32_t group)
{
	const struct group_key *key;

	assert(group < table_count(tasks->groups));
	key = table_get_key(tasks->groups, group, NULL);
	return (struct tasks_group){key->name, key->pid, key->tid};
}
