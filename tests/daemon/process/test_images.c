/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/process/images.h"
#include "tests/support/directory.h"

#define LATE UINT64_MAX

static struct images *images;
static char proc[300];

/* Writes a /proc of the test's own: the process has mapped this path. */
static void write_maps(uint32_t pid, const char *path)
{
	char name[400];
	FILE *f;

	snprintf(name, sizeof(name), "%s/%u", proc, pid);
	mkdir(name, 0755);
	snprintf(name, sizeof(name), "%s/%u/maps", proc, pid);
	f = fopen(name, "we");
	cr_assert_not_null(f);
	fprintf(f, "1000-2000 r-xp 00000000 08:01 7 %s\n", path);
	fclose(f);
}

static void set_up(void)
{
	directory_make(proc, sizeof(proc));
	images = images_new(proc);
	cr_assert_not_null(images);
}

static void tear_down(void)
{
	images_free(images);
	directory_remove(proc);
}

static void apply_fork(uint32_t parent, uint32_t pid, uint64_t time_ns)
{
	struct sideband_event event = {
		.kind = SIDEBAND_FORK, .time_ns = time_ns, .pid = pid, .parent = parent};

	cr_assert_eq(images_apply(images, &event), 0);
}

static void apply_exec(uint32_t pid, const char *comm, uint64_t time_ns)
{
	struct sideband_event event = {.kind = SIDEBAND_EXEC, .time_ns = time_ns, .pid = pid};

	strncpy(event.comm, comm, sizeof(event.comm) - 1);
	cr_assert_eq(images_apply(images, &event), 0);
}

static void apply_exit(uint32_t pid, uint64_t time_ns)
{
	struct sideband_event event = {.kind = SIDEBAND_EXIT, .time_ns = time_ns, .pid = pid};

	cr_assert_eq(images_apply(images, &event), 0);
}

static void apply_map(uint32_t pid, uint64_t start, const char *path, uint64_t time_ns)
{
	struct sideband_event event = {
		.kind = SIDEBAND_MAP,
		.time_ns = time_ns,
		.pid = pid,
		.mapping = {.start = start,
			    .end = start + 0x1000,
			    .since_ns = time_ns,
			    .path = event.path},
	};

	strcpy(event.path, path);
	cr_assert_eq(images_apply(images, &event), 0);
}

/* Returns the path at an address: "none" where there is no image, "" where nothing is mapped. */
static const char *path_at(uint32_t pid, uint64_t address, uint64_t at_ns)
{
	const struct image *image = images_find(images, pid, at_ns);
	const struct mapping *mapping = image ? maps_find(image->maps, address, at_ns) : NULL;

	return mapping ? mapping->path : image ? "" : "none";
}

TestSuite(images, .init = set_up, .fini = tear_down);

Test(images, a_process_is_read_from_proc_when_it_is_first_asked_for)
{
	const struct image *image;

	write_maps(42, "/bin/app");
	cr_assert_eq(images_count(images), 0);
	cr_assert_str_eq(path_at(42, 0x1800, 5), "/bin/app");
	cr_assert_eq(images_count(images), 1);
	image = images_find(images, 42, 5);
	cr_assert_eq(image->pid, 42);
	cr_assert_eq(image->since_ns, 0);
	cr_assert_str_empty(image->comm);
	/* Once: what /proc says later is told by events. */
	write_maps(42, "/bin/other");
	cr_assert_str_eq(path_at(42, 0x1800, 5), "/bin/app");
	cr_assert_eq(images_find(images, 42, 6)->id, image->id);
}

Test(images, a_process_that_is_gone_has_none)
{
	cr_assert_null(images_find(images, 42, 5));
	cr_assert_eq(images_count(images), 0);
}

Test(images, this_very_process_is_read_from_the_real_proc)
{
	struct images *real = images_new("/proc");
	const struct image *image = images_find(real, getpid(), 5);
	const struct mapping *mapping;

	cr_assert_not_null(image);
	mapping = maps_find(image->maps, (uintptr_t)images_find, 5);
	cr_assert_not_null(mapping);
	cr_assert_not_null(strstr(mapping->path, "test_daemon_process_images"), "%s",
			   mapping->path);
	images_free(real);
}

Test(images, a_fork_copies_what_its_parent_had)
{
	write_maps(42, "/bin/app");
	cr_assert_not_null(images_find(images, 42, 1));
	apply_map(42, 0x5000, "/lib/before.so", 10);
	apply_fork(42, 43, 20);
	apply_map(42, 0x6000, "/lib/parent.so", 30);
	apply_map(43, 0x7000, "/lib/child.so", 30);
	cr_assert_str_eq(path_at(43, 0x1800, 40), "/bin/app");
	cr_assert_str_eq(path_at(43, 0x5800, 40), "/lib/before.so");
	cr_assert_str_eq(path_at(43, 0x6800, 40), "");
	cr_assert_str_eq(path_at(43, 0x7800, 40), "/lib/child.so");
	cr_assert_str_eq(path_at(42, 0x6800, 40), "/lib/parent.so");
	cr_assert_str_eq(path_at(42, 0x7800, 40), "");
	cr_assert_eq(images_find(images, 43, 40)->since_ns, 20);
	cr_assert_neq(images_find(images, 43, 40)->id, images_find(images, 42, 40)->id);
	cr_assert_null(images_find(images, 43, 19));
}

Test(images, an_exec_begins_a_new_image_and_keeps_the_old_one)
{
	write_maps(42, "/bin/app");
	cr_assert_not_null(images_find(images, 42, 1));
	apply_exec(42, "next", 20);
	apply_map(42, 0x1000, "/bin/next", 21);
	cr_assert_eq(images_count(images), 2);
	cr_assert_str_eq(path_at(42, 0x1800, 19), "/bin/app");
	cr_assert_str_eq(path_at(42, 0x1800, 20), "");
	cr_assert_str_eq(path_at(42, 0x1800, 21), "/bin/next");
	cr_assert_str_eq(path_at(42, 0x1800, LATE), "/bin/next");
	cr_assert_str_empty(images_find(images, 42, 19)->comm);
	cr_assert_str_eq(images_find(images, 42, 21)->comm, "next");
	cr_assert_neq(images_find(images, 42, 19)->id, images_find(images, 42, 21)->id);
}

Test(images, a_mapping_changes_the_newest_image_and_is_seen_by_its_generation)
{
	uint32_t before, old;

	write_maps(42, "/bin/app");
	old = images_find(images, 42, 1)->generation;
	apply_exec(42, "next", 20);
	before = images_find(images, 42, 20)->generation;
	apply_map(42, 0x1000, "/bin/next", 21);
	cr_assert_gt(images_find(images, 42, 21)->generation, before);
	cr_assert_eq(images_find(images, 42, 1)->generation, old);
	/* Over another, as dlclose() and dlopen() do: each at its time. */
	apply_map(42, 0x1000, "/lib/over.so", 30);
	cr_assert_eq(images_find(images, 42, 30)->generation, before + 2);
	cr_assert_str_eq(path_at(42, 0x1800, 29), "/bin/next");
	cr_assert_str_eq(path_at(42, 0x1800, 30), "/lib/over.so");
}

Test(images, a_pid_that_is_used_again_begins_anew)
{
	uint32_t id;

	write_maps(1, "/bin/init");
	write_maps(42, "/bin/app");
	cr_assert_not_null(images_find(images, 1, 1));
	id = images_find(images, 42, 1)->id;
	apply_exit(42, 20);
	apply_fork(1, 42, 30);
	cr_assert_eq(images_count(images), 2);
	cr_assert_null(images_find(images, 42, 29));
	cr_assert_str_eq(path_at(42, 0x1800, 30), "/bin/init");
	cr_assert_neq(images_find(images, 42, 30)->id, id);
	/* The process lives: the end of the one before is not its own. */
	images_sweep(images, 100);
	cr_assert_str_eq(path_at(42, 0x1800, 30), "/bin/init");
}

Test(images, an_ended_process_is_known_until_it_is_swept)
{
	write_maps(42, "/bin/app");
	write_maps(43, "/bin/lives");
	cr_assert_not_null(images_find(images, 42, 1));
	cr_assert_not_null(images_find(images, 43, 1));
	apply_exit(42, 20);
	directory_remove(proc);
	images_sweep(images, 20);
	cr_assert_str_eq(path_at(42, 0x1800, 20), "/bin/app");
	images_sweep(images, 21);
	cr_assert_null(images_find(images, 42, 20));
	cr_assert_str_eq(path_at(43, 0x1800, 20), "/bin/lives");
	cr_assert_eq(images_count(images), 1);
	images_clear(images);
	cr_assert_eq(images_count(images), 0);
}

Test(images, events_of_strangers_are_passed_over)
{
	write_maps(1, "/bin/init");
	write_maps(42, "/bin/app");
	apply_fork(1, 42, 10);
	apply_exec(42, "app", 11);
	apply_map(42, 0x1000, "/bin/event", 12);
	apply_exit(42, 13);
	cr_assert_eq(images_count(images), 0);
	/* Asked for all the same, it is read. */
	cr_assert_str_eq(path_at(42, 0x1800, 12), "/bin/app");
}

Test(images, where_all_is_followed_the_events_of_all_are_kept)
{
	images_follow_all(images, true);
	write_maps(1, "/bin/init");
	apply_fork(1, 42, 10);
	apply_exec(43, "app", 11);
	apply_map(43, 0x1000, "/bin/event", 12);
	cr_assert_str_eq(path_at(42, 0x1800, 10), "/bin/init");
	cr_assert_str_eq(path_at(43, 0x1800, 12), "/bin/event");
	images_follow_all(images, false);
	apply_fork(77, 44, 20);
	cr_assert_null(images_find(images, 44, 20));
}

Test(images, there_are_never_more_than_the_limit)
{
	write_maps(1, "/bin/init");
	cr_assert_not_null(images_find(images, 1, 1));
	apply_fork(1, 2, 10);
	apply_fork(1, 3, 10);
	apply_exit(3, 11);
	apply_exit(2, 12);
	for (uint32_t pid = 100; images_count(images) < IMAGES_MAX; pid++)
		apply_fork(1, pid, 20);
	/* The one that ended first goes first, and none that lives while one has ended. */
	apply_fork(1, 50000, 21);
	cr_assert_eq(images_count(images), IMAGES_MAX);
	cr_assert_null(images_find(images, 3, 15));
	cr_assert_not_null(images_find(images, 2, 15));
	apply_fork(1, 50001, 22);
	cr_assert_null(images_find(images, 2, 15));
	cr_assert_not_null(images_find(images, 50000, 22));
	images_follow_all(images, true);
	for (uint32_t pid = 60000; pid < 60100; pid++)
		apply_fork(1, pid, 30);
	cr_assert_eq(images_count(images), IMAGES_MAX);
	cr_assert_not_null(images_find(images, 60099, 30));
}

Test(images, a_process_that_execs_for_ever_is_bounded)
{
	write_maps(42, "/bin/app");
	cr_assert_not_null(images_find(images, 42, 1));
	for (uint64_t i = 0; i < IMAGES_MAX + 10; i++)
		apply_exec(42, "again", 10 + i);
	cr_assert_leq(images_count(images), IMAGES_MAX);
	cr_assert_not_null(images_find(images, 42, LATE));
}

Test(images, what_no_event_told_is_read_again_but_not_all_the_time)
{
	const struct image *image;
	uint64_t second = UINT64_C(1000000000);

	write_maps(7, "/first");
	image = images_find(images, 7, LATE);
	cr_assert_eq(image->generation, 0);
	images_refresh(images, 7, 5 * second);
	cr_assert_eq(image->generation, 0); /* nothing new */
	write_maps(7, "/second");
	images_refresh(images, 7, 5 * second + 1);
	cr_assert_str_eq(maps_find(image->maps, 0x1800, LATE)->path, "/first");
	images_refresh(images, 7, 6 * second);
	cr_assert_str_eq(maps_find(image->maps, 0x1800, LATE)->path, "/second");
	cr_assert_str_eq(maps_find(image->maps, 0x1800, 6 * second - 1)->path, "/first");
	cr_assert_eq(image->generation, 1);
	cr_assert_eq(image->changed_ns, 6 * second);
	images_refresh(images, 8, 6 * second); /* nobody has asked for it */
	cr_assert_eq(images_count(images), 1);
}
