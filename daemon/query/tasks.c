/* SPDX-License-Identifier: MIT */
#include "daemon/query/tasks.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"

#define NAME_BYTES_MAX 512 /* a comm and a number, a unit, a user */
#define UNKNOWN        "[unknown]"
#define NO_GROUP       UINT32_MAX

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
	struct table *ids;  /* of the tasks that were met; int64_t */
	uint32_t *group_of; /* by index of the id; NO_GROUP: the query is not about this task */
	size_t size;
};

define_cleanup(struct tasks *, tasks_free);

struct tasks *tasks_free(struct tasks *tasks)
{
	if (!tasks)
		return NULL;
	table_free(tasks->groups);
	table_free(tasks->ids);
	free(tasks->group_of);
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
	tasks->ids = table_new();
	return tasks->groups && tasks->ids ? take_ptr(tasks) : NULL;
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
	int r;

	*ret = NO_GROUP;
	if (!query_wants_task(tasks->query, task))
		return 0;
	name_group(task, tasks->query->by, &key);
	r = table_intern(tasks->groups, &key,
			 offsetof(struct group_key, name) + strlen(key.name) + 1, ret);
	return r < 0 ? r : 0;
}

/* Returns 1 and the index of a new id, which has NO_GROUP, 0 and that of a known id, or -ENOMEM. */
static int intern_id(struct tasks *tasks, int64_t id, uint32_t *ret)
{
	int r = array_reserve(tasks->group_of, tasks->size, (size_t)table_count(tasks->ids) + 1);

	if (r < 0)
		return r;
	r = table_intern(tasks->ids, &id, sizeof(id), ret);
	if (r > 0)
		tasks->group_of[*ret] = NO_GROUP;
	return r;
}

static int on_task(void *userdata, const struct store_task *task)
{
	struct tasks *tasks = userdata;
	uint32_t index;
	int r = intern_id(tasks, task->id, &index);

	return r < 0 ? r : find_group(tasks, task, &tasks->group_of[index]);
}

int tasks_read_all(struct tasks *tasks)
{
	return store_foreach_task(tasks->store, on_task, tasks);
}

int tasks_find_group(struct tasks *tasks, int64_t id, uint32_t *ret_group)
{
	uint32_t index;
	int r = intern_id(tasks, id, &index);

	if (r < 0)
		return r;
	if (r > 0) {
		r = store_read_task(tasks->store, id, on_task, tasks);
		if (r < 0)
			return r;
	}
	if (tasks->group_of[index] == NO_GROUP)
		return 0;
	*ret_group = tasks->group_of[index];
	return 1;
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
