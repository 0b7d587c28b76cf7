/* SPDX-License-Identifier: MIT */
/* The timers, one for each CPU. All sessions share them; they run at the shortest interval of all.
 */
#include <assert.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/cpus.h"
#include "daemon/base/opener.h"
#include "daemon/sampler/internal.h"

static int open_timer(struct sampler *sampler, struct opener *opener, unsigned cpu)
{
	_cleanup_close_ int fd = opener_open(opener, PERF_EVENT_TICK, cpu), link = -1;

	if (fd < 0)
		return fd;
	/* bpf_program__attach_perf_event() would enable the event, too. */
	link = bpf_link_create(bpf_program__fd(sampler->bpf->progs.on_tick), fd, BPF_PERF_EVENT,
			       NULL);
	if (link < 0)
		return -errno;
	sampler->event_fds[cpu] = take_fd(&fd);
	sampler->link_fds[cpu] = take_fd(&link);
	return 0;
}

static void close_timer(struct sampler *sampler, unsigned cpu)
{
	cleanup_close(&sampler->link_fds[cpu]);
	cleanup_close(&sampler->event_fds[cpu]);
	sampler->link_fds[cpu] = sampler->event_fds[cpu] = -1;
}

/* Opens the timers that are missing. A CPU that goes offline meanwhile gets none, which is no
 * failure. */
static int open_timers(struct sampler *sampler, struct opener *opener)
{
	int r = cpus_read_online(sampler->online, sampler->n_cpus);
	bool any = false;

	if (r < 0)
		return r;
	for (unsigned cpu = 0; cpu < sampler->n_cpus; cpu++) {
		if (sampler->event_fds[cpu] < 0 && sampler->online[cpu])
			r = open_timer(sampler, opener, cpu);
		if (r < 0 && r != -ENODEV)
			return r;
		any |= sampler->event_fds[cpu] >= 0;
	}
	return any ? 0 : -ENODEV;
}

int sampler_open(struct sampler *sampler, struct opener *opener, struct sampler_report *report)
{
	int r = open_timers(sampler, opener);

	if (r < 0)
		opener_explain(opener, r, "open a timer on each CPU", report->why,
			       sizeof(report->why));
	return r;
}

void sampler_close(struct sampler *sampler)
{
	for (unsigned cpu = 0; cpu < sampler->n_cpus; cpu++)
		close_timer(sampler, cpu);
}

static int control_timers(struct sampler *sampler, unsigned long request, void *argument)
{
	int r = 0;

	for (unsigned cpu = 0; cpu < sampler->n_cpus; cpu++)
		if (sampler->event_fds[cpu] >= 0 &&
		    ioctl(sampler->event_fds[cpu], request, argument) < 0)
			r = -errno;
	return r;
}

bool sampler_is_enabled(const struct sampler *sampler)
{
	return sampler->idle_link;
}

int sampler_set_period(struct sampler *sampler, uint64_t period_ns)
{
	assert(period_ns > 0);
	return control_timers(sampler, PERF_EVENT_IOC_PERIOD, &period_ns);
}

/* Begins the paces of all sessions anew: none has missed a tick while there were none. */
static void begin_paces(struct sampler *sampler)
{
	for (unsigned cpu = 0; cpu < sampler->n_cpus; cpu++) {
		sampler->cpus[cpu].woken_ns = 0;
		for (unsigned slot = 0; slot < OX_SESSIONS_MAX; slot++)
			sampler->paces[cpu].slots[slot].next_ns =
				sampler->paces[cpu].slots[slot].last_ns = 0;
	}
}

int sampler_enable(struct sampler *sampler)
{
	_cleanup_(opener_done) struct opener opener;
	int r;

	assert(sampler->bpf->bss->running && sampler->bpf->bss->period_ns);
	opener_init(&opener, OX_OPENER_PATH);
	sampler_disable(sampler);
	r = open_timers(sampler, &opener);
	if (r < 0)
		return r;
	r = sampler_set_period(sampler, sampler->bpf->bss->period_ns);
	if (r < 0)
		return r;
	begin_paces(sampler);
	sampler_clear_arena(sampler, 0);
	sampler_clear_arena(sampler, 1);
	sampler->idle_link = bpf_program__attach(sampler->bpf->progs.on_idle);
	sampler->fault_link = bpf_program__attach(sampler->bpf->progs.on_fault);
	r = sampler->idle_link && sampler->fault_link
		    ? control_timers(sampler, PERF_EVENT_IOC_ENABLE, NULL)
		    : -errno;
	if (r < 0)
		sampler_disable(sampler);
	return r;
}

int sampler_disable(struct sampler *sampler)
{
	bpf_link__destroy(take_ptr(sampler->idle_link));
	bpf_link__destroy(take_ptr(sampler->fault_link));
	return control_timers(sampler, PERF_EVENT_IOC_DISABLE, NULL);
}

/* ---- CPUs that go and come ---- */

static uint64_t read_clock(int fd)
{
	uint64_t ns = 0;

	return read(fd, &ns, sizeof(ns)) == sizeof(ns) ? ns : 0;
}

/* True if the timer does not run any more. The kernel ends it with its CPU and does not start it
 * again. A long interval or a deeply sleeping CPU has no tick for a while, either; but the clock of
 * a timer that runs goes on. Reading it would wake the CPU: so it is read only where there was no
 * tick. */
static bool is_dead(struct sampler *sampler, unsigned cpu)
{
	uint64_t entries = __atomic_load_n(&sampler->cpus[cpu].entries, __ATOMIC_RELAXED);
	uint64_t clock_ns;

	if (entries != sampler->seen_entries[cpu]) {
		sampler->seen_entries[cpu] = entries;
		return false;
	}
	clock_ns = read_clock(sampler->event_fds[cpu]);
	return read_clock(sampler->event_fds[cpu]) == clock_ns;
}

/* Starts the timer of a CPU that came. Nothing was missed while it was gone. Where it has slept
 * since it came, on_idle() knows until when: what it did from then on was missed. */
static int start_timer(struct sampler *sampler, struct opener *opener, unsigned cpu)
{
	uint64_t *woken_ns = &sampler->cpus[cpu].woken_ns, period_ns;
	int r = open_timer(sampler, opener, cpu);

	if (r < 0)
		return r;
	if (!*woken_ns)
		*woken_ns = clock_monotonic_ns();
	period_ns = sampler->bpf->bss->period_ns;
	if (ioctl(sampler->event_fds[cpu], PERF_EVENT_IOC_PERIOD, &period_ns) < 0 ||
	    ioctl(sampler->event_fds[cpu], PERF_EVENT_IOC_ENABLE, NULL) < 0) {
		r = -errno;
		close_timer(sampler, cpu);
	}
	return r;
}

/* Checks one CPU. Returns 1 where a timer was opened, else 0 or a negative errno. */
static int check_cpu(struct sampler *sampler, struct opener *opener, unsigned cpu)
{
	bool has_timer = sampler->event_fds[cpu] >= 0;
	int r;

	if (!sampler->online[cpu]) {
		if (has_timer) {
			close_timer(sampler, cpu);
			sampler->cpus[cpu].woken_ns = 0;
		}
		return 0;
	}
	if (has_timer && !is_dead(sampler, cpu))
		return 0;
	close_timer(sampler, cpu);
	r = start_timer(sampler, opener, cpu);
	return r == -ENODEV ? 0 : r < 0 ? r : 1;
}

int sampler_check_cpus(struct sampler *sampler)
{
	_cleanup_(opener_done) struct opener opener;
	int r = cpus_read_online(sampler->online, sampler->n_cpus), n = 0, failed = 0;

	assert(sampler_is_enabled(sampler));
	if (r < 0)
		return r;
	opener_init(&opener, OX_OPENER_PATH);
	for (unsigned cpu = 0; cpu < sampler->n_cpus; cpu++) {
		r = check_cpu(sampler, &opener, cpu);
		if (r < 0)
			failed = r;
		else
			n += r;
	}
	return failed ?: n;
}
