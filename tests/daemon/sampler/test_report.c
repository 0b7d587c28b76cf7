/* SPDX-License-Identifier: MIT */
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/sampler/report.h"

#define BEGIN "libbpf: prog 'on_tick': -- BEGIN PROG LOAD LOG --\n"
#define END   "-- END PROG LOAD LOG --\n"

static struct sampler_report report;

static void explain(const char *log, int error)
{
	snprintf(report.log, sizeof(report.log), "%s", log);
	report.why[0] = 0;
	report_explain_load(&report, error);
	cr_assert_null(strchr(report.why, '\n'), "%s", report.why);
}

static void assert_says(const char *words)
{
	cr_assert_not_null(strstr(report.why, words), "[%s] is not in [%s]", words, report.why);
}

static void assert_says_not(const char *words)
{
	cr_assert_null(strstr(report.why, words), "[%s] is in [%s]", words, report.why);
}

Test(report, a_refusal_of_the_verifier_is_no_missing_capability)
{
	explain("libbpf: prog 'on_tick': BPF program load failed: Permission denied\n" BEGIN
		"; struct x *y = z; @ a.c:1\ncombined stack size of 4 calls is 544. Too large\n"
		"verification time 12 usec\nstack depth 8+16\n"
		"processed 11 insns (limit 1000000) max_states_per_insn 0\n" END
		"libbpf: prog 'on_tick': failed to load: -13\n",
		-EACCES);
	assert_says("refused them: combined stack size of 4 calls is 544. Too large; ");
	assert_says("journalctl -u oxprofd");
	assert_says_not("CAP_");
}

Test(report, the_end_of_a_long_log_is_enough)
{
	explain("R1 is not a scalar\nprocessed 9 insns (limit 1000000)\n" END, -EINVAL);
	assert_says("refused them: R1 is not a scalar; ");
}

Test(report, without_a_log_of_a_verifier_it_is_the_capability)
{
	explain("libbpf: Error in bpf_object__probe_loading():Operation not permitted(1).\n",
		-EPERM);
	assert_says("CAP_BPF and CAP_PERFMON");
	explain("", -EACCES);
	assert_says("CAP_BPF and CAP_PERFMON");
}

Test(report, another_error_comes_with_what_was_said_last)
{
	explain("libbpf: one\nlibbpf: failed to find BTF of 'page_fault_user'\n\n", -ESRCH);
	assert_says("No such process: failed to find BTF of 'page_fault_user'");
	explain("", -ENOMEM);
	assert_says(": Cannot allocate memory (see");
}

Test(report, what_libbpf_prints_is_kept_for_its_thread_and_time)
{
	report_begin(&report);
	cr_assert_null(bpf_object__open_file("/nowhere/a.o", NULL));
	report_end();
	cr_assert_not_null(strstr(report.log, "/nowhere/a.o"), "%s", report.log);
	cr_assert_null(bpf_object__open_file("/nowhere/b.o", NULL));
	cr_assert_null(strstr(report.log, "/nowhere/b.o"), "%s", report.log);
}

Test(report, of_more_than_there_is_room_for_the_last_whole_lines_are_kept)
{
	char path[64];

	report_begin(&report);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "/nowhere/%u.o", i);
		cr_assert_null(bpf_object__open_file(path, NULL));
	}
	report_end();
	cr_assert_not_null(strstr(report.log, "/nowhere/199.o"));
	cr_assert_null(strstr(report.log, "/nowhere/0.o"));
	cr_assert_eq(strncmp(report.log, "libbpf: ", 8), 0, "%.40s", report.log);
	cr_assert_gt(strlen(report.log), SAMPLER_LOG_BYTES / 2);
}
