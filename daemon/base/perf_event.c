/* SPDX-License-Identifier: MIT */
#include "daemon/base/perf_event.h"

#include <assert.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/api.h"

static const struct perf_event_attr attributes[PERF_EVENT_KINDS] = {
	[PERF_EVENT_TICK] =
		{
			.type = PERF_TYPE_SOFTWARE,
			.size = sizeof(struct perf_event_attr),
			.config = PERF_COUNT_SW_CPU_CLOCK,
			.sample_period = OX_INTERVAL_MAX_NS,
			.disabled = 1,
		},
	[PERF_EVENT_SIDE_BAND] =
		{
			.type = PERF_TYPE_SOFTWARE,
			.size = sizeof(struct perf_event_attr),
			.config = PERF_COUNT_SW_DUMMY,
			.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
			.sample_id_all = 1,
			.disabled = 1,
			.mmap = 1,
			.mmap2 = 1,
			.build_id = 1,
			.comm = 1,
			.comm_exec = 1,
			.task = 1,
			.use_clockid = 1,
			.clockid = CLOCK_MONOTONIC, /* bpf_ktime_get_ns() */
			.watermark = 1,
			.wakeup_watermark = PERF_EVENT_RING_BYTES / 2,
		},
};

int perf_event_open_disabled(enum perf_event_kind kind, unsigned cpu)
{
	/* The kernel reads the attributes from user memory, and writes to them where it knows
	 * fewer. */
	struct perf_event_attr attr;
	int fd;

	assert(kind > 0 && kind < PERF_EVENT_KINDS);
	attr = attributes[kind];
	fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool perf_event_is(int fd)
{
	uint64_t id;

	return ioctl(fd, PERF_EVENT_IOC_ID, &id) == 0;
}
