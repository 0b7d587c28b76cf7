/* SPDX-License-Identifier: MIT */
/* The events of perf: whether oxprofd may open them, since it needs a timer for each CPU, and their
 * limits. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>

#include "client/doctor/check.h"
#include "daemon/base/api.h"

#define LEVEL_FILE "/proc/sys/kernel/perf_event_paranoid"
/* From this level on CAP_PERFMON is not enough for the kernels of Debian and Ubuntu. */
#define LEVEL_CLOSED 3
/* An option that only kernels with such levels know, set or not. */
#define LEVEL_OPTION "CONFIG_SECURITY_PERF_EVENTS_RESTRICT"

#define OPENER_UNIT  "oxprof-opener.socket"
#define OPENER_START "start the opener: systemctl start " OPENER_UNIT

#define STACK_FILE "/proc/sys/kernel/perf_event_max_stack"
#define STACK_MIN  127
#define RATE_FILE  "/proc/sys/kernel/perf_event_max_sample_rate"
#define RATE_MIN   (INT64_C(1000000000) / (int64_t)OX_INTERVAL_MIN_NS)

enum opener {
	OPENER_LISTENS,
	OPENER_RESTS, /* does not run, like oxprofd, and starts with it */
	OPENER_STOPPED,
	OPENER_MISSING, /* not installed, or masked */
};

/* ---- the level ---- */

/* True if the kernel has levels from LEVEL_CLOSED on, or if its configuration cannot be read. A
 * kernel without them takes them for 2. */
static bool kernel_knows_level(const struct machine *machine)
{
	static const struct {
		const char *before, *behind;
	} places[] = {{"/boot/config-", ""}, {"/lib/modules/", "/config"}};
	char release[KERNEL_RELEASE_BYTES];

	kernel_read_release(machine, release);
	for (size_t i = 0; i < array_length(places); i++) {
		char path[2 * KERNEL_RELEASE_BYTES];

		snprintf(path, sizeof(path), "%s%s%s", places[i].before, release, places[i].behind);
		if (machine_file_mentions(machine, path, "CONFIG_PERF_EVENTS"))
			return machine_file_mentions(machine, path, LEVEL_OPTION);
	}
	return true;
}

/* True if the kernel asks for more than oxprofd has. */
static bool level_is_closed(const struct machine *machine, long long level)
{
	return level >= LEVEL_CLOSED && kernel_knows_level(machine) &&
	       !service_has_capability(machine, CAP_SYS_ADMIN);
}

static void add_closed(long long level, enum opener opener, struct findings *findings)
{
	if (opener == OPENER_LISTENS || opener == OPENER_RESTS) {
		findings_add(findings, "paranoid", VERDICT_OK,
			     "kernel.perf_event_paranoid is %lld, at which only CAP_SYS_ADMIN may "
			     "open events: the opener opens them for oxprofd",
			     level);
		return;
	}
	findings_add(findings, "paranoid", VERDICT_FAILED,
		     "kernel.perf_event_paranoid is %lld, at which only CAP_SYS_ADMIN may open "
		     "events, and the opener (" OPENER_UNIT ") that does it for oxprofd %s",
		     level, opener == OPENER_MISSING ? "cannot be started" : "does not run");
	findings_advise(findings, OPENER_START);
}

/* Adds the finding about the level, and sets *ret_closed where the opener is needed. */
static void check_level(const struct machine *machine, enum opener opener, bool *ret_closed,
			struct findings *findings)
{
	long long level;
	int r = machine_read_number(machine, LEVEL_FILE, &level);

	*ret_closed = r >= 0 && level_is_closed(machine, level);
	if (r < 0) {
		findings_add(findings, "paranoid", VERDICT_FAILED,
			     "the kernel has no events: " LEVEL_FILE ": %s", strerror(-r));
		findings_advise(findings,
				"boot a kernel that was built with CONFIG_PERF_EVENTS=y; in a "
				"container, mount /proc");
	} else if (*ret_closed) {
		add_closed(level, opener, findings);
	} else {
		findings_add(findings, "paranoid", VERDICT_OK,
			     "kernel.perf_event_paranoid is %lld, at which oxprofd may open events",
			     level);
	}
}

/* ---- the opener ---- */

/* True if a process listens at the socket of that path. A line of the kernel's list is "0000:
 * 00000002 00000000 00010000 0005 01 23456 /run/oxprof/opener"; the bit 0x10000 in its fourth word
 * is set while a process listens. */
static bool is_listened_at(const struct machine *machine, const char *path)
{
	_cleanup_fclose_ FILE *f = machine_open(machine, "/proc/net/unix");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0) {
		char flags[16] = "", bound[256] = "";

		if (sscanf(line, "%*s %*s %*s %15s %*s %*s %*s %255s", flags, bound) == 2 &&
		    !strcmp(bound, path) && strtoul(flags, NULL, 16) & 0x10000)
			return true;
	}
	return false;
}

static enum opener find_opener(const struct machine *machine)
{
	const struct unit_facts *unit = &machine->bus->opener, *service = &machine->bus->service;
	struct stat st;
	bool is_there = machine_stat(machine, OX_OPENER_PATH, &st) >= 0 && S_ISSOCK(st.st_mode);

	if (unit->is_known && strcmp(unit->load, "loaded") != 0)
		return OPENER_MISSING;
	if (is_there && (unit->is_known ? !strcmp(unit->state, "active")
					: is_listened_at(machine, OX_OPENER_PATH)))
		return OPENER_LISTENS;
	return service->is_known && strcmp(service->state, "active") != 0 ? OPENER_RESTS
									  : OPENER_STOPPED;
}

/* Returns what to do where systemd cannot start the opener. */
static const char *advise_install(const struct unit_facts *unit)
{
	return !strcmp(unit->load, "masked") ? "allow it: systemctl unmask " OPENER_UNIT
					     : "install oxprof again; " OPENER_START;
}

static void add_absent(const struct machine *machine, enum opener opener, bool is_needed,
		       struct findings *findings)
{
	const struct unit_facts *unit = &machine->bus->opener;

	assert(opener == OPENER_MISSING || opener == OPENER_STOPPED);
	if (opener == OPENER_MISSING)
		findings_add(findings, "opener", is_needed ? VERDICT_FAILED : VERDICT_OK,
			     "systemd cannot start " OPENER_UNIT ": %s%s", unit->load,
			     is_needed ? "" : "; at this level it is not needed");
	else
		findings_add(findings, "opener", is_needed ? VERDICT_FAILED : VERDICT_OK,
			     "no process listens at " OX_OPENER_PATH "%s",
			     is_needed ? "" : "; at this level it is not needed");
	if (is_needed)
		findings_advise(findings, "%s",
				opener == OPENER_MISSING ? advise_install(unit) : OPENER_START);
}

static void check_opener(const struct machine *machine, enum opener opener, bool is_needed,
			 struct findings *findings)
{
	const char *note = is_needed ? "" : "; at this level it is not needed";

	if (opener == OPENER_LISTENS)
		findings_add(findings, "opener", VERDICT_OK,
			     "the opener listens at " OX_OPENER_PATH "%s", note);
	else if (opener == OPENER_RESTS)
		findings_add(findings, "opener", VERDICT_OK, "the opener starts with oxprofd%s",
			     note);
	else
		add_absent(machine, opener, is_needed, findings);
}

/* ---- limits ---- */

/* Adds a finding about a sysctl that should be at least `least`; `lost` says what a smaller value
 * costs. */
static void check_limit(const struct machine *machine, const char *id, const char *file,
			long long least, const char *lost, struct findings *findings)
{
	long long value;
	const char *name = strrchr(file, '/') + 1;
	int r = machine_read_number(machine, file, &value);

	if (r < 0) {
		findings_add(findings, id, VERDICT_UNKNOWN, "kernel.%s: %s", name, strerror(-r));
		findings_advise(findings, "look at it yourself: sysctl kernel.%s", name);
	} else if (value < least) {
		findings_add(findings, id, VERDICT_WARNING, "kernel.%s is %lld: %s", name, value,
			     lost);
		findings_advise(findings, "raise it: sysctl kernel.%s=%lld", name, least);
	} else {
		findings_add(findings, id, VERDICT_OK, "kernel.%s is %lld, which is enough", name,
			     value);
	}
}

void events_check(const struct machine *machine, struct findings *findings)
{
	enum opener opener = find_opener(machine);
	bool is_needed;

	check_level(machine, opener, &is_needed, findings);
	check_opener(machine, opener, is_needed, findings);
	check_limit(machine, "stack-depth", STACK_FILE, STACK_MIN,
		    "deeper kernel stacks lose their root end", findings);
	check_limit(machine, "sample-rate", RATE_FILE, RATE_MIN,
		    "more samples than that per second and CPU are lost", findings);
}
