/* SPDX-License-Identifier: MIT */
#include "daemon/sampler/report.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/libbpf.h>

#include "daemon/base/cleanup.h"

/* libbpf has one print function for all threads, and passes no argument of ours to it. */
static __thread struct sampler_report *open_report;

/* Adds text to the log; where there is no room for it, whole lines go at the beginning. */
static void log_append(struct sampler_report *report, const char *text, size_t length)
{
	size_t held = strlen(report->log), room = sizeof(report->log) - 1, over;

	if (length > room) {
		text += length - room;
		length = room;
	}
	over = held + length > room ? held + length - room : 0;
	if (over) {
		const char *end = memchr(report->log + over, '\n', held - over);
		size_t cut = end ? (size_t)(end + 1 - report->log) : held;

		held -= cut;
		memmove(report->log, report->log + cut, held);
	}
	memcpy(report->log + held, text, length);
	report->log[held + length] = 0;
}

__attribute__((format(printf, 2, 0))) static int print(enum libbpf_print_level level,
						       const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;
	int length;

	if (!open_report || level == LIBBPF_DEBUG)
		return 0;
	/* The verifier's whole log comes as one argument: megabytes of it. */
	length = vasprintf(&text, format, args);
	if (length > 0)
		log_append(open_report, text, (size_t)length);
	return 0;
}

void report_begin(struct sampler_report *report)
{
	assert(report && !open_report);
	report->why[0] = report->log[0] = 0;
	open_report = report;
	libbpf_set_print(print);
}

void report_end(void)
{
	assert(open_report);
	open_report = NULL;
}

/* Lines at the end of a verifier's log that say nothing of what it refused. */
static bool is_sum(const char *line)
{
	return !strncmp(line, "processed ", 10) || !strncmp(line, "verification time", 17) ||
	       !strncmp(line, "stack depth ", 12) || *line == '\n';
}

/* True if a verifier wrote the log; its last line but for such sums says what it refused. */
static bool find_refusal(const char *log, char *ret, size_t size)
{
	bool has_line = false;

	for (const char *line = log, *end; *line; line = end + (*end == '\n')) {
		const char *mark = strstr(line, "-- BEGIN PROG LOAD LOG --");

		end = strchrnul(line, '\n');
		if (!strncmp(line, "-- END PROG LOAD LOG --", 23))
			return has_line;
		if (mark && mark < end) {
			has_line = false;
		} else if (!is_sum(line)) {
			snprintf(ret, size, "%.*s", (int)(end - line), line);
			has_line = true;
		}
	}
	return false;
}

/* Finds what libbpf said last where no verifier was asked, without "libbpf: " in front. */
static bool find_last_line(const char *log, char *ret, size_t size)
{
	size_t length = strlen(log);
	const char *line;

	while (length > 0 && log[length - 1] == '\n')
		length--;
	line = memrchr(log, '\n', length);
	line = line ? line + 1 : log;
	if (!strncmp(line, "libbpf: ", 8))
		line += 8;
	snprintf(ret, size, "%.*s", (int)(log + length - line), line);
	return ret[0];
}

/* True if the kernel is locked down so far that BPF may not read its memory. */
static bool is_locked_down(void)
{
	_cleanup_fclose_ FILE *f = fopen("/sys/kernel/security/lockdown", "re");
	char text[64] = "";

	return f && fgets(text, sizeof(text), f) && strstr(text, "[confidentiality]");
}

void report_explain_load(struct sampler_report *report, int error)
{
	struct utsname system;
	char said[200] = "";

	assert(error < 0);
	if (uname(&system) < 0)
		strcpy(system.release, "?");
	if (is_locked_down())
		snprintf(report->why, sizeof(report->why),
			 "cannot load the BPF programs: Linux %s is locked down for "
			 "confidentiality, so that no BPF program may read its memory; that is "
			 "chosen at boot (lockdown=)",
			 system.release);
	else if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		snprintf(report->why, sizeof(report->why),
			 "cannot load the BPF programs: Linux %s shows no BTF "
			 "(/sys/kernel/btf/vmlinux); oxprof needs Linux 6.0 or newer built with "
			 "CONFIG_DEBUG_INFO_BTF",
			 system.release);
	else if (find_refusal(report->log, said, sizeof(said)))
		snprintf(report->why, sizeof(report->why),
			 "cannot load the BPF programs: the verifier of Linux %s refused them: %s; "
			 "this is a fault of oxprof, please report it with what journalctl -u "
			 "oxprofd "
			 "says",
			 system.release, said);
	else if (error == -EACCES || error == -EPERM)
		snprintf(
			report->why, sizeof(report->why),
			"cannot load the BPF programs: not permitted; oxprofd needs CAP_BPF and "
			"CAP_PERFMON, and a kernel that is not locked down (see oxprofctl doctor)");
	else
		snprintf(report->why, sizeof(report->why),
			 "cannot load the BPF programs on Linux %s: %s%s%s (see oxprofctl doctor)",
			 system.release, strerror(-error),
			 find_last_line(report->log, said, sizeof(said)) ? ": " : "", said);
}
