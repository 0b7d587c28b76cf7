/* SPDX-License-Identifier: MIT */
/* The running processes: their Python interpreters, and other profilers. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/doctor/check.h"
#include "daemon/base/api.h"

#define COMM_BYTES    16
#define TALLIES_MAX   32
#define TEXT_BYTES    512
#define PROFILERS_MAX 8 /* more than these get no name in the finding */

/* A count of processes of one kind. */
struct version_tally {
	char name[32];
	unsigned int n;
};

struct process_survey {
	const struct machine *machine;
	struct version_tally known[TALLIES_MAX], unknown[TALLIES_MAX]; /* versions of Python */
	size_t n_known, n_unknown;
	unsigned int hidden; /* processes of other users, which only root can examine */
	char profilers[TEXT_BYTES];
	unsigned int n_profilers;
};

/* ---- Python ---- */

static void tally_add(struct version_tally *tallies, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++) {
		if (!strcmp(tallies[i].name, name)) {
			tallies[i].n++;
			return;
		}
	}
	if (*n == TALLIES_MAX)
		return;
	snprintf(tallies[*n].name, sizeof(tallies[*n].name), "%s", name);
	tallies[(*n)++].n = 1;
}

/* Writes "CPython 3.11 (4 processes), CPython 3.13 (1)". */
static void tally_format(const struct version_tally *tallies, size_t n, char ret[static TEXT_BYTES])
{
	size_t used = 0;

	*ret = '\0';
	for (size_t i = 0; i < n && used < TEXT_BYTES; i++)
		used += (size_t)snprintf(ret + used, TEXT_BYTES - used, "%s%s (%u%s)",
					 i > 0 ? ", " : "", tallies[i].name, tallies[i].n,
					 i > 0              ? ""
					 : tallies[i].n > 1 ? " processes"
							    : " process");
}

static const char *skip(const char *text, const char *before)
{
	size_t length = strlen(before);

	return strncmp(text, before, length) == 0 ? text + length : text;
}

/* Tells by its name which interpreter a mapped file is: "python3.11", "libpython3.11.so.1.0",
 * "python3.13t", "libpypy3.9-c.so". *ret is "" where it is none. */
static void file_find_python(const char *path, bool *ret_is_known, char *ret, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *name = skip(slash ? slash + 1 : path, "lib");
	unsigned int major, minor;
	int end = 0;

	*ret = '\0';
	*ret_is_known = false;
	if (!strncmp(name, "pypy", 4) && (isdigit((unsigned char)name[4]) || name[4] == '-')) {
		snprintf(ret, size, "PyPy");
	} else if (sscanf(name, "python%u.%u%n", &major, &minor, &end) == 2 && end > 0 &&
		   strchr("mdtu. ", name[end])) {
		bool is_free = name[end] == 't';

		snprintf(ret, size, "CPython %u.%u%s", major, minor, is_free ? "t" : "");
		*ret_is_known = major == 3 && !is_free && minor >= OX_PYTHON_MINOR_FIRST &&
				minor <= OX_PYTHON_MINOR_LAST;
	}
}

/* Returns the file in a line of /proc/PID/maps; NULL: none. */
static const char *find_mapped(char *line)
{
	char *path = strchr(line, '/');

	if (path)
		path[strcspn(path, "\n")] = '\0';
	return path;
}

static void survey_python(struct process_survey *survey, const char *pid)
{
	char path[64], python[32], exe[MACHINE_PATH_BYTES];
	_cleanup_fclose_ FILE *maps = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	bool is_known;
	int r;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	r = machine_read_link(survey->machine, path, exe, sizeof(exe));
	if ((r == -EACCES || r == -EPERM) && !survey->machine->is_root)
		survey->hidden++;
	file_find_python(exe, &is_known, python, sizeof(python));
	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = r < 0 || *python ? NULL : machine_open(survey->machine, path);
	while (maps && !*python && getline(&line, &size, maps) > 0) {
		const char *mapped = find_mapped(line);

		if (mapped)
			file_find_python(mapped, &is_known, python, sizeof(python));
	}
	if (*python && is_known)
		tally_add(survey->known, &survey->n_known, python);
	else if (*python)
		tally_add(survey->unknown, &survey->n_unknown, python);
}

static void report_python(const struct process_survey *survey, struct findings *findings)
{
	char known[TEXT_BYTES], unknown[TEXT_BYTES];

	tally_format(survey->known, survey->n_known, known);
	tally_format(survey->unknown, survey->n_unknown, unknown);
	if (survey->n_unknown > 0) {
		findings_add(findings, "python", VERDICT_WARNING,
			     "functions of these Pythons get no names: %s", unknown);
		findings_advise(
			findings,
			"oxprof knows CPython 3.%d to 3.%d; other Pythons have native stacks "
			"only",
			OX_PYTHON_MINOR_FIRST, OX_PYTHON_MINOR_LAST);
	} else if (survey->hidden > 0) {
		findings_add(findings, "python", VERDICT_UNKNOWN,
			     "%s%sonly root can look at the %u processes of other users", known,
			     *known ? " known; " : "", survey->hidden);
		findings_advise(findings, ADVICE_ROOT);
	} else if (*known) {
		findings_add(findings, "python", VERDICT_OK, "all running Pythons are known: %s",
			     known);
	} else {
		findings_add(findings, "python", VERDICT_OK, "no Python runs");
	}
}

/* Adds what the daemon found in the processes of this session, which does not depend on the names
 * of their files. */
static void check_interpreters(const struct machine *machine, struct findings *findings)
{
	struct json_object *rows =
		machine->status ? tree_get_rows(machine->status, "interpreters") : NULL;
	size_t n = rows ? json_object_array_length(rows) : 0, n_unread = 0;
	struct json_object *first = NULL;

	for (size_t i = n; i-- > 0;) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (!strcmp(tree_get_text(row, "state"), "read"))
			continue;
		first = row;
		n_unread++;
	}
	if (n_unread > 0) {
		findings_add(findings, "interpreters", VERDICT_WARNING,
			     "%zu of %zu processes with a Python get no function names, "
			     "first pid %" PRIu64 " (%s): %s",
			     n_unread, n, tree_get_u64(first, "pid"), tree_get_text(first, "comm"),
			     tree_get_text(first, "note"));
		findings_advise(findings, "see all of them: oxprofctl status");
	} else if (n > 0) {
		findings_add(findings, "interpreters", VERDICT_OK,
			     "oxprofd reads the function names of all %zu processes with a Python",
			     n);
	}
}

/* ---- profilers ---- */

/* True if the text is a profiler's name in /proc/PID/comm, which has the first 15 bytes of a name.
 */
static bool is_profiler(const char *comm)
{
	static const char *const names[] = {
		"perf",           "bpftrace",  "profile-bpfcc", "offcputime-bpfc", "parca-agent",
		"pyroscope",      "alloy",     "ebpf-profiler", "otel-ebpf-profi", "pf-host-agent",
		"perforator-age", "gprofiler", "sysprofd",      "sysprof-cli",     "operf",
		"austin",         "austinp",   "py-spy",        "rbspy",
	};

	for (size_t i = 0; i < array_length(names); i++)
		if (!strcmp(comm, names[i]))
			return true;
	return false;
}

/* True if the process has an event of perf open; only root can see that for other users. */
static bool has_event_open(const struct machine *machine, const char *pid)
{
	char path[64 + sizeof(((struct dirent *)0)->d_name)];
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = machine_open_directory(machine, path);
	while (dir && (entry = readdir(dir))) {
		char target[64];

		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, entry->d_name);
		(void)machine_read_link(machine, path, target, sizeof(target));
		if (!strcmp(target, "anon_inode:[perf_event]"))
			return true;
	}
	return false;
}

static void survey_profiler(struct process_survey *survey, const char *pid)
{
	char path[64], comm[COMM_BYTES + 1];
	size_t used = strlen(survey->profilers);

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	(void)machine_read(survey->machine, path, comm, sizeof(comm));
	if (!strncmp(comm, "oxprof", 6) ||
	    !(is_profiler(comm) || has_event_open(survey->machine, pid)))
		return;
	if (survey->n_profilers++ < PROFILERS_MAX)
		snprintf(survey->profilers + used, sizeof(survey->profilers) - used,
			 "%s%s (pid %s)", used > 0 ? ", " : "", comm, pid);
}

static void report_profilers(const struct process_survey *survey, struct findings *findings)
{
	if (survey->n_profilers > 0) {
		findings_add(
			findings, "profilers", VERDICT_WARNING,
			"other programs sample or have events of the kernel open: %s%s; they do "
			"not disturb oxprof, but each takes CPU time",
			survey->profilers, survey->n_profilers > PROFILERS_MAX ? " and more" : "");
		findings_advise(findings, "stop the programs that you do not need");
	} else if (!survey->machine->is_root) {
		findings_add(findings, "profilers", VERDICT_UNKNOWN,
			     "no other profiler is found by its name; only root can see which "
			     "processes have events open");
		findings_advise(findings, ADVICE_ROOT);
	} else {
		findings_add(findings, "profilers", VERDICT_OK, "no other profiler runs");
	}
}

/* ---- all processes ---- */

/* True if the process has a command line: kernel threads and ended processes have none. */
static bool is_program(const struct machine *machine, const char *pid)
{
	char path[64], first[2];

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	return machine_read(machine, path, first, sizeof(first)) > 0;
}

static void survey_processes(struct process_survey *survey)
{
	_cleanup_closedir_ DIR *dir = machine_open_directory(survey->machine, "/proc");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || strlen(entry->d_name) > 10 ||
		    !is_program(survey->machine, entry->d_name))
			continue;
		survey_python(survey, entry->d_name);
		survey_profiler(survey, entry->d_name);
	}
}

void programs_check(const struct machine *machine, struct findings *findings)
{
	struct process_survey survey = {.machine = machine};

	survey_processes(&survey);
	report_python(&survey, findings);
	check_interpreters(machine, findings);
	report_profilers(&survey, findings);
}
