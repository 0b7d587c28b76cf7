/* SPDX-License-Identifier: MIT */
/* Adds the process and the thread of a sample, and reads the properties of the process. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/array.h"
#include "daemon/base/text.h"
#include "daemon/process/process.h"
#include "daemon/recorder/internal.h"

/* True if /proc shows the process that was sampled. Its start times are in clock ticks. */
static bool is_same_process(const char *proc, const struct ox_sample *id)
{
	struct process_stat stat;
	uint64_t tick_ns = UINT64_C(1000000000) / sysconf(_SC_CLK_TCK);

	return !process_read_stat(proc, id->pid, &stat) &&
	       stat.start_ticks == id->start_ns / tick_ns;
}

static char *clean_copy(const char *text, size_t length)
{
	char clean[OX_COMM_BYTES * 4];

	text_clean(text, strnlen(text, length), clean, sizeof(clean));
	return strdup(clean);
}

static int know_process(struct recorder *recorder, const struct sampler_sample *sample,
			uint32_t index)
{
	const struct ox_sample *id = sample->id;
	struct process_info *info = calloc(1, sizeof(*info));
	struct known_process known = {
		.uid = id->uid, .owner = id->owner, .comm_ns = sample->first_ns};

	assert(index < recorder->known_size);

	if (!info)
		return -ENOMEM;
	if (!is_same_process(recorder->proc, id) ||
	    process_read_info(recorder->proc, id->pid, info) < 0)
		*info = (struct process_info){0};
	if (!budget_take(recorder->budget, id->uid, BUDGET_BYTES,
			 strlen(info->exe) + strlen(info->cmdline) + strlen(info->cgroup),
			 sample->first_ns))
		info->exe[0] = info->cmdline[0] = info->cgroup[0] = 0;
	known.started_usec = recorder->booted_usec + id->start_ns / 1000;
	known.comm = clean_copy(id->process_comm, OX_COMM_BYTES);
	known.exe = strdup(info->exe);
	known.cmdline = strdup(info->cmdline);
	known.unit = strdup(info->unit);
	known.cgroup = strdup(info->cgroup);
	recorder->known_bytes += strlen(info->exe) + strlen(info->cmdline) + strlen(info->unit) +
				 strlen(info->cgroup) + sizeof(info->comm);
	free(info);
	known_done(&recorder->known[index]);
	recorder->known[index] = known;
	if (!known.comm || !known.exe || !known.cmdline || !known.unit || !known.cgroup)
		return -ENOMEM;
	return 0;
}

/* Takes over the name of the process from a newer sample. A process that gave itself another name
 * gets another row. */
static int follow_comm(struct recorder *recorder, const struct sampler_sample *sample,
		       uint32_t index)
{
	struct known_process *known = &recorder->known[index];
	char *comm;

	assert(known->comm);
	if (sample->first_ns < known->comm_ns)
		return 0;
	known->comm_ns = sample->first_ns;
	comm = clean_copy(sample->id->process_comm, OX_COMM_BYTES);
	if (!comm)
		return -ENOMEM;
	if (strcmp(comm, known->comm))
		recorder->processes.ids[index] = 0;
	free(known->comm);
	known->comm = comm;
	return 0;
}

/* True if the key is known, or its user's account has room for one more. */
static bool has_room(struct recorder *recorder, const struct rows *rows, const void *key,
		     size_t length, const struct sampler_sample *sample)
{
	uint32_t index;

	return table_find(rows->table, key, length, &index) == 0 ||
	       budget_take(recorder->budget, sample->id->uid, BUDGET_TASKS, 1, sample->first_ns);
}

static int know_other(struct recorder *recorder, const struct ox_sample *id, uint32_t index)
{
	struct known_process known = {
		.uid = id->uid,
		.owner = id->owner,
		.comm = strdup(RECORDER_OTHER),
		.exe = strdup(""),
		.cmdline = strdup(""),
		.unit = strdup(""),
		.cgroup = strdup(""),
	};

	known_done(&recorder->known[index]);
	recorder->known[index] = known;
	if (!known.comm || !known.exe || !known.cmdline || !known.unit || !known.cgroup)
		return -ENOMEM;
	return 0;
}

/* Adds the one that stands for all processes of an owner that there is no room for. */
static int add_other_process(struct recorder *recorder, const struct ox_sample *id,
			     uint32_t *ret_index)
{
	struct process_key key = {.uid = id->uid, .owner = id->owner};
	int r = rows_intern(&recorder->processes, &key, sizeof(key), ret_index);

	if (r < 0)
		return r;
	recorder->is_limited = true;
	if (r == 0 && *ret_index < recorder->known_size && recorder->known[*ret_index].comm)
		return 0;
	r = array_reserve(recorder->known, recorder->known_size, *ret_index + 1);
	return r < 0 ? r : know_other(recorder, id, *ret_index);
}

int recorder_add_process(struct recorder *recorder, const struct sampler_sample *sample,
			 uint32_t *ret_index)
{
	const struct ox_sample *id = sample->id;
	struct process_key key = {id->start_ns, id->pid, id->exec_id, id->uid, id->owner};
	int r;

	if (!has_room(recorder, &recorder->processes, &key, sizeof(key), sample))
		return add_other_process(recorder, id, ret_index);
	r = rows_intern(&recorder->processes, &key, sizeof(key), ret_index);
	if (r < 0)
		return r;
	/* Where memory ran out the first time, its properties are still missing. */
	if (r == 0 && *ret_index < recorder->known_size && recorder->known[*ret_index].comm)
		return follow_comm(recorder, sample, *ret_index);
	r = array_reserve(recorder->known, recorder->known_size, *ret_index + 1);
	return r < 0 ? r : know_process(recorder, sample, *ret_index);
}

int recorder_add_task(struct recorder *recorder, const struct sampler_sample *sample,
		      uint32_t *ret_process, uint32_t *ret_index)
{
	const struct ox_sample *id = sample->id;
	struct task_key key = {.tid = id->tid};
	int r = recorder_add_process(recorder, sample, &key.process);

	if (r < 0)
		return r;
	*ret_process = key.process;
	memcpy(key.comm, id->thread_comm, sizeof(key.comm));
	if (recorder->is_limited ||
	    !has_room(recorder, &recorder->tasks, &key, sizeof(key), sample)) {
		recorder->is_limited = true;
		key = (struct task_key){.process = key.process, .comm = RECORDER_OTHER};
	}
	r = rows_intern(&recorder->tasks, &key, sizeof(key), ret_index);
	return r < 0 ? r : 0;
}
