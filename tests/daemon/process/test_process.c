/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/process/process.h"

define_cleanup(struct maps *, maps_free);

static char proc[64];

static void make_dir(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	cr_assert(eq(int, mkdir(path, 0755), 0), "%s", path);
}

static void make_file(const char *name, const char *text, size_t length)
{
	char path[512];
	_cleanup_fclose_ FILE *file = NULL;

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	file = fopen(path, "we");
	cr_assert_not_null(file, "%s", path);
	cr_assert(eq(sz, fwrite(text, 1, length, file), length));
}

static void make_text(const char *name, const char *text)
{
	make_file(name, text, strlen(text));
}

static void make_link(const char *target, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	cr_assert(eq(int, symlink(target, path), 0), "%s", path);
}

static void make_proc(void)
{
	strcpy(proc, "/tmp/test_process.XXXXXX");
	cr_assert_not_null(mkdtemp(proc));
	make_dir("42");
	make_dir("42/map_files");
	make_dir("42/root");
	make_dir("42/root/lib");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void remove_proc(void)
{
	nftw(proc, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(process, .init = make_proc, .fini = remove_proc);

Test(process, stat_with_a_hostile_name)
{
	struct process_stat stat = {};

	make_text("42/stat", "42 (a) S 7 (b\n) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "
			     "987654321 20 21\n");
	cr_assert(eq(int, process_read_stat(proc, 42, &stat), 0));
	cr_assert(eq(str, stat.comm, "a) S 7 (b\n"));
	cr_assert(eq(chr, stat.state, 'R'));
	cr_assert(eq(u32, stat.ppid, 1));
	cr_assert(eq(u64, stat.start_ticks, 987654321));
}

Test(process, stat_of_a_long_name_is_cut)
{
	struct process_stat stat;

	make_text("42/stat",
		  "1 (kworker/u8:2-events_unbound) I 2 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 "
		  "0 55 0 0");
	cr_assert(eq(int, process_read_stat(proc, 42, &stat), 0));
	cr_assert(eq(str, stat.comm, "kworker/u8:2-ev"));
	cr_assert(eq(u64, stat.start_ticks, 55));
}

Test(process, stat_that_is_none)
{
	static const char *const bad[] = {"",
					  "1",
					  "1 (a",
					  "1 a) S 1",
					  ")(",
					  "1 (a)",
					  "1 (a) S",
					  "1 (a) S 1 2 3",
					  "1 (a) S x 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 55"};
	struct process_stat stat;

	for (size_t i = 0; i < array_length(bad); i++) {
		make_text("42/stat", bad[i]);
		cr_assert(eq(int, process_read_stat(proc, 42, &stat), -EINVAL), "%s", bad[i]);
	}
}

Test(process, stat_of_ourselves)
{
	struct process_stat stat;

	cr_assert(eq(int, process_read_stat("/proc", getpid(), &stat), 0));
	cr_assert(eq(u32, stat.ppid, getppid()));
	cr_assert(gt(u64, stat.start_ticks, 0));
}

Test(process, that_is_not_there)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();
	struct mapping mapping = {.start = 1, .end = 2, .path = "/lib/a"};
	struct process_stat stat;
	struct process_info info;
	struct process_ids ids;

	cr_assert(eq(int, process_read_stat(proc, 43, &stat), -ESRCH));
	cr_assert(eq(int, process_read_ids(proc, 43, &ids), -ESRCH));
	cr_assert(eq(int, process_read_info(proc, 43, &info), -ESRCH));
	cr_assert(eq(int, process_read_maps(proc, 43, 0, maps), -ESRCH));
	cr_assert(eq(int, process_open_mapped(proc, 43, &mapping), -ESRCH));
	cr_assert(eq(int, process_read_stat(proc, 42, &stat), -ESRCH), "went after the open");
	cr_assert(eq(int, process_read_info(proc, 42, &info), -ESRCH));
}

Test(process, ids)
{
	struct process_ids ids;

	make_text("42/status", "Name:\ta\\nUid:\t9\t9\t9\t9\nUmask:\t0022\nTgid:\t41\nPid:\t42\n"
			       "NSTgid:\t5\nUid:\t1000\t1001\t1002\t1003\nGid:\t0\t0\t0\t0\n");
	cr_assert(eq(int, process_read_ids(proc, 42, &ids), 0));
	cr_assert(eq(u32, ids.ruid, 1000));
	cr_assert(eq(u32, ids.euid, 1001));
	cr_assert(eq(u32, ids.suid, 1002));
	cr_assert(eq(u32, ids.fsuid, 1003));
	cr_assert(ids.has_one_gid);
	cr_assert(eq(u32, ids.tgid, 41));
	cr_assert(eq(u32, ids.owner, getuid()));
	cr_assert(eq(u32, ids.ns_pid, 42), "its kernel knows no other name spaces");
	cr_assert(eq(int, process_read_ids("/proc", getpid(), &ids), 0));
	cr_assert(eq(u32, ids.ruid, getuid()));
	cr_assert(eq(u32, ids.tgid, getpid()));
	cr_assert(eq(u32, ids.ns_pid, getpid()));
}

/* A group that differs in any place was gained; where none is told it is not the user's either. */
Test(process, ids_of_groups)
{
	static const char *const gained[] = {"Gid:\t5\t0\t0\t0\n", "Gid:\t0\t5\t0\t0\n",
					     "Gid:\t0\t0\t5\t0\n", "Gid:\t0\t0\t0\t5\n", ""};
	struct process_ids ids;
	char text[128];

	for (size_t i = 0; i < sizeof(gained) / sizeof(gained[0]); i++) {
		snprintf(text, sizeof(text), "Tgid:\t42\nUid:\t1\t1\t1\t1\n%s", gained[i]);
		make_text("42/status", text);
		cr_assert(eq(int, process_read_ids(proc, 42, &ids), 0));
		cr_assert(not(ids.has_one_gid), "%s", gained[i]);
	}
}

Test(process, pid_of_the_innermost_name_space)
{
	struct process_ids ids;

	make_text("42/status", "Tgid:\t42\nUid:\t1\t1\t1\t1\nNSpid:\t42\t317\t7\nNSpgid:\t42\t9\n");
	cr_assert(eq(int, process_read_ids(proc, 42, &ids), 0));
	cr_assert(eq(u32, ids.ns_pid, 7));
}

Test(process, ids_that_are_none)
{
	struct process_ids ids;

	make_text("42/status", "Name:\ta\nTgid:\t41\n");
	cr_assert(eq(int, process_read_ids(proc, 42, &ids), -EINVAL));
	make_text("42/status", "Uid:\t1 2\nTgid:\t41\n");
	cr_assert(eq(int, process_read_ids(proc, 42, &ids), -EINVAL));
	make_text("42/status", "Uid:\t1 2 3\nTgid:\t41\n");
	cr_assert(eq(int, process_read_ids(proc, 42, &ids), -EINVAL));
	make_text("42/status", "Uid:\t1 2 3 4");
	cr_assert(eq(int, process_read_ids(proc, 42, &ids), -EINVAL));
}

Test(process, info)
{
	static const char cmdline[] = "app\0--flag\0a b\0";
	struct process_info info;

	make_text("42/comm", "na\x1bme\n");
	make_link("/usr/bin/app (deleted)", "42/exe");
	make_file("42/cmdline", cmdline, sizeof(cmdline));
	make_text("42/cgroup", "1:cpu:/v1.service\n0::/system.slice/app.service/inner\n");
	cr_assert(eq(int, process_read_info(proc, 42, &info), 0));
	cr_assert(eq(str, info.comm, "na\xef\xbf\xbdme"));
	cr_assert(eq(str, info.exe, "/usr/bin/app"));
	cr_assert(eq(str, info.cmdline, "app --flag a b"));
	cr_assert(eq(str, info.cgroup, "/system.slice/app.service/inner"));
	cr_assert(eq(str, info.unit, "app.service"));
}

Test(process, info_where_nothing_is_readable)
{
	struct process_info info;

	memset(&info, 'x', sizeof(info));
	make_text("42/comm", "");
	cr_assert(eq(int, process_read_info(proc, 42, &info), 0));
	cr_assert(eq(str, info.comm, ""));
	cr_assert(eq(str, info.exe, ""));
	cr_assert(eq(str, info.cmdline, ""));
	cr_assert(eq(str, info.cgroup, ""));
	cr_assert(eq(str, info.unit, ""));
}

Test(process, info_of_a_huge_command_line)
{
	_cleanup_free_ char *cmdline = malloc(100000);
	struct process_info info;

	memset(cmdline, 'a', 100000);
	make_text("42/comm", "app\n");
	make_file("42/cmdline", cmdline, 100000);
	cr_assert(eq(int, process_read_info(proc, 42, &info), 0));
	cr_assert(eq(sz, strlen(info.cmdline), PROCESS_CMDLINE_BYTES - 1));
}

Test(process, unit_of_cgroup)
{
	static const struct {
		const char *cgroup, *unit;
	} cases[] = {
		{"", ""},
		{"/", ""},
		{"/init.scope", "init.scope"},
		{"/system.slice/a\\x2db.service/payload", "a\\x2db.service"},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope", "x.scope"},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice", "user@1000.service"},
		{"/system.slice/system-getty.slice", "system-getty.slice"},
		{"/docker/0123", ""},
		{"/system.slice/.service", "system.slice"},
		{"//a.service//", "a.service"},
	};
	struct process_info info;
	char text[512];

	make_text("42/comm", "app\n");
	for (size_t i = 0; i < array_length(cases); i++) {
		snprintf(text, sizeof(text), "0::%s\n", cases[i].cgroup);
		make_text("42/cgroup", text);
		cr_assert(eq(int, process_read_info(proc, 42, &info), 0));
		cr_assert(eq(str, info.unit, (char *)cases[i].unit), "%s", cases[i].cgroup);
	}
	snprintf(text, sizeof(text), "0::/%0300d.service\n", 0);
	make_text("42/cgroup", text);
	cr_assert(eq(int, process_read_info(proc, 42, &info), 0));
	cr_assert(eq(sz, strlen(info.unit), sizeof(info.unit) - 1));
}

Test(process, maps_of_ourselves_and_of_a_text)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new(), *ours = maps_new();
	_cleanup_free_ char *text = malloc(300000);
	size_t length = 0;

	for (unsigned int i = 1; i <= 3000; i++)
		length += sprintf(text + length, "%x000-%x800 r-xp 0 fe:1 1     /lib/%06u\n", i, i,
				  i);
	length += sprintf(text + length, "f0000000-f0001000 r-xp 0 fe:1 1 /cut");
	make_file("42/maps", text, length);
	cr_assert(eq(int, process_read_maps(proc, 42, 5, maps), 3000), "all but the half line");
	cr_assert(eq(str, (char *)maps_find(maps, 0xbb8000, 5)->path, "/lib/003000"));
	cr_assert(gt(int, process_read_maps("/proc", getpid(), 0, ours), 1));
	cr_assert_not_null(maps_find(ours, (uintptr_t)process_read_maps, 0));
}

/* Returns the text of a file, "" where it was not opened. */
static const char *text_of(int fd)
{
	static char text[64];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static void assert_opens(const struct mapping *mapping, const char *text)
{
	int fd = process_open_mapped(proc, 42, mapping);

	cr_assert(ge(int, fd, 0), "%s: %s", mapping->path, strerror(-fd));
	cr_assert(zero(int, fcntl(fd, F_GETFL) & O_ACCMODE));
	cr_assert(eq(int, fcntl(fd, F_GETFD), FD_CLOEXEC));
	cr_assert(eq(str, (char *)text_of(fd), (char *)text));
}

Test(process, open_through_map_files_and_never_by_a_name)
{
	struct mapping mapping = {.start = 0x1000, .end = 0x2000, .path = "/lib/a.so"};

	make_text("42/root/lib/a.so", "by root");
	make_link("../root/lib/a.so", "42/exe");
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -ESRCH), "no maps");
	make_text("42/maps", "");
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -ENOENT));
	make_text("behind", "by map_files");
	make_link("../../behind", "42/map_files/1000-2000");
	assert_opens(&mapping, "by map_files");
}

/* The mapping was divided, or grew, after it was told of. */
Test(process, open_of_what_is_left_of_a_mapping)
{
	struct mapping mapping = {.start = 0x1000, .end = 0x9000, .path = "/lib/a.so"};
	char path[512];
	struct stat st;

	make_text("behind", "a part");
	make_text("other", "another");
	make_link("../../behind", "42/map_files/2000-3000");
	make_link("../../other", "42/map_files/5000-6000");
	make_text("42/maps", "2000-3000 r-xp 0 fe:1 7 /lib/a.so\n5000-6000 r-xp 0 fe:1 8 /b.so\n");
	assert_opens(&mapping, "a part");
	mapping.path = "/b.so";
	assert_opens(&mapping, "another");
	mapping.path = "/c.so";
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -ENOENT));
	mapping = (struct mapping){.start = 0x3000, .end = 0x5000, .path = "/lib/a.so"};
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -ENOENT));
	/* The number decides, not the path, and the file that is opened has to have it, too. */
	mapping = (struct mapping){.start = 0x1000, .end = 0x9000, .inode = 7, .path = "/c.so"};
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -ESTALE));
	snprintf(path, sizeof(path), "%s/behind", proc);
	cr_assert(eq(int, stat(path, &st), 0));
	snprintf(path, sizeof(path), "2000-3000 r-xp 0 00:1 %llu /x\n",
		 (unsigned long long)st.st_ino);
	make_text("42/maps", path);
	mapping.inode = st.st_ino;
	assert_opens(&mapping, "a part");
}

Test(process, open_refuses_all_but_regular_files)
{
	struct mapping mapping = {.start = 0x1000, .end = 0x2000, .path = "/lib/fifo"};
	char path[512];

	make_text("42/maps", "");
	snprintf(path, sizeof(path), "%s/fifo", proc);
	cr_assert(eq(int, mkfifo(path, 0600), 0));
	make_link("../../fifo", "42/map_files/1000-2000");
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -ENOENT), "and does not wait");
	make_link("/dev/zero", "42/map_files/2000-3000");
	mapping = (struct mapping){.start = 0x2000, .end = 0x3000, .path = "/dev/zero"};
	make_text("42/maps", "2000-3000 r-xp 0 00:1 7 /dev/zero\n");
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -EINVAL));
}

Test(process, root_of_a_process)
{
	_cleanup_close_ int root = process_open_root(proc, 42);

	cr_assert(ge(int, root, 0));
	cr_assert(eq(int, faccessat(root, "lib", F_OK, 0), 0));
	cr_assert(eq(int, process_open_root(proc, 43), -ESRCH));
	make_dir("44");
	cr_assert(eq(int, process_open_root(proc, 44), -ESRCH), "went after the open");
}

Test(process, view_of_the_file_system)
{
	struct process_view own, init, other;

	cr_assert(eq(int, process_read_view("/proc", getpid(), &own), 0));
	cr_assert(eq(int, process_read_view("/proc", getppid(), &init), 0));
	cr_assert(eq(int, memcmp(&own, &init, sizeof(own)), 0));
	cr_assert(gt(u64, own.namespace, 0));
	cr_assert(eq(int, process_read_view(proc, 42, &other), 0));
	cr_assert(ne(int, memcmp(&own, &other, sizeof(own)), 0));
	cr_assert(eq(int, process_read_view(proc, 43, &other), -ESRCH));
}

Test(process, open_of_what_is_no_file)
{
	static const char *const paths[] = {"", "[vdso]", "//anon", "lib/a.so", "[heap]"};

	make_text("42/root/anon", "trap");
	make_text("42/root/lib/a.so", "trap");
	for (size_t i = 0; i < array_length(paths); i++) {
		struct mapping mapping = {.start = 1, .end = 2, .path = paths[i]};

		cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -ENOENT), "%s",
			  paths[i]);
	}
}

/* Makes a mapping of the file that PID 1 sees as /lib/a.so, from now on. */
static void map_for_init(struct mapping *ret)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/1/root/lib/a.so", proc);
	cr_assert(eq(int, stat(path, &st), 0));
	*ret = (struct mapping){.start = 1,
				.end = 2,
				.path = "/lib/a.so",
				.since_ns = clock_monotonic_ns(),
				.inode = st.st_ino,
				.dev_major = major(st.st_dev),
				.dev_minor = minor(st.st_dev)};
}

Test(process, open_for_a_process_that_is_gone)
{
	struct mapping mapping = {.start = 1, .end = 2, .path = "/lib/a.so"}, other;
	char from[512], to[512];

	cr_assert(eq(int, process_open_gone(proc, &mapping, mapping.since_ns), -ESRCH));
	make_dir("1");
	make_link("../42/root", "1/root");
	make_text("42/root/lib/a.so", "by pid 1");
	cr_assert(eq(int, process_open_gone(proc, &mapping, mapping.since_ns), -ESTALE),
		  "nothing is known of it");
	map_for_init(&mapping);
	cr_assert(eq(str, (char *)text_of(process_open_gone(proc, &mapping, mapping.since_ns)),
		     "by pid 1"));
	other = mapping;
	other.inode++;
	cr_assert(eq(int, process_open_gone(proc, &other, other.since_ns), -ESTALE));
	other = mapping;
	other.dev_minor++;
	cr_assert(eq(int, process_open_gone(proc, &other, other.since_ns), -ESTALE));
	/* As if its number had been given to another file since. */
	other = mapping;
	other.since_ns -= UINT64_C(3600000000000);
	cr_assert(eq(int, process_open_gone(proc, &other, other.since_ns), -ESTALE));
	other.since_ns = 0;
	cr_assert(eq(int, process_open_gone(proc, &other, other.since_ns), -ESTALE));
	snprintf(from, sizeof(from), "%s/42/root/lib/a.so", proc);
	snprintf(to, sizeof(to), "%s/42/root/lib/a.so.old", proc);
	cr_assert(eq(int, rename(from, to), 0));
	make_text("42/root/lib/a.so", "new");
	cr_assert(eq(int, process_open_gone(proc, &mapping, mapping.since_ns), -ESTALE));
	make_text("a.so", "outside");
	cr_assert(eq(int, unlink(from), 0));
	make_link("../../../a.so", "42/root/lib/a.so");
	cr_assert(eq(int, process_open_gone(proc, &mapping, mapping.since_ns), -ENOENT),
		  "outside of its root");
}

/* The real thing: a file that was mapped, then deleted. */
Test(process, open_of_ourselves)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();
	const struct mapping *mapping;
	struct stat ours, opened;
	int fd;

	cr_assert(gt(int, process_read_maps("/proc", getpid(), 0, maps), 0));
	mapping = maps_find(maps, (uintptr_t)process_open_mapped, 0);
	cr_assert_not_null(mapping);
	fd = process_open_mapped("/proc", getpid(), mapping);
	cr_assert(ge(int, fd, 0), "%s", strerror(-fd));
	cr_assert(eq(int, stat("/proc/self/exe", &ours), 0));
	cr_assert(eq(int, fstat(fd, &opened), 0));
	cr_assert(eq(u64, ours.st_ino, opened.st_ino));
	close(fd);
}

static int count_process(void *userdata, uint32_t pid)
{
	unsigned int *seen = userdata;

	*seen += pid;
	return pid == 1000 ? -ECANCELED : 0;
}

Test(process, foreach_visits_numbers_only)
{
	unsigned int seen = 0;

	make_dir("7");
	make_dir("self");
	make_dir("9x");
	make_dir("-3");
	make_dir("99999999999");
	cr_assert(eq(int, process_foreach(proc, count_process, &seen), 0));
	cr_assert(eq(uint, seen, 49));
	make_dir("1000");
	cr_assert(eq(int, process_foreach(proc, count_process, &seen), -ECANCELED));
	cr_assert(eq(int, process_foreach("/nonexistent", count_process, &seen), -ENOENT));
}
