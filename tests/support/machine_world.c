/* SPDX-License-Identifier: MIT */
#include "tests/support/machine_world.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "tests/support/directory.h"

char world_root[256];
struct bus_facts world_bus;
struct machine world;
struct findings world_findings;

/* ---- files ---- */

static void world_path(const char *path, char ret[static 512])
{
	cr_assert_lt(snprintf(ret, 512, "%s%s", world_root, path), 512);
}

void world_write_bytes(const char *path, const void *bytes, size_t size)
{
	char full[512];
	FILE *f;

	world_path(path, full);
	for (char *at = full + strlen(world_root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		(void)mkdir(full, 0755);
		*at = '/';
	}
	f = fopen(full, "w");
	cr_assert(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0, "%s", full);
}

void world_write(const char *path, const char *text)
{
	world_write_bytes(path, text, strlen(text));
}

void world_link(const char *path, const char *target)
{
	char full[512];

	world_write(path, "");
	world_path(path, full);
	cr_assert(unlink(full) == 0 && symlink(target, full) == 0, "%s", full);
}

static void world_socket(const char *path)
{
	char full[512];

	world_write(path, "");
	world_path(path, full);
	cr_assert(unlink(full) == 0 && mknod(full, S_IFSOCK | 0600, 0) == 0, "%s", full);
}

void world_remove(const char *path)
{
	char full[512];

	world_path(path, full);
	cr_assert_eq(access(full, F_OK), 0, "%s", full);
	directory_remove(full);
}

void world_mode(const char *path, mode_t mode)
{
	char full[512];

	world_path(path, full);
	cr_assert_eq(chmod(full, mode), 0, "%s", full);
}

/* ---- a good one ---- */

static void world_make_kernel(void)
{
	world_write("/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
	world_write("/sys/kernel/btf/vmlinux", "\x9f\xeb\x01\x02\x03\x04");
	world_write("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	world_write("/proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
	world_write("/proc/sys/net/core/bpf_jit_enable", "1\n");
	world_write("/proc/sys/kernel/perf_event_paranoid", "2\n");
	world_write("/proc/sys/kernel/perf_event_max_stack", "127\n");
	world_write("/proc/sys/kernel/perf_event_max_sample_rate", "100000\n");
	world_write("/proc/self/mountinfo",
		    "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
		    "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n");
	world_write("/proc/1/uid_map", "         0          0 4294967295\n");
	world_write("/proc/1/status", "Name:\tsystemd\nCapBnd:\t000001ffffffffff\n");
}

static void world_make_system(void)
{
	char passwd[128];

	snprintf(passwd, sizeof(passwd), "root:x:0:0::/:/bin/sh\noxprof:x:%u:4:::/bin/false\n",
		 geteuid());
	world_write("/etc/passwd", passwd);
	world_write("/etc/group", "root:x:0:\noxprof-read:x:4:\n");
	world_write("/usr/share/dbus-1/system.d/org.oxprof1.conf",
		    "<allow own=\"org.oxprof1\"/>\n");
	world_write("/usr/share/polkit-1/actions/org.oxprof1.policy", "<policyconfig/>\n");
	world_write("/etc/oxprof/oxprofd.conf", "[Storage]\n#MaxSize=0\nKeepFree=0\n");
	world_write("/var/lib/oxprof/oxprof.db", "0123456789");
	world_mode("/var/lib/oxprof", 02750);
	world_socket("/run/oxprof/opener");
	world_write("/proc/77/status", "Name:\toxprofd\nCapEff:\t000001c000080004\n");
}

static void world_make_bus(void)
{
	static const struct unit_facts socket = {
		.is_known = true,
		.load = "loaded",
		.state = "active",
	};

	world_bus = (struct bus_facts){
		.daemon = NAME_OWNED,
		.polkit = NAME_OWNED,
		.service = socket,
		.opener = socket,
	};
	strcpy(world_bus.service.result, "success");
	strcpy(world_bus.service.user, "oxprof");
	world_bus.service.main_pid = 77;
	world_bus.service.ambient = world_bus.service.bounding = WORLD_CAPABILITIES;
}

void world_set_status(const char *json)
{
	json_object_put(world.status);
	world.status = json_tokener_parse(json);
	cr_assert_not_null(world.status);
}

void world_make(void)
{
	directory_make(world_root, sizeof(world_root));
	world = (struct machine){.root = world_root, .is_root = true, .bus = &world_bus};
	world_make_kernel();
	world_make_system();
	world_make_bus();
	world_set_status("{\"version\":\"" OX_VERSION "\",\"state\":\"paused\"}");
}

void world_drop(void)
{
	findings_done(&world_findings);
	json_object_put(world.status);
	directory_remove(world_root);
}

/* ---- findings ---- */

void world_check(void (*check)(const struct machine *, struct findings *))
{
	findings_done(&world_findings);
	check(&world, &world_findings);
	cr_assert_not(world_findings.out_of_memory);
}

const struct finding *world_find(const char *id)
{
	const struct finding *found = NULL;

	for (size_t i = 0; i < world_findings.n; i++) {
		if (strcmp(world_findings.rows[i].id, id) != 0)
			continue;
		cr_assert_null(found, "%s: twice", id);
		found = &world_findings.rows[i];
	}
	cr_assert_not_null(found, "%s: not there", id);
	return found;
}
