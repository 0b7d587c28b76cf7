/* SPDX-License-Identifier: MIT */
/* One sample of the kernel's to one count that is pending: who it was, and which stack. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/array.h"
#include "daemon/parse.h"
#include "daemon/process.h"
#include "daemon/recorder_private.h"

/* Is the process that /proc shows the one that was sampled? Start times there are clock ticks. */
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
	struct known_process known = {.uid = id->uid, .comm_ns = sample->first_ns};

	if (!info)
		return -ENOMEM;
	if (!is_same_process(recorder->proc, id) ||
	    process_read_info(recorder->proc, id->pid, info) < 0)
		*info = (struct process_info){0};
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

/* A process may give itself another name: the last one counts, and is written again. */
static int follow_comm(struct recorder *recorder, const struct sampler_sample *sample,
		       uint32_t index)
{
	struct known_process *known = &recorder->known[index];
	char *comm;

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

static int add_process(struct recorder *recorder, const struct sampler_sample *sample,
		       uint32_t *ret_index)
{
	const struct ox_sample *id = sample->id;
	struct process_key key = {id->start_ns, id->pid, id->exec_id};
	int r = rows_intern(&recorder->processes, &key, sizeof(key), ret_index);

	if (r < 0)
		return r;
	/* Where memory ran out the first time, nothing is known of it yet. */
	if (r == 0 && *ret_index < recorder->known_size && recorder->known[*ret_index].comm)
		return follow_comm(recorder, sample, *ret_index);
	r = array_fit(recorder->known, recorder->known_size, *ret_index + 1);
	return r < 0 ? r : know_process(recorder, sample, *ret_index);
}

static int add_task(struct recorder *recorder, const struct sampler_sample *sample,
		    uint32_t *ret_index)
{
	const struct ox_sample *id = sample->id;
	struct task_key key = {.tid = id->tid};
	int r = add_process(recorder, sample, &key.process);

	if (r < 0)
		return r;
	memcpy(key.comm, id->thread_comm, sizeof(key.comm));
	r = rows_intern(&recorder->tasks, &key, sizeof(key), ret_index);
	return r < 0 ? r : 0;
}

static int add_node(struct recorder *recorder, uint32_t frame, uint32_t *node)
{
	struct node_key key = {*node, frame};
	uint32_t index;
	int r = rows_intern(&recorder->nodes, &key, sizeof(key), &index);

	if (r >= 0)
		*node = index + 1;
	return r < 0 ? r : 0;
}

static const struct image *find_image(struct recorder *recorder,
				      const struct sampler_sample *sample)
{
	return sample->n_user ? images_find(recorder->images, sample->id->pid, sample->first_ns)
			      : NULL;
}

/*
 * How many of the user frames are to be believed. The kernel side followed them by what was mapped
 * at as_of_ns: of code that came later it had another file's table or none, so what is above that
 * is a guess. Where it had no ranges at all it followed frame pointers to wherever they led.
 */
static uint32_t count_believed(const struct image *image, const struct sampler_sample *sample,
			       enum ox_end *end)
{
	uint64_t as_of_ns = sample->id->as_of_ns;

	*end = sample->end;
	if (!image || (as_of_ns && as_of_ns >= image->changed_ns))
		return sample->n_user;
	for (uint32_t i = 0; i < sample->n_user; i++) {
		const struct mapping *mapping =
			maps_find(image->maps, sample->user[i] - (i > 0), sample->first_ns);

		if (mapping && (!as_of_ns || mapping->since_ns <= as_of_ns))
			continue;
		if (mapping || i > 0)
			*end = OX_END_NO_TABLE;
		if (mapping)
			return i + 1;
		if (i > 0)
			return i;
	}
	return sample->n_user;
}

static void count_end(struct recorder *recorder, const struct sampler_sample *sample,
		      enum ox_end end)
{
	static const enum ox_loss losses[] = {
		[OX_END_CUT] = OX_LOST_CUT,
		[OX_END_NO_TABLE] = OX_LOST_NO_TABLE,
		[OX_END_BROKEN] = OX_LOST_BROKEN,
		[OX_END_NO_RULE] = OX_LOST_NO_RULE,
		[OX_END_UNREADABLE] = OX_LOST_USER_STACK,
	};
	recorder->totals.ends[end] += sample->count;
	if (end != OX_END_ROOT)
		recorder->lost[losses[end]] += sample->count;
	recorder->shares[sample->id->target].ends[end] += sample->count;
}

static int add_end(struct recorder *recorder, enum ox_end end, uint32_t *node)
{
	uint32_t frame;
	int r = resolver_name_end(recorder->resolver, end, &frame);

	return r < 0 ? r : add_node(recorder, frame, node);
}

/* One address is several frames where functions were inlined. */
static int add_address(struct recorder *recorder, const struct image *image, uint64_t address,
		       uint64_t at_ns, uint32_t *node)
{
	uint32_t frames[RESOLVER_INLINES_MAX], n;
	int r = resolver_name_user(recorder->resolver, image, address, at_ns, frames, &n);

	for (uint32_t i = 0; i < n && r >= 0; i++)
		r = add_node(recorder, frames[i], node);
	return r;
}

/* Root first, so from the outermost one. A caller's address is the one it returns to: the call is
 * before it. */
static int add_user_stack(struct recorder *recorder, const struct sampler_sample *sample,
			  uint32_t *node)
{
	const struct image *image = find_image(recorder, sample);
	enum ox_end end;
	uint32_t n = count_believed(image, sample, &end);
	int r = 0;

	if (!sample->n_user)
		return 0;
	if (!image)
		recorder->lost[OX_LOST_GONE] += sample->count;
	count_end(recorder, sample, end);
	if (end != OX_END_ROOT)
		r = add_end(recorder, end, node);
	for (uint32_t i = n; i-- > 0 && r >= 0;)
		r = add_address(recorder, image, sample->user[i] - (i > 0), sample->first_ns, node);
	return r;
}

int recorder_want(void *userdata, const struct sampler_sample *sample)
{
	struct recorder *recorder = userdata;
	const struct image *image = find_image(recorder, sample);
	uint32_t process;
	/* Now, while it is there: its names may take a while. */
	int r = add_process(recorder, sample, &process);

	unwinder_touch(recorder->unwinder, sample->id->pid, sample->first_ns);
	for (uint32_t i = 0; i < sample->n_user && r >= 0; i++)
		r = resolver_want(recorder->resolver, image, sample->user[i] - (i > 0),
				  sample->first_ns);
	return r;
}

static int add_kernel_stack(struct recorder *recorder, const struct sampler_sample *sample,
			    uint32_t *node)
{
	int r = sample->kernel_cut ? add_end(recorder, OX_END_CUT, node) : 0;
	uint32_t frame;

	if (sample->n_kernel)
		recorder_refresh_ksyms(recorder);
	for (uint32_t i = sample->n_kernel; i-- > 0 && r >= 0;) {
		r = resolver_name_kernel(recorder->resolver, recorder->ksyms,
					 sample->kernel[i] - (i > 0), &frame);
		r = r < 0 ? r : add_node(recorder, frame, node);
	}
	return r;
}

static int count_row(struct recorder *recorder, uint32_t task, uint32_t node, uint64_t count)
{
	struct row_key key = {recorder->totals.session, recorder->window, task, node, 0};
	uint32_t index;
	bool is_new;
	int r;

	if (table_count(recorder->pending) >= RECORDER_PENDING_MAX) {
		recorder->lost[OX_LOST_STORE] += count;
		return 0;
	}
	r = table_intern(recorder->pending, &key, sizeof(key), &index);
	if (r < 0)
		return r;
	is_new = r > 0;
	r = array_fit(recorder->counts, recorder->counts_size, index + 1);
	if (r < 0)
		return r;
	recorder->counts[index] = (is_new ? 0 : recorder->counts[index]) + count;
	return 0;
}

int recorder_take(void *userdata, const struct sampler_sample *sample)
{
	struct recorder *recorder = userdata;
	uint32_t task, node = 0;
	int r = array_fit(recorder->shares, recorder->shares_size, (size_t)sample->id->target + 1);

	recorder->totals.samples += sample->count;
	if (r >= 0)
		recorder->shares[sample->id->target].samples += sample->count;
	r = r < 0 ? r : add_task(recorder, sample, &task);
	r = r < 0 ? r : add_user_stack(recorder, sample, &node);
	r = r < 0 ? r : add_kernel_stack(recorder, sample, &node);
	r = r < 0 ? r : count_row(recorder, task, node, sample->count);
	if (r < 0)
		recorder->lost[OX_LOST_STORE] += sample->count;
	return r;
}
