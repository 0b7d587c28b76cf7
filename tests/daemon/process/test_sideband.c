/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "daemon/base/api.h"
#include "daemon/base/clock.h"
#include "daemon/base/opener.h"
#include "daemon/process/sideband.h"
#include "tests/support/skip.h"

#define NEWS_MAX 4096

static struct sideband *sideband;
static struct sideband_event *news;
static size_t n_news;
static pid_t child;
static uint64_t lost;

static void set_up(void)
{
	struct opener opener;
	char why[512] = "";
	int r;

	if (geteuid() != 0)
		skip_loudly("needs root: the side band was NOT tested");
	opener_init(&opener, OX_OPENER_PATH);
	r = sideband_new(&opener, &sideband, why, sizeof(why));
	if (r == -EPERM || r == -EACCES)
		skip_loudly("perf is forbidden here: the side band was NOT tested");
	cr_assert_eq(r, 0, "%s", why);
	news = calloc(NEWS_MAX, sizeof(*news));
	cr_assert_not_null(news);
}

static void tear_down(void)
{
	sideband_free(sideband);
	free(news);
}

TestSuite(sideband, .init = set_up, .fini = tear_down);

/* Keeps the events of the child; others live on this machine, too. */
static int hear(void *userdata, const struct sideband_event *event)
{
	if (event->pid != (uint32_t)child)
		return 0;
	cr_assert_lt(n_news, NEWS_MAX);
	news[n_news] = *event;
	news[n_news].mapping.path = news[n_news].path;
	n_news++;
	return 0;
}

static void drain(void)
{
	cr_assert_eq(sideband_drain(sideband, hear, NULL, &lost), 0);
}

static void run_true(void)
{
	child = fork();
	cr_assert_geq(child, 0);
	if (!child) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
}

static ssize_t find(enum sideband_kind kind)
{
	for (size_t i = 0; i < n_news; i++)
		if (news[i].kind == kind)
			return i;
	return -1;
}

static ssize_t find_map(const char *part)
{
	for (size_t i = 0; i < n_news; i++)
		if (news[i].kind == SIDEBAND_MAP && strstr(news[i].mapping.path, part))
			return i;
	return -1;
}

Test(sideband, the_life_of_a_process_is_told_in_order)
{
	uint64_t before = clock_monotonic_ns();

	cr_assert_eq(sideband_enable(sideband), 0);
	run_true();
	drain();
	cr_assert_eq(find(SIDEBAND_FORK), 0);
	cr_assert_eq(news[0].parent, (uint32_t)getpid());
	cr_assert_gt(find(SIDEBAND_EXEC), 0);
	cr_assert_str_eq(news[find(SIDEBAND_EXEC)].comm, "true");
	cr_assert_gt(find_map("/true"), find(SIDEBAND_EXEC));
	cr_assert_gt(find_map("/libc"), find_map("/true"));
	cr_assert_eq(find(SIDEBAND_EXIT), (ssize_t)n_news - 1);
	cr_assert_gt(news[0].time_ns, before);
	cr_assert_lt(news[n_news - 1].time_ns, clock_monotonic_ns());
	for (size_t i = 1; i < n_news; i++)
		cr_assert_geq(news[i].time_ns, news[i - 1].time_ns);
	cr_assert_eq(lost, 0);
}

Test(sideband, a_mapping_says_what_is_mapped)
{
	const struct sideband_event *event;

	cr_assert_eq(sideband_enable(sideband), 0);
	run_true();
	drain();
	cr_assert_geq(find_map("/true"), 0);
	event = &news[find_map("/true")];
	cr_assert_gt(event->mapping.end, event->mapping.start);
	cr_assert_eq((event->mapping.start | event->mapping.end) & 4095, 0);
	cr_assert_eq(event->mapping.since_ns, event->time_ns);
	cr_assert(event->mapping.inode || event->mapping.build_id_bytes);
	cr_assert_leq(event->mapping.build_id_bytes, BUILD_ID_BYTES);
}

static void *do_nothing(void *userdata)
{
	return NULL;
}

Test(sideband, of_data_and_threads_nothing_is_told)
{
	pthread_t thread;

	child = getpid();
	cr_assert_eq(sideband_enable(sideband), 0);
	cr_assert_eq(pthread_create(&thread, NULL, do_nothing, NULL), 0);
	pthread_join(thread, NULL);
	munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
	munmap(mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 8192);
	drain();
	cr_assert_eq(n_news, 1);
	cr_assert_eq(news[0].kind, SIDEBAND_MAP);
	cr_assert_eq(news[0].mapping.end - news[0].mapping.start, 8192);
}

Test(sideband, a_process_without_exec_is_told)
{
	cr_assert_eq(sideband_enable(sideband), 0);
	child = fork();
	if (!child) {
		/* Another name makes no other image. */
		prctl(PR_SET_NAME, "renamed");
		_exit(0);
	}
	waitpid(child, NULL, 0);
	drain();
	cr_assert_eq(n_news, 2);
	cr_assert_eq(news[0].kind, SIDEBAND_FORK);
	cr_assert_eq(news[1].kind, SIDEBAND_EXIT);
}

Test(sideband, each_event_is_told_once)
{
	cr_assert_eq(sideband_enable(sideband), 0);
	run_true();
	drain();
	cr_assert_gt(n_news, 0);
	n_news = 0;
	drain();
	cr_assert_eq(n_news, 0);
}

Test(sideband, disabled_it_hears_nothing)
{
	run_true();
	drain();
	cr_assert_eq(n_news, 0);
	cr_assert_eq(sideband_enable(sideband), 0);
	sideband_disable(sideband);
	run_true();
	drain();
	cr_assert_eq(n_news, 0);
}

static int refuse(void *userdata, const struct sideband_event *event)
{
	n_news++;
	return -EXDEV;
}

Test(sideband, a_failure_of_the_reader_ends_the_drain_and_keeps_the_rest)
{
	cr_assert_eq(sideband_enable(sideband), 0);
	run_true();
	cr_assert_eq(sideband_drain(sideband, refuse, NULL, &lost), -EXDEV);
	cr_assert_eq(n_news, 1);
	n_news = 0;
	drain();
	cr_assert_gt(find(SIDEBAND_EXIT), 0);
}

/* Stays on one CPU: a ring is that of a CPU, and what was dropped there is told there. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	cr_assert_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

Test(sideband, what_the_kernel_had_to_drop_is_counted)
{
	stay_on_this_cpu();
	cr_assert_eq(sideband_enable(sideband), 0);
	/* A ring holds 256 KiB; a mapping's record takes more than a hundred bytes. */
	for (int i = 0; i < 8000; i++)
		munmap(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		       4096);
	child = -1;
	drain();
	/* The kernel tells with the next record that finds room. */
	munmap(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
	drain();
	cr_assert_gt(lost, 0);
}

Test(sideband, a_buffer_that_is_half_full_is_readable)
{
	fd_set set;
	int highest = -1;
	struct timeval now = {0};

	cr_assert_gt(sideband_count(sideband), 0);
	cr_assert_eq(sideband_enable(sideband), 0);
	for (int i = 0; i < 4000; i++)
		munmap(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		       4096);
	FD_ZERO(&set);
	for (unsigned i = 0; i < sideband_count(sideband); i++) {
		int fd = sideband_fd(sideband, i);

		FD_SET(fd, &set);
		highest = fd > highest ? fd : highest;
	}
	cr_assert_gt(select(highest + 1, &set, NULL, NULL, &now), 0);
}
