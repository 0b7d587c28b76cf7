/* SPDX-License-Identifier: MIT */
/* Sets the filters of the kernel side: which processes which sessions want. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "daemon/base/cleanup.h"
#include "daemon/sampler/internal.h"

static const uint32_t filter_bits[] = {
	[SAMPLER_PID] = OX_FILTER_PID,       [SAMPLER_COMM] = OX_FILTER_COMM,
	[SAMPLER_CGROUP] = OX_FILTER_CGROUP, [SAMPLER_USER] = OX_FILTER_USER,
	[SAMPLER_ALL] = OX_FILTER_ALL,
};

static int filter_map(const struct sampler *sampler, enum sampler_filter filter)
{
	switch (filter) {
	case SAMPLER_PID:
		return bpf_map__fd(sampler->bpf->maps.pids);
	case SAMPLER_COMM:
		return bpf_map__fd(sampler->bpf->maps.comms);
	case SAMPLER_CGROUP:
		return bpf_map__fd(sampler->bpf->maps.cgroups);
	case SAMPLER_USER:
		return bpf_map__fd(sampler->bpf->maps.users);
	case SAMPLER_ALL:
		break;
	}
	return -1;
}

static const void *target_key(const struct sampler_target *target)
{
	switch (target->filter) {
	case SAMPLER_COMM:
		return target->comm;
	case SAMPLER_CGROUP:
		return &target->cgroup_id;
	default:
		return &target->id;
	}
}

static size_t key_size(enum sampler_filter filter)
{
	switch (filter) {
	case SAMPLER_COMM:
		return OX_COMM_BYTES;
	case SAMPLER_CGROUP:
		return sizeof(uint64_t);
	case SAMPLER_ALL:
		return 0;
	default:
		return sizeof(uint32_t);
	}
}

static int compare_keys(const struct sampler_target *a, const struct sampler_target *b)
{
	if (a->filter != b->filter)
		return a->filter < b->filter ? -1 : 1;
	return memcmp(target_key(a), target_key(b), key_size(a->filter));
}

static int compare_targets(const void *a, const void *b)
{
	const struct sampler_target *one = a, *two = b;

	return compare_keys(one, two)
		       ?: (one->target.number > two->target.number) -
				  (one->target.number < two->target.number);
}

/* Merges two targets that name the same. Of two processes that had the same pid only the younger
 * one can still be there. */
static void target_merge(struct ox_target *into, const struct ox_target *other, bool is_pid)
{
	if (is_pid && into->start_min_ns != other->start_min_ns) {
		if (other->start_min_ns > into->start_min_ns)
			*into = *other;
		return;
	}
	into->sessions |= other->sessions;
	into->children |= other->children;
}

/* ---- filters ---- */

int sampler_merge_targets(const struct sampler *sampler, struct sampler_target *targets, size_t n,
			  size_t *ret_n)
{
	size_t kinds[SAMPLER_ALL + 1] = {0}, merged = 0;

	qsort(targets, n, sizeof(*targets), compare_targets);
	for (size_t i = 0; i < n; i++) {
		struct sampler_target *last = merged ? &targets[merged - 1] : NULL;

		assert(targets[i].filter <= SAMPLER_ALL);
		if (last && !compare_keys(last, &targets[i])) {
			target_merge(&last->target, &targets[i].target,
				     last->filter == SAMPLER_PID);
			continue;
		}
		targets[merged++] = targets[i];
		kinds[targets[i].filter]++;
	}
	for (enum sampler_filter filter = SAMPLER_PID; filter < SAMPLER_ALL; filter++)
		if (kinds[filter] > OX_TARGETS_MAX)
			return -E2BIG;
	*ret_n = merged;
	return 0;
}

void sampler_clear_map(int fd)
{
	char key[OX_COMM_BYTES];

	while (!bpf_map_get_next_key(fd, NULL, key))
		if (bpf_map_delete_elem(fd, key) < 0 && errno != ENOENT)
			return;
}

static int put_target(struct sampler *sampler, const struct sampler_target *target)
{
	int fd = filter_map(sampler, target->filter);

	if (fd < 0) {
		sampler->bpf->bss->everything = target->target;
		return 0;
	}
	return bpf_map_update_elem(fd, target_key(target), &target->target, BPF_ANY) < 0 ? -errno
											 : 0;
}

static void drop_target(struct sampler *sampler, const struct sampler_target *target)
{
	int fd = filter_map(sampler, target->filter);

	if (fd < 0)
		sampler->bpf->bss->everything = (struct ox_target){0};
	else
		(void)bpf_map_delete_elem(fd, target_key(target));
}

/* A set of targets, in order. */
struct target_set {
	struct sampler_target *targets;
	size_t n;
};

static const struct sampler_target *target_set_find(const struct target_set *set,
						    const struct sampler_target *wanted)
{
	size_t low = 0, high = set->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare_keys(wanted, &set->targets[middle]);

		if (!order)
			return &set->targets[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int put_changed(struct sampler *sampler, const struct target_set *before,
		       const struct target_set *after)
{
	for (size_t i = 0; i < after->n; i++) {
		const struct sampler_target *target = &after->targets[i];
		const struct sampler_target *seen = target_set_find(before, target);
		int r = seen && !memcmp(&seen->target, &target->target, sizeof(seen->target))
				? 0
				: put_target(sampler, target);

		if (r < 0)
			return r;
	}
	return 0;
}

static void drop_missing(struct sampler *sampler, const struct target_set *before,
			 const struct target_set *after)
{
	for (size_t i = 0; i < before->n; i++)
		if (!target_set_find(after, &before->targets[i]))
			drop_target(sampler, &before->targets[i]);
}

/* Adds what comes before it drops what goes, so that a process which both sets match is never
 * without; unless a map has no room for both. */
static int change_filters(struct sampler *sampler, const struct target_set *before,
			  const struct target_set *after)
{
	int r = put_changed(sampler, before, after);

	drop_missing(sampler, before, after);
	return r == -E2BIG ? put_changed(sampler, before, after) : r;
}

int sampler_set_targets(struct sampler *sampler, struct sampler_target *targets, size_t n,
			bool children)
{
	struct target_set before = {sampler->targets, sampler->n_targets}, after = {targets, n};
	uint32_t filters = children ? OX_FILTER_CHILD : 0;
	int r;

	for (size_t i = 0; i < n; i++)
		filters |= filter_bits[targets[i].filter];
	__atomic_fetch_or(&sampler->bpf->bss->filters, filters, __ATOMIC_SEQ_CST);
	r = change_filters(sampler, &before, &after);
	__atomic_store_n(&sampler->bpf->bss->filters, filters, __ATOMIC_SEQ_CST);
	free(sampler->targets);
	sampler->targets = targets;
	sampler->n_targets = n;
	return r;
}

/* ---- children ---- */

int sampler_follow_children(struct sampler *sampler, bool follow)
{
	if (!follow) {
		bpf_link__destroy(take_ptr(sampler->fork_link));
		bpf_link__destroy(take_ptr(sampler->exit_link));
		return 0;
	}
	if (!sampler->exit_link)
		sampler->exit_link = bpf_program__attach(sampler->bpf->progs.on_exit);
	if (sampler->exit_link && !sampler->fork_link)
		sampler->fork_link = bpf_program__attach(sampler->bpf->progs.on_fork);
	return sampler->exit_link && sampler->fork_link ? 0 : -errno;
}

int sampler_add_child(struct sampler *sampler, uint32_t pid, const struct ox_target *target)
{
	int fd = bpf_map__fd(sampler->bpf->maps.children);
	struct ox_target value = *target, seen;

	if (!bpf_map_lookup_elem(fd, &pid, &seen)) {
		/* The kernel's own entry has the exact start. */
		if (seen.start_min_ns >= value.start_min_ns &&
		    seen.start_min_ns < value.start_max_ns) {
			value.start_min_ns = seen.start_min_ns;
			value.start_max_ns = seen.start_max_ns;
		}
		target_merge(&seen, &value, true);
		value = seen;
	}
	return bpf_map_update_elem(fd, &pid, &value, BPF_ANY) < 0 ? -errno : 0;
}

uint32_t sampler_walk_children(const struct sampler *sampler, const struct ox_children_walk *walk)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = walk, .ctx_size_in = sizeof(*walk));
	int fd = bpf_program__fd(sampler->bpf->progs.walk_children);

	return bpf_prog_test_run_opts(fd, &opts) < 0 ? 0 : opts.retval;
}

uint64_t sampler_count_children(const struct sampler *sampler, uint64_t sessions)
{
	const struct ox_children_walk walk = {.counted = sessions};

	return sampler_walk_children(sampler, &walk);
}
