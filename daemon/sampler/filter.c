/* SPDX-License-Identifier: MIT */
/* Sets the filters of the kernel side: what shall be sampled. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

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

/* Merges two targets with the same key: the result has the rights of either, and leaves out the ids
 * if one needs none. */
static void target_merge(struct ox_target *into, const struct ox_target *other)
{
	uint32_t own = into->want & other->want & OX_WANT_OWN;

	if (own && into->uid != other->uid)
		own = 0; /* cannot be: only with the right one names another's process */
	into->want = ((into->want | other->want) & ~OX_WANT_OWN) | own;
}

void sampler_clear_map(int fd)
{
	char key[OX_COMM_BYTES];

	while (!bpf_map_get_next_key(fd, NULL, key))
		if (bpf_map_delete_elem(fd, key) < 0 && errno != ENOENT)
			return;
}

static int set_target(struct sampler *sampler, const struct sampler_target *target)
{
	struct ox_target value = target->target, seen;
	int fd = filter_map(sampler, target->filter);

	assert(target->filter <= SAMPLER_ALL);
	if (fd < 0) {
		struct ox_target *everything = &sampler->bpf->bss->everything;

		if (sampler->bpf->bss->filters & OX_FILTER_ALL)
			target_merge(&value, everything);
		*everything = value;
	} else {
		if (!bpf_map_lookup_elem(fd, target_key(target), &seen))
			target_merge(&value, &seen);
		if (bpf_map_update_elem(fd, target_key(target), &value, BPF_ANY) < 0)
			return -errno;
	}
	sampler->bpf->bss->filters |= filter_bits[target->filter];
	return 0;
}

int sampler_set_targets(struct sampler *sampler, const struct sampler_target *targets, size_t n,
			bool children)
{
	sampler->bpf->bss->filters = children ? OX_FILTER_CHILD : 0;
	for (enum sampler_filter filter = SAMPLER_PID; filter < SAMPLER_ALL; filter++)
		sampler_clear_map(filter_map(sampler, filter));
	for (size_t i = 0; i < n; i++) {
		int r = set_target(sampler, &targets[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int sampler_add_child(struct sampler *sampler, uint32_t pid, const struct ox_target *target)
{
	int fd = bpf_map__fd(sampler->bpf->maps.children);

	if (bpf_map_update_elem(fd, &pid, target, BPF_NOEXIST) < 0)
		return errno == EEXIST ? 0 : -errno;
	__atomic_fetch_add(&sampler->bpf->bss->n_children, 1, __ATOMIC_RELAXED);
	return 0;
}

void sampler_clear_children(struct sampler *sampler)
{
	sampler_clear_map(bpf_map__fd(sampler->bpf->maps.children));
	sampler->bpf->bss->n_children = 0;
	sampler->bpf->bss->filters &= ~(uint32_t)OX_FILTER_CHILD;
}

uint64_t sampler_count_children(const struct sampler *sampler)
{
	return __atomic_load_n(&sampler->bpf->bss->n_children, __ATOMIC_RELAXED);
}
