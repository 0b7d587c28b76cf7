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
	cr_assert(eq(u32, ids.tgid, 41));
	cr_assert(eq(u32, ids.owner, getuid()));
	cr_assert(eq(u32, ids.ns_pid, 42), "its kernel knows no other name spaces");
	cr_assert(eq(int, process_read_ids("/proc", getpid(), &ids), 0));
	cr_assert(eq(u32, ids.ruid, getuid()));
	cr_assert(eq(u32, ids.tgid, getpid()));
	cr_assert(eq(u32, ids.ns_pid, getpid()));
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

Test(process, open_through_map_files_then_root)
{
	struct mapping mapping = {.start = 0x1000, .end = 0x2000, .path = "/lib/a.so"};

	make_text("42/root/lib/a.so", "by root");
	assert_opens(&mapping, "by root");
	make_text("behind", "by map_files");
	make_link("../../behind", "42/map_files/1000-2000");
	assert_opens(&mapping, "by map_files");
}

Test(process, open_stays_below_the_root)
{
	struct mapping mapping = {.start = 1, .end = 2, .path = "/lib/link"};

	make_text("42/root/secret", "inside");
	make_text("secret", "outside");
	make_link("/secret", "42/root/lib/link");
	make_link("../../../secret", "42/root/lib/up");
	assert_opens(&mapping, "inside");
	mapping.path = "/lib/up";
	assert_opens(&mapping, "inside");
	mapping.path = "/../../secret";
	assert_opens(&mapping, "inside");
}

Test(process, open_refuses_all_but_regular_files)
{
	struct mapping mapping = {.start = 0x1000, .end = 0x2000, .path = "/lib/fifo"};
	char path[512];

	snprintf(path, sizeof(path), "%s/42/root/lib/fifo", proc);
	cr_assert(eq(int, mkfifo(path, 0600), 0));
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -EINVAL), "and does not wait");
	make_link("/dev/zero", "42/map_files/1000-2000");
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -EINVAL));
	mapping.path = "/lib";
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -EINVAL));
	mapping.path = "/lib/absent";
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -ENOENT));
}

Test(process, open_of_a_path_in_the_root)
{
	_cleanup_close_ int fd = -1, linked = -1;

	make_text("42/root/lib/a.so", "a");
	make_link("/lib/a.so", "42/root/lib/b.so");
	make_link("/etc/passwd", "42/root/lib/c.so");
	fd = process_open_in_root(proc, 42, "/lib/../../lib/a.so", O_NOFOLLOW);
	cr_assert(ge(int, fd, 0));
	linked = process_open_in_root(proc, 42, "/lib/b.so", 0);
	cr_assert(ge(int, linked, 0));
	cr_assert(lt(int, process_open_in_root(proc, 42, "/lib/b.so", O_NOFOLLOW), 0));
	cr_assert(eq(int, process_open_in_root(proc, 42, "/lib/c.so", 0), -ENOENT));
	cr_assert(eq(int, process_open_in_root(proc, 42, "/lib", 0), -EINVAL));
	cr_assert(eq(int, process_open_in_root(proc, 42, "lib/a.so", 0), -ENOENT));
	cr_assert(eq(int, process_open_in_root(proc, 43, "/lib/a.so", 0), -ESRCH));
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

Test(process, open_refuses_a_replaced_file)
{
	struct mapping mapping = {.start = 1, .end = 2, .path = "/lib/a.so"};
	char path[512], moved[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/42/root/lib/a.so", proc);
	snprintf(moved, sizeof(moved), "%s/42/root/lib/a.so.old", proc);
	make_text("42/root/lib/a.so", "old");
	cr_assert(eq(int, stat(path, &st), 0));
	mapping.inode = st.st_ino;
	mapping.dev_major = major(st.st_dev);
	mapping.dev_minor = minor(st.st_dev);
	assert_opens(&mapping, "old");
	cr_assert(eq(int, rename(path, moved), 0));
	make_text("42/root/lib/a.so", "new");
	cr_assert(eq(int, process_open_mapped(proc, 42, &mapping), -ESTALE));
	make_link(moved, "42/exe");
	assert_opens(&mapping, "old");
	mapping.inode = 0;
	assert_opens(&mapping, "new");
}

Test(process, open_for_a_process_that_is_gone)
{
	struct mapping mapping = {.start = 1, .end = 2, .path = "/lib/a.so"};

	cr_assert(eq(int, process_open_path(proc, &mapping), -ESRCH));
	make_dir("1");
	make_link("../42/root", "1/root");
	make_text("42/root/lib/a.so", "by pid 1");
	cr_assert(eq(str, (char *)text_of(process_open_path(proc, &mapping)), "by pid 1"));
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
