/* SPDX-License-Identifier: MIT */
#include "daemon/export/tasks.h"

#include "daemon/base/array.h"

enum verdict {
	VERDICT_NONE, /* not asked yet */
	VERDICT_WANTED,
	VERDICT_OTHERS,
};

struct export_tasks {
	struct store *store;
	const struct query *query;
	uint8_t *verdicts; /* by id; enum verdict */
	size_t size;
};

struct export_tasks *export_tasks_new(struct store *store, const struct query *query)
{
	struct export_tasks *tasks = calloc(1, sizeof(*tasks));

	if (!tasks)
		return NULL;
	tasks->store = store;
	tasks->query = query;
	return tasks;
}

struct export_tasks *export_tasks_free(struct export_tasks *tasks)
{
	if (tasks)
		free(tasks->verdicts);
	free(tasks);
	return NULL;
}

static int on_task(void *userdata, const struct store_task *task)
{
	struct export_tasks *tasks = userdata;

	if (query_wants_task(tasks->query, task))
		tasks->verdicts[task->id] = VERDICT_WANTED;
	return 0;
}

int export_tasks_want(struct export_tasks *tasks, int64_t id)
{
	int r;

	if (!tasks->query->n_targets && tasks->query->only_uid == UINT32_MAX)
		return 1;
	if (id <= 0 || id > UINT32_MAX)
		return -EOVERFLOW;
	r = array_reserve(tasks->verdicts, tasks->size, (size_t)id + 1);
	if (r >= 0 && tasks->verdicts[id] == VERDICT_NONE) {
		tasks->verdicts[id] = VERDICT_OTHERS;
		r = store_read_task(tasks->store, id, on_task, tasks);
	}
	return r < 0 ? r : tasks->verdicts[id] == VERDICT_WANTED;
}
