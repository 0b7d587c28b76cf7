/* SPDX-License-Identifier: MIT */
#include "daemon/query/tasks.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"

#define TASKS_MIN      64
#define NAME_BYTES_MAX 512 /* a comm and a number, a unit, a user */
#define UNKNOWN        "[unknown]"

/* In a table of its own: what stands before the text is the same for each of one name. */
struct group_key {
	uint32_t pid;
	uint32_t tid;
	char name[NAME_BYTES_MAX];
};

struct tasks {
	const struct query *query; /* while they are read */
	struct table *groups;
	int64_t *ids; /* ascending, as the store gives them */
	uint32_t *group_of;
	size_t n;
	size_t size;
};

define_cleanup(struct tasks *, tasks_free);

struct tasks *tasks_free(struct tasks *tasks)
{
	if (!tasks)
		return NULL;
	table_free(tasks->groups);
	free(tasks->ids);
	free(tasks->group_of);
	free(tasks);
	return NULL;
}

static int tasks_reserve(struct tasks *tasks)
{
	size_t size = tasks->size * 2 + TASKS_MIN;
	uint32_t *group_of;
	int64_t *ids;

	if (tasks->n < tasks->size)
		return 0;
	ids = reallocarray(tasks->ids, size, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	tasks->ids = ids;
	group_of = reallocarray(tasks->group_of, size, sizeof(*group_of));
	if (!group_of)
		return -ENOMEM;
	tasks->group_of = group_of;
	tasks->size = size;
	return 0;
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

static int on_task(void *userdata, const struct store_task *task)
{
	struct tasks *tasks = userdata;
	struct group_key key;
	int r;

	if (!query_wants_task(tasks->query, task))
		return 0;
	r = tasks_reserve(tasks);
	if (r < 0)
		return r;
	name_group(task, tasks->query->by, &key);
	r = table_intern(tasks->groups, &key,
			 offsetof(struct group_key, name) + strlen(key.name) + 1,
			 &tasks->group_of[tasks->n]);
	if (r < 0)
		return r;
	tasks->ids[tasks->n++] = task->id;
	return 0;
}

int tasks_read(struct store *store, const struct query *query, struct tasks **ret)
{
	_cleanup_(tasks_free_p) struct tasks *tasks = calloc(1, sizeof(*tasks));
	int r;

	if (!tasks)
		return -ENOMEM;
	tasks->query = query;
	tasks->groups = table_new();
	if (!tasks->groups)
		return -ENOMEM;
	r = store_foreach_task(store, on_task, tasks);
	if (r < 0)
		return r;
	tasks->query = NULL;
	*ret = take_ptr(tasks);
	return 0;
}

int tasks_find_group(const struct tasks *tasks, int64_t id, uint32_t *ret_group)
{
	size_t n = array_upper_bound(tasks->ids, tasks->n, , id);

	if (!n || tasks->ids[n - 1] != id)
		return -ENOENT;
	*ret_group = tasks->group_of[n - 1];
	return 0;
}

uint32_t tasks_count_groups(const struct tasks *tasks)
{
	return table_count(tasks->groups);
}

struct tasks_group tasks_get_group(const struct tasks *tasks, uint32_t group)
{
	const struct group_key *key = table_get_key(tasks->groups, group, NULL);

	return (struct tasks_group){key->name, key->pid, key->tid};
}
