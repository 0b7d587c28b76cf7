/* SPDX-License-Identifier: MIT */
/* Code made at run time: its names are in the perf map or jitdump that the process itself writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/process/process.h"
#include "daemon/process/rights.h"
#include "daemon/resolver/internal.h"

static bool is_jitdump(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && fnmatch("jit-*.dump", slash + 1, 0) == 0;
}

bool resolver_is_jit(const struct mapping *mapping)
{
	const char *path = mapping->path;

	if (mapping_is_file(mapping))
		return strncmp(path, "/memfd:", 7) == 0 || is_jitdump(path);
	return !mapping_is_vdso(mapping) && strcmp(path, "[vsyscall]") != 0 &&
	       strcmp(path, "[uprobes]") != 0;
}

int resolver_find_jit(struct resolver *resolver, const struct image *image, struct jit **ret)
{
	uint64_t key = image->id;
	uint32_t index;
	int r = table_intern(resolver->jits, &key, sizeof(key), &index);

	if (r < 0)
		return r;
	if (array_reserve(resolver->jit, resolver->jit_size, index + 1) < 0)
		return -ENOMEM;
	if (r > 0)
		resolver->jit[index] = (struct jit){};
	*ret = &resolver->jit[index];
	return 0;
}

/*
 * True if the file is the process's own. Anybody can write to /tmp, so the file must belong to the
 * process's user or to root. A file from before the process began belongs to an earlier process of
 * the same pid.
 */
static bool is_its_own(const struct resolver *resolver, const struct image *image,
		       const struct process_ids *ids, const struct stat *st)
{
	uint64_t tick_usec = UINT64_C(1000000) / sysconf(_SC_CLK_TCK), began_usec, age_usec;
	struct process_stat stat;

	if (st->st_uid != ids->euid && st->st_uid != 0)
		return false;
	if (process_read_stat(resolver->proc, image->pid, &stat) < 0)
		return false;
	age_usec = clock_boottime_ns() / 1000 - stat.start_ticks * tick_usec;
	began_usec = clock_realtime_usec() - age_usec;
	return (st->st_mtim.tv_sec + 2) * UINT64_C(1000000) > began_usec;
}

/* Opens the jitdump that the process has mapped: by convention the mapping shows where it is. */
static int open_jitdump(const struct resolver *resolver, const struct image *image, uint64_t at_ns,
			enum source_kind *ret_kind)
{
	_cleanup_free_ struct maps_view *views = NULL;
	ssize_t n = maps_list(image->maps, at_ns, &views);

	*ret_kind = SOURCE_JITDUMP;
	for (ssize_t i = 0; i < n; i++)
		if (is_jitdump(views[i].mapping->path))
			return process_open_mapped(resolver->proc, image->pid, views[i].mapping);
	return -ENOENT;
}

static int open_perf_map(const struct resolver *resolver, const struct image *image,
			 const struct process_ids *ids, enum source_kind *ret_kind)
{
	char path[64];
	const struct named_file named = {
		.proc = resolver->proc, .pid = image->pid, .path = path, .no_follow = true};
	struct deputy_rights rights;
	int r = rights_read(resolver->proc, image->pid, &rights);

	if (r < 0)
		return r;
	*ret_kind = SOURCE_PERF_MAP;
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", ids->ns_pid);
	return inspect_open(resolver->inspector, &named, &rights);
}

static int open_file(const struct resolver *resolver, const struct image *image, uint64_t at_ns,
		     enum source_kind *ret_kind, struct stat *ret_stat)
{
	_cleanup_close_ int fd = -1;
	struct process_ids ids;
	int r = process_read_ids(resolver->proc, image->pid, &ids);

	if (r < 0)
		return r;
	fd = open_jitdump(resolver, image, at_ns, ret_kind);
	if (fd < 0)
		fd = open_perf_map(resolver, image, &ids, ret_kind);
	if (fd < 0)
		return fd;
	if (fstat(fd, ret_stat) < 0)
		return -errno;
	return is_its_own(resolver, image, &ids, ret_stat) ? take_fd(&fd) : -EPERM;
}

static int intern_file(struct resolver *resolver, const struct image *image, enum source_kind kind,
		       const struct stat *st, uint32_t *ret)
{
	struct source_key key = {
		.kind = kind,
		.image = image->id,
		.id = file_id_of(st),
	};

	return resolver_intern_source(resolver, &key, "[jit]", ret);
}

bool resolver_may_open_jit(struct resolver *resolver, const struct image *image)
{
	struct jit *jit;

	return resolver_find_jit(resolver, image, &jit) == 0 &&
	       clock_monotonic_ns() - jit->opened_ns >= RESOLVER_JIT_NS;
}

int resolver_open_jit(struct resolver *resolver, const struct image *image, uint64_t at_ns,
		      uint32_t *ret)
{
	uint64_t now_ns = clock_monotonic_ns();
	int fds[3] = {-1, -1, -1};
	enum source_kind kind;
	uint32_t index;
	struct jit *jit;
	struct stat st;
	int r = resolver_find_jit(resolver, image, &jit);

	if (r < 0)
		return r;
	*ret = jit->source;
	if (jit->source && resolver->source[jit->source - 1].batch)
		return 0;
	if (jit->missing_ns && now_ns - jit->missing_ns < RESOLVER_JIT_NS)
		return 0;
	fds[0] = open_file(resolver, image, at_ns, &kind, &st);
	jit->opened_ns = now_ns;
	jit->missing_ns = fds[0] < 0 ? now_ns : 0;
	if (fds[0] < 0)
		return 0;
	r = intern_file(resolver, image, kind, &st, &index);
	if (r < 0 ||
	    (jit->source && jit->source != index + 1 && now_ns - jit->read_ns < RESOLVER_JIT_NS)) {
		close(fds[0]);
		return r;
	}
	if (jit->source != index + 1)
		jit->read_ns = now_ns;
	*ret = jit->source = index + 1;
	return resolver_add_batch(resolver, index,
				  kind == SOURCE_JITDUMP ? SYMBOLIZER_JITDUMP : SYMBOLIZER_PERF_MAP,
				  fds);
}
