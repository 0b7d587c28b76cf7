/* SPDX-License-Identifier: MIT */
/* The findings about running Pythons and profilers, and about symbols of libraries. */
#include "tests/support/machine_world.h"
#include "tests/support/made/elf_image.h"

TestSuite(client_doctor_programs, .init = world_make, .fini = world_drop);

/* ---- processes ---- */

static void make_process(unsigned int pid, const char *comm, const char *exe)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	world_write(path, comm);
	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	world_write(path, comm);
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	if (exe)
		world_link(path, exe);
}

static void make_maps(unsigned int pid, const char *maps)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	world_write(path, maps);
}

Test(client_doctor_programs, nothing_runs)
{
	world_check(programs_check);
	expect_finding("python", "ok", "no Python runs", NULL);
	expect_finding("profilers", "ok", "no other profiler", NULL);
}

Test(client_doctor_programs, known_pythons)
{
	make_process(10, "python3\n", "/usr/bin/python3.11");
	make_process(11, "app\n", "/srv/venv/bin/python3.11 (deleted)");
	make_process(12, "gdb\n", "/usr/bin/gdb");
	make_maps(12, "55d0-55d1 r-xp 00000000 08:01 11 /usr/bin/gdb\n"
		      "7f00-7f01 rw-p 00000000 00:00 0\n"
		      "7f10-7f20 r-xp 00000000 08:01 12 /usr/lib/libpython3.9.so.1.0\n");
	make_process(13, "old\n", "/opt/lib/../bin/python3.6m");
	world_check(programs_check);
	cr_expect_str_eq(verdict_name(world_find("python")->verdict), "ok");
	cr_expect(strstr(world_find("python")->text, "CPython 3.11 (2"));
	cr_expect(strstr(world_find("python")->text, "CPython 3.9 (1"));
	cr_expect(strstr(world_find("python")->text, "CPython 3.6 (1"));
}

Test(client_doctor_programs, what_only_sounds_like_python)
{
	make_process(10, "a", "/usr/bin/python3.11-config");
	make_process(11, "b", "/usr/bin/python");
	make_process(12, "c", "/usr/bin/gdb");
	make_maps(12, "7f10-7f20 r-xp 0 08:01 12 /usr/lib/python3/a.cpython-311-x86_64.so\n"
		      "7f30-7f40 r-xp 0 08:01 12 /usr/lib/python3.15/lib-dynload/_x.so\n");
	world_check(programs_check);
	expect_finding("python", "ok", "no Python runs", NULL);
}

Test(client_doctor_programs, pythons_that_are_not_known)
{
	static const struct {
		const char *exe, *name;
	} cases[] = {
		{"/usr/bin/python2.7", "CPython 2.7"},
		{"/usr/bin/python3.5", "CPython 3.5"},
		{"/usr/bin/python3.15", "CPython 3.15"},
		{"/usr/bin/python3.13t", "CPython 3.13t"},
		{"/usr/lib/libpython3.14t.so.1.0", "CPython 3.14t"},
		{"/usr/bin/pypy3", "PyPy"},
		{"/opt/pypy/bin/libpypy3.9-c.so", "PyPy"},
	};

	make_process(9, "python3", "/usr/bin/python3.11");
	for (size_t i = 0; i < array_length(cases); i++) {
		char text[64];

		make_process(10, "x", cases[i].exe);
		snprintf(text, sizeof(text), "no names: %s (1 process)", cases[i].name);
		world_check(programs_check);
		expect_finding("python", "warning", text, "CPython 3.6 to 3.14");
		world_remove("/proc/10");
	}
}

Test(client_doctor_programs, threads_of_the_kernel_are_no_programs)
{
	make_process(10, "perf", NULL);
	world_write("/proc/10/cmdline", "");
	world_check(programs_check);
	expect_finding("profilers", "ok", "no other profiler", NULL);
}

/* The daemon knows interpreters whatever their files are called. */
Test(client_doctor_programs, interpreters_that_the_daemon_met)
{
	world_set_status("{\"interpreters\":[{\"pid\":1,\"state\":\"read\"},"
			 "{\"pid\":2,\"state\":\"read\"}]}");
	world_check(programs_check);
	expect_finding("interpreters", "ok", "all 2 processes", NULL);
	world_set_status("{\"interpreters\":[{\"pid\":1,\"state\":\"read\"},"
			 "{\"pid\":47,\"comm\":\"app\",\"state\":\"stripped\",\"note\":\"why\"},"
			 "{\"pid\":48,\"comm\":\"b\",\"state\":\"pypy\",\"note\":\"not\"}]}");
	world_check(programs_check);
	expect_finding("interpreters", "warning", "2 of 3 processes", "oxprofctl status");
	expect_finding("interpreters", "warning", "get no function names, first pid 47 (app): why",
		       "oxprofctl status");
}

Test(client_doctor_programs, profilers_by_name)
{
	make_process(10, "perf\n", "/usr/bin/perf");
	make_process(11, "perfect\n", "/usr/bin/perfect");
	make_process(12, "otel-ebpf-profi\n", "/usr/bin/x");
	make_process(13, "oxprofd\n", "/usr/sbin/oxprofd");
	world_check(programs_check);
	expect_finding("profilers", "warning", "perf (pid 10)", "stop");
	expect_finding("profilers", "warning", "otel-ebpf-profi (pid 12)", "stop");
	cr_expect_null(strstr(world_find("profilers")->text, "perfect"));
	cr_expect_null(strstr(world_find("profilers")->text, "oxprofd"));
	for (unsigned int pid = 100; pid < 110; pid++)
		make_process(pid, "bpftrace", "/usr/bin/bpftrace");
	world_check(programs_check);
	expect_finding("profilers", "warning", "and more", "stop");
}

Test(client_doctor_programs, profilers_by_what_they_have_open)
{
	make_process(10, "agent\n", "/usr/bin/agent");
	world_link("/proc/10/fd/3", "anon_inode:[eventpoll]");
	make_process(11, "oxprofd\n", "/usr/sbin/oxprofd");
	world_link("/proc/11/fd/3", "anon_inode:[perf_event]");
	world_check(programs_check);
	expect_finding("profilers", "ok", "no other profiler", NULL);
	world_link("/proc/10/fd/4", "anon_inode:[perf_event]");
	world_check(programs_check);
	expect_finding("profilers", "warning", "agent (pid 10)", "stop");
}

Test(client_doctor_programs, a_user_cannot_see_who_has_events_open)
{
	world.is_root = false;
	world_check(programs_check);
	expect_finding("profilers", "unknown", "only root", "sudo oxprofctl doctor");
	make_process(10, "perf\n", "/usr/bin/perf");
	world_check(programs_check);
	expect_finding("profilers", "warning", "perf (pid 10)", "stop");
}

/* ---- symbols ---- */

#define LIBC      "/usr/lib/x86_64-linux-gnu/libc.so.6"
#define DEBUG_DIR "/usr/lib/debug/.build-id/ab/"

/* Writes the image with its build-id, which libdw takes from a section where there are any. */
static void make_elf(const char *path, const char *section, uint32_t type)
{
	struct image image;

	image_init(&image);
	image_add_section(&image, ".note", SHT_NOTE, image.bytes + 0x800, 36);
	if (section)
		image_add_section(&image, section, type, "12345678", 8);
	world_write_bytes(path, image.bytes, image.size);
}

Test(client_doctor_programs, symbols_in_the_file)
{
	make_elf(LIBC, ".symtab", SHT_SYMTAB);
	make_elf("/usr/lib64/libstdc++.so.6", ".gnu_debugdata", SHT_PROGBITS);
	world_check(symbols_check);
	expect_finding("symbols", "ok", "libc.so.6, libstdc++.so.6", NULL);
}

Test(client_doctor_programs, symbols_beside_the_file)
{
	make_elf(LIBC, NULL, 0);
	world_write("/etc/os-release", "ID=debian\n");
	world_check(symbols_check);
	expect_finding("symbols", "warning", "libc.so.6", "install libc6-dbg, then");
	world_write(DEBUG_DIR "cd010203"
			      "00000000000000000000000000000f"
			      ".debug",
		    "");
	world_check(symbols_check);
	expect_finding("symbols", "warning", "libc.so.6", "libc6-dbg");
	world_write(DEBUG_DIR "cd010203"
			      "000000000000000000000000000000"
			      ".debug",
		    "");
	world_check(symbols_check);
	expect_finding("symbols", "ok", "libc.so.6", NULL);
}

Test(client_doctor_programs, symbols_of_pythons)
{
	make_elf("/usr/bin/python3.11", ".dynsym", SHT_DYNSYM);
	make_elf("/usr/bin/python3.12", ".symtab", SHT_SYMTAB);
	make_elf("/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0", NULL, 0);
	world_write("/usr/bin/python3.11-config", "#!/bin/sh\n");
	world_write("/usr/bin/python3.13", "#!/bin/sh\n");
	world_write("/etc/os-release", "ID=ubuntu\nID_LIKE=debian\n");
	world_check(symbols_check);
	expect_finding("symbols", "warning",
		       "in python3.11, libpython3.11.so.1.0:", "install python3.11-dbg, then");
	world_write("/etc/os-release", "ID=fedora\n");
	world_check(symbols_check);
	expect_finding("symbols", "warning", "python3.11", "install their debug symbols, then");
}

Test(client_doctor_programs, files_that_are_no_programs)
{
	world_check(symbols_check);
	expect_finding("symbols", "unknown", "usual places", "resymbolize");
	world_write(LIBC, "");
	world_check(symbols_check);
	expect_finding("symbols", "unknown", "usual places", "resymbolize");
	world_write(LIBC, "\177ELF");
	world_check(symbols_check);
	expect_finding("symbols", "unknown", "usual places", "resymbolize");
}
