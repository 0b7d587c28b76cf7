/* SPDX-License-Identifier: MIT */
/* The kernel: its version, and what BPF programs may do there. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "client/doctor/check.h"

/* Linux 6.0 introduced programs of type iter/ksym. */
#define KERNEL_MAJOR_MIN 6

#define BTF_FILE  "/sys/kernel/btf/vmlinux"
#define BTF_MAGIC 0xeb9f

#define LOCKDOWN_DIRECTORY "/sys/kernel/security"
#define LOCKDOWN_FILE      LOCKDOWN_DIRECTORY "/lockdown"

void kernel_read_release(const struct machine *machine, char ret[static KERNEL_RELEASE_BYTES])
{
	(void)machine_read(machine, "/proc/sys/kernel/osrelease", ret, KERNEL_RELEASE_BYTES);
}

static void check_release(const struct machine *machine, struct findings *findings)
{
	char release[KERNEL_RELEASE_BYTES];
	unsigned int major;

	kernel_read_release(machine, release);
	if (sscanf(release, "%u.", &major) != 1) {
		findings_add(findings, "kernel", VERDICT_UNKNOWN,
			     "the kernel's release cannot be read from /proc/sys/kernel/osrelease");
		findings_advise(findings, "mount /proc: mount -t proc proc /proc");
	} else if (major < KERNEL_MAJOR_MIN) {
		findings_add(findings, "kernel", VERDICT_FAILED,
			     "Linux %s is too old: oxprof needs 6.0 or newer", release);
		findings_advise(findings, "install a newer kernel and boot it; Debian 12's is 6.1");
	} else {
		findings_add(findings, "kernel", VERDICT_OK, "Linux %s", release);
	}
}

static void check_btf(const struct machine *machine, struct findings *findings)
{
	char start[4]; /* the magic number and two bytes that do not matter, with a zero behind */
	uint16_t magic = 0;
	int r = machine_read(machine, BTF_FILE, start, sizeof(start));

	memcpy(&magic, start, r >= (int)sizeof(magic) ? sizeof(magic) : 0);
	if (magic == BTF_MAGIC) {
		findings_add(findings, "btf", VERDICT_OK, "the kernel describes its types");
	} else if (r < 0 && !machine_has(machine, "/sys/kernel")) {
		findings_add(findings, "btf", VERDICT_UNKNOWN, "/sys is not mounted here");
		findings_advise(findings, "mount it: mount -t sysfs sysfs /sys");
	} else {
		findings_add(findings, "btf", VERDICT_FAILED,
			     "the kernel does not describe its types (BTF): " BTF_FILE " %s%s",
			     r < 0 ? "cannot be read: " : "is no BTF", r < 0 ? strerror(-r) : "");
		findings_advise(findings,
				"boot a kernel that was built with CONFIG_DEBUG_INFO_BTF=y, as "
				"those of Debian, Ubuntu and Fedora are");
	}
}

/* ---- lockdown ---- */

/* Cuts the chosen word out of "[none] integrity confidentiality"; "" where there is none. */
static const char *find_chosen(char *levels)
{
	char *start = strchr(levels, '[');
	char *end = start ? strchr(start, ']') : NULL;

	if (!end)
		return "";
	*end = '\0';
	return start + 1;
}

/* True if the command line of the kernel asks for confidentiality. This helps where the file system
 * that shows the level is not mounted. */
static bool is_asked_at_boot(const struct machine *machine)
{
	return machine_file_mentions(machine, "/proc/cmdline", "lockdown=confidentiality");
}

static void add_locked(struct findings *findings)
{
	/* At this level the verifier refuses the helper bpf_probe_read_kernel(). */
	findings_add(
		findings, "lockdown", VERDICT_FAILED,
		"the kernel is locked down to \"confidentiality\", at which no BPF program may "
		"read its memory");
	findings_advise(findings,
			"boot with lockdown=integrity, or without lockdown= on the command line of "
			"the kernel");
}

static void add_level_unseen(const struct machine *machine, int error, struct findings *findings)
{
	if (daemon_has_loaded(machine->status)) {
		findings_add(findings, "lockdown", VERDICT_OK,
			     "the kernel lets BPF programs read: oxprofd's are loaded");
	} else if (is_asked_at_boot(machine)) {
		add_locked(findings);
	} else if (error == -ENOENT && machine_has(machine, LOCKDOWN_DIRECTORY "/lsm")) {
		findings_add(findings, "lockdown", VERDICT_OK, "the kernel has no lockdown");
	} else if (error == -EACCES || error == -EPERM) {
		findings_add(findings, "lockdown", VERDICT_UNKNOWN, LOCKDOWN_FILE ": %s",
			     strerror(-error));
		findings_advise(findings, ADVICE_ROOT);
	} else {
		findings_add(findings, "lockdown", VERDICT_UNKNOWN,
			     "whether the kernel is locked down cannot be seen: "
			     "nothing is mounted at " LOCKDOWN_DIRECTORY);
		findings_advise(findings,
				"mount it: mount -t securityfs securityfs " LOCKDOWN_DIRECTORY);
	}
}

static void check_lockdown(const struct machine *machine, struct findings *findings)
{
	char levels[128];
	int r = machine_read(machine, LOCKDOWN_FILE, levels, sizeof(levels));
	const char *level = find_chosen(levels);

	if (r < 0 || !*level)
		add_level_unseen(machine, r, findings);
	else if (!strcmp(level, "confidentiality"))
		add_locked(findings);
	else if (!strcmp(level, "none"))
		findings_add(findings, "lockdown", VERDICT_OK, "the kernel is not locked down");
	else
		findings_add(findings, "lockdown", VERDICT_OK,
			     "the kernel is locked down to \"%s\", which lets BPF programs read",
			     level);
}

/* ---- BPF ---- */

static void check_bpf(const struct machine *machine, struct findings *findings)
{
	long long restricted, compiler;
	int r = machine_read_number(machine, "/proc/sys/kernel/unprivileged_bpf_disabled",
				    &restricted);

	/* The programs call functions for their loops, which the interpreter cannot do. */
	if (machine_read_number(machine, "/proc/sys/net/core/bpf_jit_enable", &compiler) >= 0 &&
	    compiler == 0) {
		findings_add(findings, "bpf", VERDICT_FAILED,
			     "net.core.bpf_jit_enable is 0, and the kernel's interpreter cannot "
			     "run oxprof's BPF programs");
		findings_advise(findings, "turn the compiler on: sysctl net.core.bpf_jit_enable=1");
	} else if (r >= 0) {
		findings_add(findings, "bpf", VERDICT_OK,
			     "kernel.unprivileged_bpf_disabled is %lld: any value is fine, because "
			     "oxprofd has CAP_BPF",
			     restricted);
	} else if (machine_has(machine, "/proc/sys/kernel")) {
		findings_add(findings, "bpf", VERDICT_FAILED,
			     "the kernel has no BPF: there is no kernel.unprivileged_bpf_disabled");
		findings_advise(findings, "boot a kernel that was built with CONFIG_BPF_SYSCALL=y");
	} else {
		findings_add(findings, "bpf", VERDICT_UNKNOWN, "/proc/sys cannot be read");
		findings_advise(findings, "mount /proc: mount -t proc proc /proc");
	}
}

void kernel_check(const struct machine *machine, struct findings *findings)
{
	check_release(machine, findings);
	check_btf(machine, findings);
	check_lockdown(machine, findings);
	check_bpf(machine, findings);
}
