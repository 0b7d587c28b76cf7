/* SPDX-License-Identifier: MIT */
/* The findings about the bus, polkit, users, control groups, and the place of the history. */
#include <errno.h>

#include "tests/support/machine_world.h"

TestSuite(client_doctor_system, .init = world_make, .fini = world_drop);

Test(client_doctor_system, a_good_one_is_good)
{
	world_check(system_check);
	expect_finding("bus", "ok", "answers", NULL);
	expect_finding("policy", "ok", "org.oxprof1.conf is there", NULL);
	expect_finding("polkit", "ok", "actions", NULL);
	expect_finding("user", "ok", "oxprof", NULL);
	expect_finding("cgroup", "ok", "/sys/fs/cgroup", NULL);
}

Test(client_doctor_system, no_bus)
{
	world_bus = (struct bus_facts){.error = -ENOENT};
	world_check(system_check);
	expect_finding("bus", "failed", "No such file", "systemctl start dbus");
	/* Without a bus, the files say whether polkit is installed. */
	expect_finding("polkit", "warning", "not installed", "polkitd");
	world_write("/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service", "");
	world_check(system_check);
	expect_finding("polkit", "ok", "actions", NULL);
}

Test(client_doctor_system, the_policy_of_the_bus)
{
	world_remove("/usr/share/dbus-1");
	world_check(system_check);
	expect_finding("policy", "failed", "org.oxprof1.conf is missing", "systemctl reload dbus");
	world_write("/etc/dbus-1/system.d/org.oxprof1.conf", "<allow own=\"org.oxprof1\"/>\n");
	world_check(system_check);
	expect_finding("policy", "ok", "/etc/dbus-1/system.d/org.oxprof1.conf", NULL);
	world_write("/etc/dbus-1/system.d/org.oxprof1.conf", "<busconfig/>\n");
	world_check(system_check);
	expect_finding("policy", "failed", "does not let", "remove");
}

Test(client_doctor_system, polkit)
{
	world_bus.polkit = NAME_ACTIVATABLE;
	world_check(system_check);
	expect_finding("polkit", "ok", "actions", NULL);
	world_bus.polkit = NAME_ABSENT;
	world_check(system_check);
	expect_finding("polkit", "warning", "not installed", "polkitd");
	world_bus.polkit = NAME_OWNED;
	world_remove("/usr/share/polkit-1");
	world_check(system_check);
	expect_finding("polkit", "warning", "org.oxprof1.policy is missing", "install");
}

Test(client_doctor_system, users)
{
	world_write("/etc/group", "root:x:0:\n");
	world_check(system_check);
	expect_finding("user", "failed", "group oxprof-read is missing", "systemd-sysusers");
	world_write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
	world_check(system_check);
	expect_finding("user", "failed", "user oxprof and group oxprof-read are missing",
		       "systemd-sysusers oxprof.conf");
	world_write("/etc/group", "oxprof-read:x:4:\n");
	world_check(system_check);
	expect_finding("user", "failed", "user oxprof is missing", "systemd-sysusers");
}

Test(client_doctor_system, control_groups)
{
	world_write("/proc/self/mountinfo",
		    "30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
		    "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	world_check(system_check);
	expect_finding("cgroup", "ok", "/sys/fs/cgroup/unified", NULL);
	world_write("/proc/self/mountinfo", "30 24 0:26 / /sys/fs/cgroup rw - cgroup cgroup rw\n");
	world_check(system_check);
	expect_finding("cgroup", "warning", "--unit and --cgroup do not work",
		       "systemd.unified_cgroup_hierarchy=1");
	world_remove("/proc/self");
	world_check(system_check);
	expect_finding("cgroup", "unknown", "mountinfo", "mount");
}

/* ---- the history ---- */

Test(client_doctor_system, a_good_place)
{
	world_check(storage_check);
	expect_finding("settings", "ok", "understood", NULL);
	expect_finding("state", "ok", "/var/lib/oxprof belongs to oxprof and has mode 2750", NULL);
	cr_expect(strstr(world_find("disk")->text, "/var/lib/oxprof"));
}

Test(client_doctor_system, settings_that_are_not_understood)
{
	world_write("/etc/oxprof/oxprofd.conf.d/b.conf", "[Storage]\nColour=red\n");
	world_write("/etc/oxprof/oxprofd.conf.d/a.conf", "[Sampling]\nFrequency=fast\n");
	world_write("/etc/oxprof/oxprofd.conf.d/ignored", "Nonsense\n");
	world_check(storage_check);
	expect_finding("settings", "warning",
		       "/etc/oxprof/oxprofd.conf.d/a.conf:2: ", "systemctl reload oxprofd");
	world_remove("/etc/oxprof");
	world_check(storage_check);
	expect_finding("settings", "ok", "understood", NULL);
}

Test(client_doctor_system, a_directory_that_is_not_there)
{
	world_remove("/var/lib/oxprof");
	world_check(storage_check);
	expect_finding("state", "ok", "systemd creates it", NULL);
	cr_expect(strstr(world_find("disk")->text, "/var/lib/oxprof"));
	world_write("/etc/oxprof/oxprofd.conf.d/a.conf", "[Storage]\nPath=/srv/history/x.db\n");
	world_check(storage_check);
	expect_finding("state", "failed", "/srv/history: No such file",
		       "install -d -o oxprof -g oxprof-read -m 2750 /srv/history");
}

Test(client_doctor_system, whose_directory_it_is)
{
	world_mode("/var/lib/oxprof", 0755);
	world_check(storage_check);
	expect_finding("state", "warning", "0755", "chmod 2750 /var/lib/oxprof");
	world_write("/etc/passwd", "oxprof:x:4242:4242:::/bin/false\n");
	world_check(storage_check);
	expect_finding("state", "failed", "/var/lib/oxprof does not belong to user oxprof",
		       "chown -R oxprof:oxprof-read /var/lib/oxprof");
}

/* Makes the process run as nobody, who may enter the machine's root. */
static void become_nobody(void)
{
	cr_assert_eq(chmod(world_root, 0755), 0);
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0);
	world.is_root = false;
}

static void become_oneself(void)
{
	cr_assert_eq(seteuid(getuid()), 0);
}

Test(client_doctor_system, a_user_sees_what_he_may)
{
	world_write("/etc/oxprof/oxprofd.conf.d/a.conf", "[Storage]\nMaxSize=1M\nKeepFree=0\n");
	world_mode("/etc/oxprof/oxprofd.conf.d/a.conf", 0);
	world_mode("/var/lib/oxprof", 0);
	become_nobody();
	world_check(storage_check);
	expect_finding("settings", "unknown", "Permission denied", "sudo oxprofctl doctor");
	become_oneself();
	world_mode("/etc/oxprof/oxprofd.conf.d/a.conf", 0644);
	become_nobody();
	world_check(storage_check);
	expect_finding("disk", "ok", "are free in /var/lib/oxprof", NULL);
	world_set_status("{\"database_bytes\":1000}");
	world_check(storage_check);
	expect_finding("disk", "ok", "takes 1000B of the 1.0M", NULL);
	become_oneself();
}

/* ---- room ---- */

static void judge(struct disk_room room)
{
	findings_done(&world_findings);
	disk_judge("/d", &room, &world_findings);
}

#define MIB (UINT64_C(1) << 20)

Test(client_doctor_system, room_on_the_disk)
{
	struct disk_room room = {.free_bytes = 1000 * MIB, .free_inodes = 9, .database_bytes = 1};

	judge(room);
	expect_finding("disk", "ok", "1000.0M are free in /d; the history takes 1B", NULL);
	room.free_bytes = 256 * MIB - 1;
	judge(room);
	expect_finding("disk", "warning", "are free in /d", "Path=");
	room.free_bytes = 16 * MIB - 1;
	judge(room);
	expect_finding("disk", "failed", "are free in /d", "Path=");
}

/* An existing database needs no more inodes for its files. */
Test(client_doctor_system, room_for_files)
{
	struct disk_room room = {.free_bytes = 1000 * MIB, .free_inodes = 2, .database_bytes = 1};

	judge(room);
	expect_finding("disk", "ok", "1000.0M", NULL);
	room.database_bytes = 0;
	judge(room);
	expect_finding("disk", "failed", "no inode", "Path=");
	room.free_inodes = UINT64_MAX;
	judge(room);
	expect_finding("disk", "ok", "1000.0M", NULL);
}

Test(client_doctor_system, room_within_the_limits)
{
	struct disk_room room = {
		.free_bytes = 1000 * MIB,
		.free_inodes = 9,
		.max_bytes = 100,
		.keep_bytes = 1000 * MIB,
		.database_bytes = 89,
	};

	judge(room);
	expect_finding("disk", "ok", "takes 89B of the 100B", NULL);
	room.database_bytes = UINT64_MAX;
	judge(room);
	expect_finding("disk", "ok", "1000.0M are free in /d", NULL);
	room.free_bytes -= MIB;
	judge(room);
	expect_finding("disk", "warning", "only 999.0M are free in /d, less than the 1000.0M",
		       "KeepFree=");
}
