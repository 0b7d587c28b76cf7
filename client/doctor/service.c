/* SPDX-License-Identifier: MIT */
/* The unit oxprofd.service: where it runs, with which capabilities, and in which state. */
#include <assert.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <string.h>

#include "client/doctor/check.h"
#include "daemon/base/api.h"

#define BIT(capability)    (UINT64_C(1) << (capability))
#define JOURNAL            "look at: journalctl -u oxprofd -n 20"
#define ADVICE_START       "start it: systemctl start oxprofd"
#define ADVICE_REINSTALL   "install oxprof again"
#define CAPABILITIES_BYTES 128

/* The capabilities that oxprofd.service gives. */
static const struct {
	const char *name;
	unsigned int capability;
	bool is_essential; /* nothing is sampled without it */
} needed[] = {
	{"CAP_BPF", CAP_BPF, true},
	{"CAP_PERFMON", CAP_PERFMON, true},
	{"CAP_SYS_PTRACE", CAP_SYS_PTRACE, true},
	{"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, false},
	{"CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE, false},
};

/* ---- containers ---- */

/* Reads a line "KEY:\t<hex>" of /proc/PID/status. Returns whether the line is there. */
static bool read_status_set(const struct machine *machine, unsigned int pid, const char *key,
			    uint64_t *ret)
{
	char path[64], text[8192];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if (machine_read(machine, path, text, sizeof(text)) < 0)
		return false;
	at = strstr(text, key);
	return at && sscanf(at + strlen(key), ":%" SCNx64, ret) == 1;
}

/* Finds the name of the container, as systemd-detect-virt has it: "docker", "lxc" ...; "" outside
 * of containers. */
static void find_container(const struct machine *machine, char *ret, size_t size)
{
	if (machine_read(machine, "/run/systemd/container", ret, size) > 0)
		return;
	snprintf(ret, size, "%s",
		 machine_has(machine, "/run/.containerenv") ? "podman"
		 : machine_has(machine, "/.dockerenv")      ? "docker"
							    : "");
}

/* True if this is the initial user namespace, which is also assumed where the map cannot be read.
 */
static bool is_first_user_namespace(const struct machine *machine)
{
	char map[128];
	unsigned int inside, outside;
	unsigned long count;

	if (machine_read(machine, "/proc/1/uid_map", map, sizeof(map)) < 0 ||
	    sscanf(map, "%u %u %lu", &inside, &outside, &count) != 3)
		return true;
	return inside == 0 && outside == 0 && count == UINT32_MAX;
}

static void add_closed_container(const char *container, bool is_first, struct findings *findings)
{
	if (is_first)
		findings_add(findings, "container", VERDICT_FAILED,
			     "no process here can have CAP_BPF and CAP_PERFMON, because process 1 "
			     "lacks them%s%s",
			     *container ? "; this is a container of " : "", container);
	else
		findings_add(findings, "container", VERDICT_FAILED,
			     "this is a user namespace (%s), in which the kernel loads no BPF "
			     "programs that sample",
			     *container ? container : "a container without privileges");
	findings_advise(findings,
			"run oxprofd on the host: it sees the processes of containers, too%s",
			is_first ? "; or give the container CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, "
				   "CAP_DAC_READ_SEARCH and CAP_CHECKPOINT_RESTORE"
				 : "");
}

static void check_container(const struct machine *machine, struct findings *findings)
{
	bool is_first = is_first_user_namespace(machine);
	char container[64];
	uint64_t bounding = UINT64_MAX;

	find_container(machine, container, sizeof(container));
	(void)read_status_set(machine, 1, "CapBnd", &bounding);
	if (!is_first || ~bounding & (BIT(CAP_BPF) | BIT(CAP_PERFMON)))
		add_closed_container(container, is_first, findings);
	else if (*container)
		findings_add(findings, "container", VERDICT_OK,
			     "this is a container (%s) that may load BPF programs; only its own "
			     "processes are seen",
			     container);
	else
		findings_add(findings, "container", VERDICT_OK, "this is no container");
}

/* ---- capabilities ---- */

/* Returns the capabilities that systemd gives oxprofd at its next start. */
static uint64_t get_unit_set(const struct unit_facts *unit)
{
	bool is_root = !*unit->user || !strcmp(unit->user, "root");

	return unit->bounding & (is_root ? UINT64_MAX : unit->ambient);
}

bool service_has_capability(const struct machine *machine, unsigned int capability)
{
	const struct unit_facts *unit = &machine->bus->service;

	assert(capability < 64);
	return unit->is_known && get_unit_set(unit) & BIT(capability);
}

/* Lists the needed capabilities that are not in the set, as "CAP_BPF, CAP_PERFMON". Returns true if
 * one of them is essential. */
static bool list_missing(uint64_t set, char ret[static CAPABILITIES_BYTES])
{
	bool is_essential = false;
	size_t used = 0;

	*ret = '\0';
	for (size_t i = 0; i < array_length(needed); i++) {
		if (set & BIT(needed[i].capability))
			continue;
		assert(used < CAPABILITIES_BYTES);
		used += (size_t)snprintf(ret + used, CAPABILITIES_BYTES - used, "%s%s",
					 used > 0 ? ", " : "", needed[i].name);
		is_essential |= needed[i].is_essential;
	}
	return is_essential;
}

/* Adds a finding about the capabilities missing in a set and the consequence. Returns true if there
 * are any. */
static bool add_missing(const char *who, uint64_t set, struct findings *findings)
{
	char missing[CAPABILITIES_BYTES];
	bool is_essential = list_missing(set, missing);

	if (!*missing)
		return false;
	findings_add(findings, "capabilities", is_essential ? VERDICT_FAILED : VERDICT_WARNING,
		     "%s without %s: %s", who, missing,
		     is_essential ? "it cannot sample"
				  : "functions of deleted files, and below directories that are "
				    "closed to others, may get no names");
	return true;
}

static void check_capabilities(const struct machine *machine, struct findings *findings)
{
	const struct unit_facts *unit = &machine->bus->service;
	uint64_t running = UINT64_MAX;

	if (unit->main_pid > 0)
		(void)read_status_set(machine, unit->main_pid, "CapEff", &running);
	if (!unit->is_known || strcmp(unit->load, "loaded") != 0) {
		findings_add(findings, "capabilities", VERDICT_UNKNOWN,
			     "systemd does not say which capabilities oxprofd.service has");
		findings_advise(findings, "fix the findings bus and daemon first");
	} else if (add_missing("oxprofd.service is set up", get_unit_set(unit), findings)) {
		findings_advise(findings,
				"add them in %s (AmbientCapabilities= and "
				"CapabilityBoundingSet=), then systemctl restart oxprofd",
				*unit->drop_ins ? unit->drop_ins : "systemctl edit oxprofd");
	} else if (add_missing("oxprofd runs", running, findings)) {
		findings_advise(findings,
				"restart it, its unit gives them: systemctl restart oxprofd");
	} else {
		findings_add(findings, "capabilities", VERDICT_OK,
			     "oxprofd.service has the five capabilities that it needs");
	}
}

/* ---- the daemon ---- */

bool daemon_has_loaded(struct json_object *status)
{
	const char *kernel = status ? tree_get_text(status, "kernel") : "";

	return !strcmp(kernel, "loaded") || !strcmp(kernel, "opening");
}

/* Adds a finding if oxprofd's last try to load its programs failed, and returns true then. */
static bool add_refusal(struct json_object *status, struct findings *findings)
{
	if (strcmp(tree_get_text(status, "kernel"), "failed") != 0)
		return false;
	findings_add(findings, "daemon", VERDICT_FAILED, "oxprofd's last try failed: %s",
		     tree_get_text(status, "notice"));
	findings_advise(findings,
			"see the kernel's messages: journalctl -u oxprofd -n 20; remove the "
			"cause, then: systemctl restart oxprofd");
	return true;
}

static void add_answer(struct json_object *status, struct findings *findings)
{
	const char *version = tree_get_text(status, "version");

	if (add_refusal(status, findings))
		return;
	if (tree_has(status, "notice")) {
		findings_add(findings, "daemon", VERDICT_WARNING, "oxprofd says: %s",
			     tree_get_text(status, "notice"));
		findings_advise(findings, JOURNAL);
	} else if (strcmp(version, OX_VERSION) != 0) {
		findings_add(findings, "daemon", VERDICT_WARNING,
			     "oxprofd is version %s, oxprofctl " OX_VERSION, version);
		findings_advise(findings, "restart it: systemctl restart oxprofd");
	} else {
		findings_add(findings, "daemon", VERDICT_OK, "oxprofd %s is %s%s", version,
			     tree_get_text(status, "state"),
			     daemon_has_loaded(status) ? ", its BPF programs are loaded" : "");
	}
}

/* True if the unit has failed, also while systemd tries to start it again. */
static bool has_failed(const struct unit_facts *unit)
{
	return !strcmp(unit->state, "failed") ||
	       (*unit->result && strcmp(unit->result, "success") != 0 &&
		strcmp(unit->state, "active") != 0);
}

static void add_failure(const struct unit_facts *unit, struct findings *findings)
{
	findings_add(findings, "daemon", VERDICT_FAILED, "oxprofd.service has failed (%s)",
		     unit->result);
	findings_advise(findings, JOURNAL);
}

static void add_not_installed(const struct unit_facts *unit, struct findings *findings)
{
	bool is_masked = !strcmp(unit->load, "masked");

	findings_add(findings, "daemon", VERDICT_FAILED, "systemd cannot start oxprofd.service: %s",
		     unit->load);
	findings_advise(findings, is_masked ? "allow it: systemctl unmask oxprofd"
					    : ADVICE_REINSTALL ", then systemctl daemon-reload");
}

static void add_idle(const struct machine *machine, struct findings *findings)
{
	if (machine->bus->daemon == NAME_ACTIVATABLE) {
		findings_add(findings, "daemon", VERDICT_OK,
			     "oxprofd does not run; the bus starts it when a program calls it");
		return;
	}
	findings_add(findings, "daemon", VERDICT_WARNING, "oxprofd does not run");
	findings_advise(findings, ADVICE_START);
}

static void check_daemon(const struct machine *machine, struct findings *findings)
{
	const struct unit_facts *unit = &machine->bus->service;

	if (machine->status) {
		add_answer(machine->status, findings);
	} else if (machine->status_error) {
		findings_add(findings, "daemon", VERDICT_FAILED, "oxprofd does not answer: %s",
			     machine->status_error);
		findings_advise(findings, JOURNAL);
	} else if (machine->bus->error < 0 || machine->bus->daemon == NAME_UNKNOWN) {
		findings_add(findings, "daemon", VERDICT_UNKNOWN,
			     "oxprofd cannot be asked without the system bus");
		findings_advise(findings, "fix the finding bus first");
	} else if (unit->is_known && has_failed(unit)) {
		add_failure(unit, findings);
	} else if (unit->is_known && strcmp(unit->load, "loaded") != 0) {
		add_not_installed(unit, findings);
	} else {
		add_idle(machine, findings);
	}
}

void service_check(const struct machine *machine, struct findings *findings)
{
	check_container(machine, findings);
	check_capabilities(machine, findings);
	check_daemon(machine, findings);
}
