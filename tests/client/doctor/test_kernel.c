/* SPDX-License-Identifier: MIT */
/* The findings about kernels, and about the rights to open events. */
#include "tests/support/machine_world.h"

TestSuite(client_doctor_kernel, .init = world_make, .fini = world_drop);

Test(client_doctor_kernel, a_good_one_is_good)
{
	world_check(kernel_check);
	expect_finding("kernel", "ok", "Linux 6.1.0-28-amd64", NULL);
	expect_finding("btf", "ok", "types", NULL);
	expect_finding("lockdown", "ok", "not locked down", NULL);
	expect_finding("bpf", "ok", "is 2", NULL);
}

Test(client_doctor_kernel, releases)
{
	world_write("/proc/sys/kernel/osrelease", "5.15.0-119-generic\n");
	world_check(kernel_check);
	expect_finding("kernel", "failed", "5.15.0-119-generic is too old", "newer kernel");
	world_write("/proc/sys/kernel/osrelease", "6.0.0\n");
	world_check(kernel_check);
	expect_finding("kernel", "ok", "6.0.0", NULL);
	world_write("/proc/sys/kernel/osrelease", "10.2.1\n");
	world_check(kernel_check);
	expect_finding("kernel", "ok", "10.2.1", NULL);
	world_write("/proc/sys/kernel/osrelease", "next");
	world_check(kernel_check);
	expect_finding("kernel", "unknown", "osrelease", "mount");
}

Test(client_doctor_kernel, types)
{
	world_write("/sys/kernel/btf/vmlinux", "\x9f");
	world_check(kernel_check);
	expect_finding("btf", "failed", "is no BTF", "CONFIG_DEBUG_INFO_BTF=y");
	world_remove("/sys/kernel/btf");
	world_check(kernel_check);
	expect_finding("btf", "failed", "No such file", "CONFIG_DEBUG_INFO_BTF=y");
	world_remove("/sys");
	world_check(kernel_check);
	expect_finding("btf", "unknown", "/sys is not mounted", "mount -t sysfs");
}

Test(client_doctor_kernel, lockdown_levels)
{
	world_write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	world_check(kernel_check);
	expect_finding("lockdown", "ok", "integrity", NULL);
	world_write("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	world_check(kernel_check);
	expect_finding("lockdown", "failed", "confidentiality", "lockdown=integrity");
}

Test(client_doctor_kernel, lockdown_that_is_not_shown)
{
	world_remove("/sys/kernel/security/lockdown");
	world_check(kernel_check);
	expect_finding("lockdown", "unknown", "/sys/kernel/security", "mount -t securityfs");
	world_write("/sys/kernel/security/lsm", "capability,landlock");
	world_check(kernel_check);
	expect_finding("lockdown", "ok", "no lockdown", NULL);
	world_write("/proc/cmdline", "quiet lockdown=confidentiality\n");
	world_check(kernel_check);
	expect_finding("lockdown", "failed", "confidentiality", "lockdown=integrity");
	/* Programs that are loaded prove that the kernel allows them. */
	world_set_status("{\"kernel\":\"loaded\"}");
	world_check(kernel_check);
	expect_finding("lockdown", "ok", "are loaded", NULL);
}

Test(client_doctor_kernel, bpf)
{
	world_remove("/proc/sys/net/core/bpf_jit_enable");
	world_write("/proc/sys/kernel/unprivileged_bpf_disabled", "0");
	world_check(kernel_check);
	expect_finding("bpf", "ok", "is 0", NULL);
	world_write("/proc/sys/net/core/bpf_jit_enable", "0\n");
	world_check(kernel_check);
	expect_finding("bpf", "failed", "bpf_jit_enable", "sysctl net.core.bpf_jit_enable=1");
	world_remove("/proc/sys/net");
	world_remove("/proc/sys/kernel/unprivileged_bpf_disabled");
	world_check(kernel_check);
	expect_finding("bpf", "failed", "no BPF", "CONFIG_BPF_SYSCALL=y");
	world_remove("/proc/sys");
	world_check(kernel_check);
	expect_finding("bpf", "unknown", "/proc/sys", "mount");
}

/* ---- events ---- */

Test(client_doctor_kernel, at_level_two_nobody_is_needed)
{
	world_check(events_check);
	expect_finding("paranoid", "ok", "is 2", NULL);
	expect_finding("opener", "ok", "listens", NULL);
	strcpy(world_bus.opener.state, "inactive");
	world_check(events_check);
	expect_finding("paranoid", "ok", "is 2", NULL);
	expect_finding("opener", "ok", "not needed", NULL);
	world_write("/proc/sys/kernel/perf_event_paranoid", "-1");
	world_check(events_check);
	expect_finding("paranoid", "ok", "is -1", NULL);
}

Test(client_doctor_kernel, at_level_three_the_opener_is)
{
	world_write("/proc/sys/kernel/perf_event_paranoid", "3\n");
	world_check(events_check);
	expect_finding("paranoid", "ok", "is 3", NULL);
	expect_finding("opener", "ok", "listens", NULL);
	strcpy(world_bus.opener.state, "inactive");
	world_check(events_check);
	expect_finding("paranoid", "failed", "kernel.perf_event_paranoid is 3",
		       "systemctl start oxprof-opener.socket");
	expect_finding("paranoid", "failed", "opener (oxprof-opener.socket)", "start");
	expect_finding("opener", "failed", "/run/oxprof/opener",
		       "systemctl start oxprof-opener.socket");
	strcpy(world_bus.opener.load, "not-found");
	world_check(events_check);
	expect_finding("paranoid", "failed", "cannot be started", "start");
	expect_finding("opener", "failed", "not-found", "install");
	strcpy(world_bus.opener.load, "masked");
	world_check(events_check);
	expect_finding("opener", "failed", "masked", "systemctl unmask oxprof-opener.socket");
}

/* The socket exists only while the daemon runs. */
Test(client_doctor_kernel, an_opener_starts_with_the_daemon)
{
	world_write("/proc/sys/kernel/perf_event_paranoid", "3\n");
	world_remove("/run/oxprof");
	strcpy(world_bus.opener.state, "inactive");
	strcpy(world_bus.service.state, "inactive");
	world_check(events_check);
	expect_finding("paranoid", "ok", "is 3", NULL);
	expect_finding("opener", "ok", "starts with oxprofd", NULL);
	strcpy(world_bus.opener.load, "masked");
	world_check(events_check);
	expect_finding("opener", "failed", "masked", "unmask");
}

/* Without the file of the socket oxprofd cannot reach the opener, whatever systemd says. */
Test(client_doctor_kernel, an_opener_is_a_socket)
{
	world_write("/proc/sys/kernel/perf_event_paranoid", "4\n");
	world_remove("/run/oxprof/opener");
	world_check(events_check);
	expect_finding("opener", "failed", "no process listens", "start");
	world_write("/run/oxprof/opener", "");
	world_check(events_check);
	expect_finding("opener", "failed", "no process listens", "start");
}

/* Without a bus, the kernel's list of sockets says whether the opener listens. */
Test(client_doctor_kernel, an_opener_is_found_without_systemd)
{
	static const char format[] = "Num       RefCount Protocol Flags    Type St Inode Path\n"
				     "0000000028eb34d3: 00000003 00000000 00000000 0001 03  1675\n"
				     "000000006909d25a: 00000002 00000000 %s 0005 01  1676 %s\n";
	static const struct {
		const char *flags, *path, *verdict;
	} cases[] = {
		{"00010000", "/run/oxprof/opener", "ok"},
		{"00000000", "/run/oxprof/opener", "failed"},
		{"00010000", "/run/oxprof/opener2", "failed"},
	};

	world_write("/proc/sys/kernel/perf_event_paranoid", "3\n");
	world_bus.opener.is_known = false;
	for (size_t i = 0; i < array_length(cases); i++) {
		char list[512];

		snprintf(list, sizeof(list), format, cases[i].flags, cases[i].path);
		world_write("/proc/net/unix", list);
		world_check(events_check);
		expect_finding("opener", cases[i].verdict, "/run/oxprof/opener",
			       i > 0 ? "start" : NULL);
	}
}

/* Level 3 comes from Debian; a kernel that is built without it takes it for 2. */
Test(client_doctor_kernel, a_level_that_the_kernel_does_not_know)
{
	world_write("/proc/sys/kernel/perf_event_paranoid", "3\n");
	world_remove("/run/oxprof");
	world_write("/boot/config-6.1.0-28-amd64", "CONFIG_PERF_EVENTS=y\n");
	world_check(events_check);
	expect_finding("paranoid", "ok", "is 3", NULL);
	expect_finding("opener", "ok", "not needed", NULL);
	world_write("/boot/config-6.1.0-28-amd64",
		    "CONFIG_PERF_EVENTS=y\n# CONFIG_SECURITY_PERF_EVENTS_RESTRICT is not set\n");
	world_check(events_check);
	expect_finding("paranoid", "failed", "is 3", "start");
	world_remove("/boot");
	world_write("/lib/modules/6.1.0-28-amd64/config", "CONFIG_PERF_EVENTS=y\n");
	world_check(events_check);
	expect_finding("paranoid", "ok", "is 3", NULL);
}

Test(client_doctor_kernel, an_administrator_may_have_opened_the_daemon)
{
	world_write("/proc/sys/kernel/perf_event_paranoid", "3\n");
	world_remove("/run/oxprof");
	world_bus.service.bounding |= UINT64_C(1) << 21;
	world_check(events_check);
	expect_finding("paranoid", "failed", "is 3", "start"); /* not in the ambient set */
	world_bus.service.ambient |= UINT64_C(1) << 21;
	world_check(events_check);
	expect_finding("paranoid", "ok", "is 3", NULL);
}

Test(client_doctor_kernel, no_events)
{
	world_remove("/proc/sys/kernel/perf_event_paranoid");
	world_check(events_check);
	expect_finding("paranoid", "failed", "no events", "CONFIG_PERF_EVENTS=y");
}

Test(client_doctor_kernel, limits)
{
	world_write("/proc/sys/kernel/perf_event_max_stack", "126\n");
	world_write("/proc/sys/kernel/perf_event_max_sample_rate", "10000\n");
	world_check(events_check);
	expect_finding("stack-depth", "warning", "is 126",
		       "sysctl kernel.perf_event_max_stack=127");
	expect_finding("sample-rate", "ok", "is 10000", NULL);
	world_write("/proc/sys/kernel/perf_event_max_sample_rate", "9999\n");
	world_remove("/proc/sys/kernel/perf_event_max_stack");
	world_check(events_check);
	expect_finding("stack-depth", "unknown", "No such file", "sysctl");
	expect_finding("sample-rate", "warning", "is 9999",
		       "sysctl kernel.perf_event_max_sample_rate=10000");
}
