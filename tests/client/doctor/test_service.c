/* SPDX-License-Identifier: MIT */
/* The findings about containers, the unit with its capabilities, and the daemon. */
#include <errno.h>
#include <linux/capability.h>

#include "tests/support/machine_world.h"

#define BIT(capability) (UINT64_C(1) << (capability))

TestSuite(client_doctor_service, .init = world_make, .fini = world_drop);

static void take_status(void)
{
	json_object_put(world.status);
	world.status = NULL;
}

Test(client_doctor_service, a_good_one_is_good)
{
	world_check(service_check);
	expect_finding("container", "ok", "no container", NULL);
	expect_finding("capabilities", "ok", "five", NULL);
	expect_finding("daemon", "ok", OX_VERSION " is paused", NULL);
}

/* ---- containers ---- */

Test(client_doctor_service, containers_are_named)
{
	world_write("/.dockerenv", "");
	world_check(service_check);
	expect_finding("container", "ok", "(docker)", NULL);
	world_write("/run/.containerenv", "");
	world_check(service_check);
	expect_finding("container", "ok", "(podman)", NULL);
	world_write("/run/systemd/container", "lxc\n");
	world_check(service_check);
	expect_finding("container", "ok", "(lxc)", NULL);
}

Test(client_doctor_service, a_container_without_rights)
{
	world_write("/run/systemd/container", "docker\n");
	world_write("/proc/1/status", "Name:\tsystemd\nCapBnd:\t00000000a80425fb\n");
	world_check(service_check);
	expect_finding("container", "failed", "this is a container of docker", "CAP_BPF");
	/* One of the two capabilities is not enough. */
	world_write("/proc/1/status", "CapBnd:\t0000008000000000\n");
	world_check(service_check);
	expect_finding("container", "failed", "CAP_PERFMON", "on the host");
	world_write("/proc/1/status", "CapBnd:\t000000c000000000\n");
	world_check(service_check);
	expect_finding("container", "ok", "docker", NULL);
}

Test(client_doctor_service, user_namespaces)
{
	world_write("/proc/1/uid_map", "         0     100000      65536\n");
	world_check(service_check);
	expect_finding("container", "failed", "user namespace", "on the host");
	world_write("/proc/1/uid_map", "         0          0       1000\n");
	world_check(service_check);
	expect_finding("container", "failed", "user namespace", "on the host");
	world_remove("/proc/1/uid_map");
	world_check(service_check);
	expect_finding("container", "ok", "no container", NULL);
}

/* ---- capabilities ---- */

Test(client_doctor_service, each_capability_is_missed)
{
	static const struct {
		const char *name;
		unsigned int capability;
		const char *verdict;
	} cases[] = {
		{"CAP_BPF", CAP_BPF, "failed"},
		{"CAP_PERFMON", CAP_PERFMON, "failed"},
		{"CAP_SYS_PTRACE", CAP_SYS_PTRACE, "failed"},
		{"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, "warning"},
		{"CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE, "warning"},
	};

	strcpy(world_bus.service.drop_ins, "/etc/a.conf");
	for (size_t i = 0; i < array_length(cases); i++) {
		char text[64];

		snprintf(text, sizeof(text), "set up without %s:", cases[i].name);
		world_bus.service.bounding = WORLD_CAPABILITIES & ~BIT(cases[i].capability);
		world_check(service_check);
		expect_finding("capabilities", cases[i].verdict, text, "/etc/a.conf");
		world_bus.service.bounding = WORLD_CAPABILITIES;
		world_bus.service.ambient = WORLD_CAPABILITIES & ~BIT(cases[i].capability);
		world_check(service_check);
		expect_finding("capabilities", cases[i].verdict, text, "/etc/a.conf");
		world_bus.service.ambient = WORLD_CAPABILITIES;
	}
}

Test(client_doctor_service, all_that_are_missing_are_named)
{
	world_bus.service.bounding = 0;
	world_check(service_check);
	expect_finding("capabilities", "failed",
		       "without CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, "
		       "CAP_CHECKPOINT_RESTORE: it cannot sample",
		       "systemctl edit oxprofd");
}

/* The process runs since before the unit was changed. */
Test(client_doctor_service, the_process_may_have_less_than_its_unit)
{
	world_write("/proc/77/status", "CapEff:\t0000008000080004\n");
	world_check(service_check);
	expect_finding("capabilities", "failed", "runs without CAP_PERFMON, CAP_CHECKPOINT_RESTORE",
		       "systemctl restart oxprofd");
	world_bus.service.main_pid = 0;
	world_check(service_check);
	expect_finding("capabilities", "ok", "five", NULL);
}

/* Root has the capabilities of the bounding set; another user only those of the ambient set. */
Test(client_doctor_service, a_unit_that_runs_as_root)
{
	world_bus.service.ambient = 0;
	world_check(service_check);
	expect_finding("capabilities", "failed", "without", "edit");
	strcpy(world_bus.service.user, "root");
	world_check(service_check);
	expect_finding("capabilities", "ok", "five", NULL);
	world_bus.service.user[0] = '\0';
	world_check(service_check);
	expect_finding("capabilities", "ok", "five", NULL);
}

Test(client_doctor_service, systemd_that_says_nothing)
{
	world_bus.service = (struct unit_facts){0};
	world_check(service_check);
	expect_finding("capabilities", "unknown", "systemd", "bus");
}

/* ---- the daemon ---- */

Test(client_doctor_service, what_the_daemon_notices_is_shown)
{
	world_set_status("{\"version\":\"" OX_VERSION "\",\"state\":\"paused\","
			 "\"notice\":\"cannot load the BPF programs\\n\\u001b[2J\"}");
	world_check(service_check);
	expect_finding("daemon", "warning", "cannot load the BPF programs", "journalctl");
	cr_expect_null(strpbrk(world_find("daemon")->text, "\n\033"));
}

Test(client_doctor_service, what_the_kernel_refused_is_shown)
{
	world_set_status("{\"version\":\"" OX_VERSION "\",\"state\":\"paused\","
			 "\"kernel\":\"failed\",\"notice\":\"cannot load: too large\"}");
	world_check(service_check);
	expect_finding("daemon", "failed", "cannot load: too large", "systemctl restart oxprofd");
	world_set_status("{\"version\":\"" OX_VERSION "\",\"state\":\"paused\","
			 "\"kernel\":\"loaded\"}");
	world_check(service_check);
	expect_finding("daemon", "ok", "programs are loaded", NULL);
	world_set_status("{\"version\":\"" OX_VERSION "\",\"state\":\"paused\","
			 "\"kernel\":\"loading\"}");
	world_check(service_check);
	expect_finding("daemon", "ok", " is paused", NULL);
}

Test(client_doctor_service, another_version)
{
	world_set_status("{\"version\":\"0.3.0\",\"state\":\"running\"}");
	world_check(service_check);
	expect_finding("daemon", "warning", "0.3.0", "systemctl restart oxprofd");
}

Test(client_doctor_service, no_answer)
{
	take_status();
	world.status_error = "Connection timed out";
	world_check(service_check);
	expect_finding("daemon", "failed", "Connection timed out", "journalctl");
}

Test(client_doctor_service, a_daemon_that_does_not_run)
{
	take_status();
	strcpy(world_bus.service.state, "inactive");
	world_bus.daemon = NAME_ABSENT;
	world_check(service_check);
	expect_finding("daemon", "warning", "does not run", "systemctl start oxprofd");
	world_bus.daemon = NAME_ACTIVATABLE;
	world_check(service_check);
	expect_finding("daemon", "ok", "starts it when a program calls it", NULL);
}

Test(client_doctor_service, a_daemon_that_has_failed)
{
	take_status();
	world_bus.daemon = NAME_ABSENT;
	strcpy(world_bus.service.result, "exit-code");
	strcpy(world_bus.service.state, "failed");
	world_check(service_check);
	expect_finding("daemon", "failed", "exit-code", "journalctl");
	strcpy(world_bus.service.state, "activating");
	world_check(service_check);
	expect_finding("daemon", "failed", "exit-code", "journalctl");
}

Test(client_doctor_service, a_unit_that_cannot_be_started)
{
	take_status();
	world_bus.daemon = NAME_ABSENT;
	strcpy(world_bus.service.state, "inactive");
	strcpy(world_bus.service.load, "masked");
	world_check(service_check);
	expect_finding("daemon", "failed", "masked", "systemctl unmask oxprofd");
	strcpy(world_bus.service.load, "not-found");
	world_check(service_check);
	expect_finding("daemon", "failed", "not-found", "install");
}

Test(client_doctor_service, no_bus)
{
	take_status();
	world_bus = (struct bus_facts){.error = -ENOENT};
	world_check(service_check);
	expect_finding("daemon", "unknown", "bus", "bus");
	expect_finding("capabilities", "unknown", "systemd", "bus");
	expect_finding("container", "ok", "no container", NULL);
}
