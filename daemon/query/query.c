/* SPDX-License-Identifier: MIT */
#include "daemon/query/query.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"

int query_by_parse(const char *text, enum query_by *ret)
{
	static const char *const words[N_QUERY_BY] = {
		[QUERY_BY_FUNCTION] = "function", [QUERY_BY_MODULE] = "module",
		[QUERY_BY_FILE] = "file",         [QUERY_BY_LINE] = "line",
		[QUERY_BY_STACK] = "stack",       [QUERY_BY_PROCESS] = "process",
		[QUERY_BY_THREAD] = "thread",     [QUERY_BY_UNIT] = "unit",
		[QUERY_BY_USER] = "user",
	};
	unsigned int place;
	int r = parse_word(text, words, array_length(words), &place);

	if (r == 0)
		*ret = (enum query_by)place;
	return r;
}

int query_sort_parse(const char *text, enum query_sort *ret)
{
	static const char *const words[] = {
		[QUERY_SORT_TOTAL] = "total",
		[QUERY_SORT_SELF] = "self",
		[QUERY_SORT_NAME] = "name",
	};
	unsigned int place;
	int r = parse_word(text, words, array_length(words), &place);

	if (r == 0)
		*ret = (enum query_sort)place;
	return r;
}

int query_kind_parse(const char *text, enum query_kind *ret)
{
	if (!strcmp(text, "python"))
		*ret = QUERY_KIND_PYTHON;
	else if (!strcmp(text, "native"))
		*ret = QUERY_KIND_NATIVE;
	else
		return -EINVAL;
	return 0;
}

bool query_prunes(const struct query *query)
{
	return query->kind || query->without_kernel;
}

bool query_wants_kind(const struct query *query, enum frame_kind kind)
{
	switch (query->kind) {
	case QUERY_KIND_ALL:
		return kind != FRAME_KERNEL || !query->without_kernel;
	case QUERY_KIND_PYTHON:
		return kind == FRAME_PYTHON;
	case QUERY_KIND_NATIVE:
		return kind == FRAME_NATIVE;
	}
	return false;
}

bool query_needs_tasks(const struct query *query)
{
	return query->n_targets || query->only_uid != UINT32_MAX || query->by >= QUERY_BY_PROCESS;
}

static bool path_is_below(const char *path, const char *top)
{
	size_t length = strlen(top);

	return strncmp(path, top, length) == 0 && (!path[length] || path[length] == '/');
}

static bool path_has_part(const char *path, const char *part)
{
	for (const char *at = path; (at = strchr(at, '/')); at++)
		if (path_is_below(at + 1, part))
			return true;
	return false;
}

static bool user_is(const struct store_process *process, const char *name_or_uid)
{
	uint64_t uid;

	if (strcmp(process->user, name_or_uid) == 0)
		return true;
	return parse_u64(name_or_uid, UINT32_MAX - 1, &uid) == 0 && uid == process->uid;
}

static bool target_has(const struct target *target, const struct store_process *process)
{
	const char *value = target_value(target);

	switch (target->kind) {
	case TARGET_PID:
		return process->pid == target->pid;
	case TARGET_COMM:
		return strcmp(process->comm, value) == 0;
	case TARGET_UNIT: /* slices and user managers hold further units, which the path shows */
		return strcmp(process->unit, value) == 0 || path_has_part(process->cgroup, value);
	case TARGET_CGROUP:
		return path_is_below(process->cgroup, value);
	case TARGET_USER:
		return user_is(process, value);
	case TARGET_ALL:
		return true;
	case N_TARGET_KINDS:
		break;
	}
	return false;
}

bool query_wants_task(const struct query *query, const struct store_task *task)
{
	assert(query->targets || !query->n_targets);
	if (query->only_uid != UINT32_MAX && task->process.owner != query->only_uid)
		return false;
	for (size_t i = 0; i < query->n_targets; i++)
		if (target_has(&query->targets[i], &task->process))
			return true;
	return !query->n_targets;
}
