/* SPDX-License-Identifier: MIT */
/* The parts that belong to the distribution: bus, polkit, users, control groups. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "client/doctor/check.h"
#include "daemon/base/api.h"

#define REINSTALL "install oxprof again, then: systemctl reload dbus"

/* Returns the first of the files that exists; NULL: none. */
static const char *find_file(const struct machine *machine, const char *const *paths)
{
	for (; *paths; paths++)
		if (machine_has(machine, *paths))
			return *paths;
	return NULL;
}

/* ---- the bus ---- */

static void check_bus(const struct machine *machine, struct findings *findings)
{
	if (machine->bus->error < 0) {
		findings_add(findings, "bus", VERDICT_FAILED,
			     "the system bus cannot be reached: %s",
			     strerror(-machine->bus->error));
		findings_advise(findings, "start it: systemctl start dbus");
	} else {
		findings_add(findings, "bus", VERDICT_OK, "the system bus answers");
	}
}

static void check_policy(const struct machine *machine, struct findings *findings)
{
	static const char *const paths[] = {
		"/etc/dbus-1/system.d/" OX_BUS_NAME ".conf",
		"/usr/share/dbus-1/system.d/" OX_BUS_NAME ".conf",
		"/usr/local/share/dbus-1/system.d/" OX_BUS_NAME ".conf",
		NULL,
	};
	const char *path = find_file(machine, paths);

	if (!path) {
		findings_add(findings, "policy", VERDICT_FAILED,
			     "the bus lets nobody own or call " OX_BUS_NAME ": %s is missing",
			     paths[1]);
		findings_advise(findings, REINSTALL);
	} else if (!machine_file_mentions(machine, path, "own=\"" OX_BUS_NAME "\"")) {
		findings_add(findings, "policy", VERDICT_FAILED,
			     "%s does not let oxprofd own the name " OX_BUS_NAME, path);
		findings_advise(findings, "remove this file; " REINSTALL);
	} else {
		findings_add(findings, "policy", VERDICT_OK, "%s is there", path);
	}
}

/* ---- polkit ---- */

static bool polkit_is_there(const struct machine *machine)
{
	static const char service[] =
		"/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service";
	enum name_state state = machine->bus->polkit;

	return state == NAME_UNKNOWN ? machine_has(machine, service) : state != NAME_ABSENT;
}

static void check_polkit(const struct machine *machine, struct findings *findings)
{
	static const char *const paths[] = {
		"/usr/share/polkit-1/actions/" OX_BUS_NAME ".policy",
		"/usr/local/share/polkit-1/actions/" OX_BUS_NAME ".policy",
		NULL,
	};
	static const char less[] = "only root may profile processes of other users, and nobody can "
				   "gain that right with "
				   "a password";

	if (!polkit_is_there(machine)) {
		findings_add(findings, "polkit", VERDICT_WARNING, "polkit is not installed: %s",
			     less);
		findings_advise(findings, "install it; Debian has it as polkitd");
	} else if (!find_file(machine, paths)) {
		findings_add(findings, "polkit", VERDICT_WARNING, "%s is missing: %s", paths[0],
			     less);
		findings_advise(findings, "install oxprof again");
	} else {
		findings_add(findings, "polkit", VERDICT_OK,
			     "polkit is installed and knows oxprof's actions");
	}
}

/* ---- users ---- */

int64_t user_find(const struct machine *machine, const char *name)
{
	_cleanup_fclose_ FILE *f = machine_open(machine, "/etc/passwd");
	const struct passwd *user = NULL;

	while (f && (user = fgetpwent(f)))
		if (!strcmp(user->pw_name, name))
			return user->pw_uid;
	return -1;
}

static bool has_group(const struct machine *machine, const char *name)
{
	_cleanup_fclose_ FILE *f = machine_open(machine, "/etc/group");
	const struct group *group = NULL;

	while (f && (group = fgetgrent(f)))
		if (!strcmp(group->gr_name, name))
			return true;
	return false;
}

static void check_user(const struct machine *machine, struct findings *findings)
{
	bool user = user_find(machine, "oxprof") >= 0, group = has_group(machine, "oxprof-read");

	if (user && group) {
		findings_add(findings, "user", VERDICT_OK,
			     "user oxprof and group oxprof-read exist");
		return;
	}
	findings_add(findings, "user", VERDICT_FAILED, "%s%s%s missing, so oxprofd cannot start",
		     user ? "" : "user oxprof", !user && !group ? " and " : "",
		     group  ? " is"
		     : user ? "group oxprof-read is"
			    : "group oxprof-read are");
	findings_advise(findings, "create them: systemd-sysusers oxprof.conf");
}

/* ---- control groups ---- */

/* Finds where the hierarchy of version 2 is mounted, as oxprofd does. Returns 0, -ENOENT where it
 * is not mounted, or the error of opening the list of mounts. */
static int find_hierarchy(const struct machine *machine, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = machine_open(machine, "/proc/self/mountinfo");
	_cleanup_free_ char *line = NULL;
	size_t line_size = 0;

	if (!f)
		return -errno;
	while (getline(&line, &line_size, f) > 0) {
		char mount[256];

		if (!strstr(line, " - cgroup2 ") ||
		    sscanf(line, "%*s %*s %*s %*s %255s", mount) != 1)
			continue;
		snprintf(ret, size, "%s", mount);
		return 0;
	}
	return -ENOENT;
}

static void check_cgroup(const struct machine *machine, struct findings *findings)
{
	char mount[256];
	int r = find_hierarchy(machine, mount, sizeof(mount));

	if (r >= 0) {
		findings_add(findings, "cgroup", VERDICT_OK,
			     "control groups of version 2 are mounted at %s", mount);
	} else if (r == -ENOENT && machine_has(machine, "/proc/self/mountinfo")) {
		findings_add(findings, "cgroup", VERDICT_WARNING,
			     "control groups of version 2 are not mounted: --unit and --cgroup "
			     "do not work");
		findings_advise(findings, "boot with systemd.unified_cgroup_hierarchy=1 on the "
					  "command line of the kernel");
	} else {
		findings_add(findings, "cgroup", VERDICT_UNKNOWN,
			     "/proc/self/mountinfo cannot be read: %s", strerror(-r));
		findings_advise(findings, "mount /proc: mount -t proc proc /proc");
	}
}

void system_check(const struct machine *machine, struct findings *findings)
{
	check_bus(machine, findings);
	check_policy(machine, findings);
	check_polkit(machine, findings);
	check_user(machine, findings);
	check_cgroup(machine, findings);
}
