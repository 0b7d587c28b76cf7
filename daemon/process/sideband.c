/* SPDX-License-Identifier: MIT */
/*
 * Reads the side band, whose records and their layout are in perf_event_open(2). There is one ring
 * buffer per CPU; each is in order, together they are not. A drain notes the time first and hands
 * out, sorted, what is older than that: what one buffer may still lack is newer. The rest waits for
 * the next drain.
 */
#include "daemon/process/sideband.h"

#include <assert.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/cpus.h"
#include "daemon/base/opener.h"

#define RING_BYTES PERF_EVENT_RING_BYTES

struct ring {
	int fd;
	struct perf_event_mmap_page *page;
};

struct waiting_record {
	uint64_t time_ns;
	uint64_t order;                   /* of arrival: keeps the sort stable */
	struct perf_event_header *record; /* a copy */
};

struct sideband {
	struct ring *rings;
	unsigned n_rings;
	struct waiting_record *waiting;
	size_t n_waiting, size_waiting;
	uint64_t order;
};

/* The end of each record, which sample_id_all puts there, with PERF_SAMPLE_TID |
 * PERF_SAMPLE_TIME. */
struct sample_id {
	uint32_t pid, tid;
	uint64_t time;
};

struct record_comm {
	struct perf_event_header header;
	uint32_t pid, tid;
	char comm[];
};

struct record_task {
	struct perf_event_header header;
	uint32_t pid, ppid, tid, ptid;
	uint64_t time;
};

struct record_mmap2 {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t address, length, offset;
	union {
		struct {
			uint32_t major, minor;
			uint64_t inode, generation;
		};
		struct {
			uint8_t build_id_bytes, reserved1;
			uint16_t reserved2;
			uint8_t build_id[20];
		};
	};
	uint32_t protection, flags;
	char path[];
};

struct record_lost {
	struct perf_event_header header;
	uint64_t id, lost;
};

define_cleanup(struct sideband *, sideband_free);

static int open_ring(struct opener *opener, struct ring *ring, unsigned cpu)
{
	void *p;

	ring->fd = opener_open(opener, PERF_EVENT_SIDE_BAND, cpu);
	if (ring->fd < 0)
		return ring->fd;
	p = mmap(NULL, RING_BYTES + sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
		 ring->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	ring->page = p;
	return 0;
}

static int open_rings(struct sideband *sideband, struct opener *opener)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_CONF);
	_cleanup_free_ bool *online = n_cpus < 1 ? NULL : calloc(n_cpus, sizeof(*online));
	int r;

	if (!online)
		return -ENOMEM;
	r = cpus_read_online(online, n_cpus);
	if (r < 0)
		return r;
	sideband->rings = calloc(n_cpus, sizeof(*sideband->rings));
	if (!sideband->rings)
		return -ENOMEM;
	for (long cpu = 0; cpu < n_cpus; cpu++) {
		r = online[cpu] ? open_ring(opener, &sideband->rings[sideband->n_rings], cpu)
				: -ENODEV;
		if (r == -ENODEV)
			continue; /* offline, maybe since just now */
		sideband->n_rings++;
		if (r < 0)
			return r;
	}
	return 0;
}

int sideband_new(struct opener *opener, struct sideband **ret, char *ret_why, size_t size)
{
	_cleanup_(sideband_free_p) struct sideband *sideband = calloc(1, sizeof(*sideband));
	int r = sideband ? open_rings(sideband, opener) : -ENOMEM;

	if (r < 0) {
		opener_explain(opener, r, "receive process events from the kernel", ret_why, size);
		return r;
	}
	*ret = take_ptr(sideband);
	return 0;
}

struct sideband *sideband_free(struct sideband *sideband)
{
	if (!sideband)
		return NULL;
	for (unsigned i = 0; i < sideband->n_rings; i++) {
		if (sideband->rings[i].page)
			munmap(sideband->rings[i].page, RING_BYTES + sysconf(_SC_PAGESIZE));
		cleanup_close(&sideband->rings[i].fd);
	}
	for (size_t i = 0; i < sideband->n_waiting; i++)
		free(sideband->waiting[i].record);
	free(sideband->waiting);
	free(sideband->rings);
	free(sideband);
	return NULL;
}

int sideband_enable(struct sideband *sideband)
{
	for (unsigned i = 0; i < sideband->n_rings; i++)
		if (ioctl(sideband->rings[i].fd, PERF_EVENT_IOC_ENABLE, 0) < 0)
			return -errno;
	return 0;
}

void sideband_disable(struct sideband *sideband)
{
	for (unsigned i = 0; i < sideband->n_rings; i++)
		(void)ioctl(sideband->rings[i].fd, PERF_EVENT_IOC_DISABLE, 0);
}

unsigned sideband_count(const struct sideband *sideband)
{
	return sideband->n_rings;
}

int sideband_fd(const struct sideband *sideband, unsigned n)
{
	assert(n < sideband->n_rings);
	return sideband->rings[n].fd;
}

/* Copies the record at a position, which may go round the end of the ring. */
static struct perf_event_header *copy_record(const char *data, uint64_t at, size_t size)
{
	char *record = malloc(size);

	for (size_t i = 0; record && i < size; i++)
		record[i] = data[(at + i) & (RING_BYTES - 1)];
	return (struct perf_event_header *)record;
}

/* Keeps a copy of the record at a position until it is handed out. Returns 0 or -ENOMEM. */
static int keep_record(struct sideband *sideband, const char *data, uint64_t at, size_t size,
		       uint64_t *lost)
{
	int r = array_reserve(sideband->waiting, sideband->size_waiting, sideband->n_waiting + 1);
	struct perf_event_header *record;
	const struct sample_id *id;

	assert(size >= sizeof(*record) + sizeof(*id));
	if (r < 0)
		return r;
	record = copy_record(data, at, size);
	if (!record)
		return -ENOMEM;
	if (record->type == PERF_RECORD_LOST)
		*lost += ((struct record_lost *)record)->lost;
	id = (const void *)((const char *)record + size - sizeof(*id));
	sideband->waiting[sideband->n_waiting++] = (struct waiting_record){
		.time_ns = id->time,
		.order = sideband->order++,
		.record = record,
	};
	return 0;
}

static int read_ring(struct sideband *sideband, struct ring *ring, uint64_t *lost)
{
	const char *data = (const char *)ring->page + sysconf(_SC_PAGESIZE);
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	int r = 0;

	while (tail < head && r >= 0) {
		/* A header is 8 bytes and aligned: it never goes round the end. */
		const struct perf_event_header *header =
			(const void *)&data[tail & (RING_BYTES - 1)];
		size_t size = header->size;

		if (size < sizeof(*header) + sizeof(struct sample_id) || size > head - tail) {
			tail = head; /* cannot be; nothing behind it is read */
			break;
		}
		r = keep_record(sideband, data, tail, size, lost);
		tail += size;
	}
	__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
	return r;
}

static int compare_waiting(const void *a, const void *b)
{
	const struct waiting_record *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Copies the text between `text` and the sample_id at the record's end, as a string. */
static void copy_text(const struct perf_event_header *record, const char *text, char *ret,
		      size_t size)
{
	const char *end = (const char *)record + record->size - sizeof(struct sample_id);
	size_t length = end > text ? strnlen(text, end - text) : 0;

	assert(size > 0);
	if (length >= size)
		length = size - 1;
	memcpy(ret, text, length);
	ret[length] = 0;
}

static bool decode_mmap(const struct perf_event_header *header, struct sideband_event *event)
{
	const struct record_mmap2 *record = (const void *)header;
	struct mapping *mapping = &event->mapping;

	if (header->size < sizeof(*record) + sizeof(struct sample_id) || !record->length)
		return false;
	event->kind = SIDEBAND_MAP;
	event->pid = record->pid;
	mapping->start = record->address;
	mapping->end = record->address + record->length;
	mapping->file_offset = record->offset;
	mapping->since_ns = event->time_ns;
	if (header->misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		mapping->build_id_bytes =
			record->build_id_bytes > BUILD_ID_BYTES ? 0 : record->build_id_bytes;
		memcpy(mapping->build_id, record->build_id, BUILD_ID_BYTES);
	} else {
		mapping->dev_major = record->major;
		mapping->dev_minor = record->minor;
		mapping->inode = record->inode;
	}
	copy_text(header, record->path, event->path, sizeof(event->path));
	mapping->path = event->path;
	return mapping->end > mapping->start;
}

/* True if the record is an event for sideband_fn, which is then in *event. */
static bool decode(const struct waiting_record *waiting, struct sideband_event *event)
{
	const struct perf_event_header *header = waiting->record;
	const struct record_task *task = (const void *)header;
	const struct record_comm *comm = (const void *)header;

	memset(event, 0, offsetof(struct sideband_event, path));
	event->path[0] = 0;
	event->time_ns = waiting->time_ns;
	switch (header->type) {
	case PERF_RECORD_MMAP2:
		return decode_mmap(header, event);
	case PERF_RECORD_COMM:
		event->kind = SIDEBAND_EXEC;
		event->pid = comm->pid;
		copy_text(header, comm->comm, event->comm, sizeof(event->comm));
		return header->misc & PERF_RECORD_MISC_COMM_EXEC;
	case PERF_RECORD_FORK:
		event->kind = SIDEBAND_FORK;
		event->pid = task->pid;
		event->parent = task->ppid;
		return task->pid != task->ppid && task->pid == task->tid;
	case PERF_RECORD_EXIT:
		event->kind = SIDEBAND_EXIT;
		event->pid = task->pid;
		return task->pid == task->tid;
	default:
		return false;
	}
}

static int hand_out(struct sideband *sideband, uint64_t until_ns, sideband_fn fn, void *userdata)
{
	_cleanup_free_ struct sideband_event *event = malloc(sizeof(*event));
	size_t n = 0;
	int r = 0;

	if (!event)
		return -ENOMEM;
	while (r >= 0 && n < sideband->n_waiting && sideband->waiting[n].time_ns <= until_ns) {
		if (decode(&sideband->waiting[n], event))
			r = fn(userdata, event);
		free(sideband->waiting[n++].record);
	}
	sideband->n_waiting -= n;
	if (n)
		memmove(sideband->waiting, sideband->waiting + n,
			sideband->n_waiting * sizeof(*sideband->waiting));
	return r < 0 ? r : 0;
}

int sideband_drain(struct sideband *sideband, sideband_fn fn, void *userdata, uint64_t *lost)
{
	uint64_t now_ns = clock_monotonic_ns();

	assert(fn && lost);
	for (unsigned i = 0; i < sideband->n_rings; i++) {
		int r = read_ring(sideband, &sideband->rings[i], lost);

		if (r < 0)
			return r;
	}
	if (sideband->n_waiting)
		qsort(sideband->waiting, sideband->n_waiting, sizeof(*sideband->waiting),
		      compare_waiting);
	return hand_out(sideband, now_ns, fn, userdata);
}
