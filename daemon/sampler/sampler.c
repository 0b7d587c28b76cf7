/* SPDX-License-Identifier: MIT */
#include "daemon/sampler/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "daemon/base/cleanup.h"

/* Memory of one arena: this much log for each CPU, within these bounds in all. */
#define LOG_BYTES_PER_CPU (UINT64_C(4) << 20)
#define LOG_BYTES_MIN     (UINT64_C(8) << 20)
#define LOG_BYTES_MAX     (UINT64_C(32) << 20)
#define SLOTS_MAX         (UINT64_C(1) << 19)

define_cleanup(struct sampler *, sampler_free);

static uint64_t power_of_two(uint64_t n)
{
	uint64_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

static uint64_t clamp(uint64_t n, uint64_t low, uint64_t high)
{
	return n < low ? low : n > high ? high : n;
}

/* Finds the daemon's pid namespace, as the kernel numbers it: /proc shows only what is below its
 * mount. */
static int find_namespace(struct sampler_bpf *bpf)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int r = bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.find_namespace), &opts);

	return r < 0 ? r : opts.retval ? -EIO : 0;
}

/* Returns the offset of a member, in bytes; 0 where the kernel has no such struct or member. */
static uint32_t find_offset(const struct btf *btf, const char *name, const char *member)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, id);

	for (unsigned i = 0; type && i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), member))
			return btf_member_bit_offset(type, i) / 8;
	return 0;
}

/* Sets what the programs have to know of this kernel beside their relocations (bpf/kernel.h). */
static int set_offsets(struct sampler_bpf *bpf)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return -errno;
	bpf->rodata->dumpable_offset = find_offset(btf, "task_exec_state", "dumpable");
	btf__free(btf);
	return 0;
}

static int set_sizes(struct sampler *sampler)
{
	struct sampler_bpf *bpf = sampler->bpf;
	uint64_t log_bytes =
		clamp(sampler->n_cpus * LOG_BYTES_PER_CPU, LOG_BYTES_MIN, LOG_BYTES_MAX);
	uint32_t chunks = log_bytes / (OX_CHUNK_WORDS * 8);
	int r;

	sampler->log_words = log_bytes / 8;
	sampler->index_slots =
		clamp(power_of_two(sampler->n_cpus * UINT64_C(65536)), OX_SLOT_BLOCK, SLOTS_MAX);
	bpf->rodata->log_chunks = chunks;
	sampler_set_layouts(sampler);
	bpf->rodata->slot_blocks = sampler->index_slots / OX_SLOT_BLOCK;
	if (getrandom((void *)&bpf->rodata->hash_seed, 8, 0) != 8)
		return -EIO;
	r = bpf_map__set_max_entries(bpf->maps.logs, chunks * 2);
	if (r < 0)
		return r;
	r = bpf_map__set_max_entries(bpf->maps.indexes, bpf->rodata->slot_blocks * 2);
	if (r < 0)
		return r;
	r = bpf_map__set_max_entries(bpf->maps.cpus, sampler->n_cpus);
	return r < 0 ? r : bpf_map__set_max_entries(bpf->maps.paces, sampler->n_cpus);
}

static void *map_memory(struct bpf_map *map, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return p == MAP_FAILED ? NULL : p;
}

static int load_programs(struct sampler *sampler, uint64_t unwind_bytes)
{
	int r;

	sampler->bpf = sampler_bpf__open();
	if (!sampler->bpf)
		return -errno;
	r = set_offsets(sampler->bpf);
	if (r < 0)
		return r;
	r = set_sizes(sampler);
	if (r < 0)
		return r;
	r = sampler_blocks_init(sampler, unwind_bytes);
	if (r < 0)
		return r;
	r = sampler_bpf__load(sampler->bpf);
	return r < 0 ? r : find_namespace(sampler->bpf);
}

static int map_all(struct sampler *sampler)
{
	struct sampler_bpf *bpf = sampler->bpf;

	sampler->logs = map_memory(bpf->maps.logs, sampler->log_words * 16);
	sampler->indexes = map_memory(bpf->maps.indexes, sampler->index_slots * 16);
	sampler->cpus = map_memory(bpf->maps.cpus, sampler->n_cpus * sizeof(struct ox_cpu));
	sampler->paces = map_memory(bpf->maps.paces, sampler->n_cpus * sizeof(struct ox_paces));
	sampler->rules = map_memory(bpf->maps.rules, sizeof(struct ox_rule) * OX_RULES_MAX);
	return sampler->logs && sampler->indexes && sampler->cpus && sampler->paces &&
			       sampler->rules
		       ? 0
		       : -ENOMEM;
}

static int load(struct sampler *sampler, uint64_t unwind_bytes)
{
	int r = load_programs(sampler, unwind_bytes);

	if (r < 0)
		return r;
	r = map_all(sampler);
	if (r < 0)
		return r;
	r = sampler_events_init(sampler);
	return r < 0 ? r : sampler_definitions_init(sampler);
}

static struct sampler *allocate(void)
{
	_cleanup_(sampler_free_p) struct sampler *sampler = calloc(1, sizeof(*sampler));
	int n_cpus = libbpf_num_possible_cpus();

	if (!sampler || n_cpus < 1)
		return NULL;
	sampler->event_fds = malloc(n_cpus * sizeof(int));
	sampler->link_fds = malloc(n_cpus * sizeof(int));
	sampler->seen_entries = calloc(n_cpus, sizeof(*sampler->seen_entries));
	sampler->online = calloc(n_cpus, sizeof(*sampler->online));
	if (!sampler->event_fds || !sampler->link_fds || !sampler->seen_entries || !sampler->online)
		return NULL;
	memset(sampler->event_fds, -1, n_cpus * sizeof(int));
	memset(sampler->link_fds, -1, n_cpus * sizeof(int));
	sampler->n_cpus = n_cpus;
	return take_ptr(sampler);
}

int sampler_new(uint64_t unwind_bytes, struct sampler **ret, struct sampler_report *report)
{
	_cleanup_(sampler_free_p) struct sampler *sampler = NULL;
	int r;

	report_begin(report);
	sampler = allocate();
	r = sampler ? load(sampler, unwind_bytes) : -ENOMEM;
	report_end();
	if (r < 0) {
		report_explain_load(report, r);
		return r;
	}
	*ret = take_ptr(sampler);
	return 0;
}

struct sampler *sampler_free(struct sampler *sampler)
{
	if (!sampler)
		return NULL;
	sampler_close(sampler);
	if (sampler->logs)
		munmap(sampler->logs, sampler->log_words * 16);
	if (sampler->indexes)
		munmap(sampler->indexes, sampler->index_slots * 16);
	if (sampler->cpus)
		munmap(sampler->cpus, sampler->n_cpus * sizeof(struct ox_cpu));
	if (sampler->paces)
		munmap(sampler->paces, sampler->n_cpus * sizeof(struct ox_paces));
	if (sampler->rules)
		munmap(sampler->rules, sizeof(struct ox_rule) * OX_RULES_MAX);
	ring_buffer__free(sampler->events);
	ring_buffer__free(sampler->parts);
	sampler_blocks_done(sampler);
	bpf_link__destroy(sampler->idle_link);
	bpf_link__destroy(sampler->fault_link);
	bpf_link__destroy(sampler->fork_link);
	bpf_link__destroy(sampler->exit_link);
	sampler_bpf__destroy(sampler->bpf);
	free(sampler->event_fds);
	free(sampler->link_fds);
	free(sampler->seen_entries);
	free(sampler->online);
	free(sampler->targets);
	free(sampler);
	return NULL;
}

int sampler_read_ksyms(struct sampler *sampler, sampler_text_fn fn, void *userdata)
{
	struct bpf_link *link = bpf_program__attach_iter(sampler->bpf->progs.list_ksyms, NULL);
	_cleanup_close_ int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -errno;
	char text[65536];
	size_t held = 0;
	ssize_t n = 0;
	int r = fd < 0 ? fd : 0;

	while (r >= 0 && (n = read(fd, text + held, sizeof(text) - held)) > 0) {
		char *end = memrchr(text, '\n', held + n);
		size_t whole = end ? (size_t)(end + 1 - text) : 0;

		r = fn(userdata, text, whole);
		held += n - whole;
		memmove(text, text + whole, held);
		if (held == sizeof(text))
			r = -EPROTO;
	}
	bpf_link__destroy(link);
	return r < 0 ? r : n < 0 ? -errno : 0;
}
