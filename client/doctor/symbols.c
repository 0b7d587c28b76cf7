/* SPDX-License-Identifier: MIT */
/*
 * The debug symbols of libraries that most programs have mapped: without symbols only exported
 * functions have names. These files belong to the distribution and root wrote them, so libelf may
 * read them here, while only oxprof-symbolizer reads the files of profiled processes.
 */
#include <assert.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>

#include "client/doctor/check.h"
#include "daemon/base/build_id.h"

#define LIST_BYTES 512
#define NAME_BYTES 64

static const char *const library_directories[] = {
	"/usr/lib/x86_64-linux-gnu",
	"/lib/x86_64-linux-gnu",
	"/usr/lib64",
	"/lib64",
	"/usr/lib",
	"/usr/local/lib",
	NULL,
};
static const char *const program_directories[] = {"/usr/bin", "/usr/local/bin", NULL};

/* A list of names of files or packages, with a comma between them. */
struct name_list {
	char text[LIST_BYTES];
	size_t used;
};

struct symbol_survey {
	const struct machine *machine;
	struct name_list named, unnamed, packages;
};

static bool list_has(const struct name_list *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list->text; (at = strstr(at, word)); at += length)
		if (at[length] == ',' || at[length] == '\0')
			return true;
	return false;
}

/* Adds a word, unless the list has it already or is full. */
static void list_add(struct name_list *list, const char *word)
{
	int n;

	assert(list->used < LIST_BYTES);
	if (list_has(list, word))
		return;
	n = snprintf(list->text + list->used, LIST_BYTES - list->used, "%s%s",
		     list->used > 0 ? ", " : "", word);
	if (n < 0 || (size_t)n >= LIST_BYTES - list->used)
		list->text[list->used] = '\0';
	else
		list->used += (size_t)n;
}

/* ---- one file ---- */

/* True if the file has a symbol table, or the compressed one that Fedora has. */
static bool elf_has_names(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return false;
	while ((section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(elf, names, header.sh_name)
					   : NULL;

		if (name && (header.sh_type == SHT_SYMTAB || !strcmp(name, ".gnu_debugdata")))
			return true;
	}
	return false;
}

static bool has_debug_file(const struct machine *machine, Elf *elf)
{
	char id[BUILD_ID_TEXT_BYTES],
		path[sizeof("/usr/lib/debug/.build-id/ab/.debug") + BUILD_ID_TEXT_BYTES];
	const void *bytes;
	ssize_t n = dwelf_elf_gnu_build_id(elf, &bytes);

	if (n <= 1 || n > BUILD_ID_BYTES)
		return false;
	build_id_format(bytes, (size_t)n, id);
	snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2);
	return machine_has(machine, path);
}

/* Returns 1 if the functions of the file have names, 0 if not, or -ENOENT if it cannot be read as
 * an ELF file. */
static int file_has_names(const struct machine *machine, const char *path)
{
	char full[MACHINE_PATH_BYTES];
	_cleanup_close_ int fd = -1;
	bool has_names;
	Elf *elf;

	if (machine_format_path(machine, path, full) < 0)
		return -ENOENT;
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		return -ENOENT;
	}
	has_names = elf_has_names(elf) || has_debug_file(machine, elf);
	elf_end(elf);
	return has_names;
}

/* Adds a file to the list of its kind. Returns true if the file can be read. */
static bool survey_file(struct symbol_survey *survey, const char *directory, const char *name,
			const char *package)
{
	char path[MACHINE_PATH_BYTES];
	int r;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	r = file_has_names(survey->machine, path);
	if (r > 0)
		list_add(&survey->named, name);
	else if (r == 0)
		list_add(&survey->unnamed, name);
	if (r == 0)
		list_add(&survey->packages, package);
	return r >= 0;
}

/* ---- which files ---- */

static void survey_library(struct symbol_survey *survey, const char *name, const char *package)
{
	for (const char *const *at = library_directories; *at; at++)
		if (survey_file(survey, *at, name, package))
			return;
}

/* True if the name is a number between two texts, as in "libpython3.11.so.1.0". */
static bool is_python(const char *name, const char *before, const char *behind, unsigned int *ret)
{
	size_t length = strlen(before);
	int end = 0;

	if (strncmp(name, before, length) != 0 || sscanf(name + length, "%u%n", ret, &end) != 1)
		return false;
	return !strcmp(name + length + end, behind);
}

static void survey_python(struct symbol_survey *survey, const char *const *directories,
			  const char *before, const char *behind)
{
	for (; *directories; directories++) {
		_cleanup_closedir_ DIR *dir = machine_open_directory(survey->machine, *directories);
		const struct dirent *entry;
		unsigned int minor;

		while (dir && (entry = readdir(dir))) {
			char package[NAME_BYTES];

			if (!is_python(entry->d_name, before, behind, &minor))
				continue;
			snprintf(package, sizeof(package), "python3.%u-dbg", minor);
			(void)survey_file(survey, *directories, entry->d_name, package);
		}
	}
}

static bool is_debian(const struct machine *machine)
{
	return machine_file_mentions(machine, "/etc/os-release", "debian");
}

void symbols_check(const struct machine *machine, struct findings *findings)
{
	struct symbol_survey survey = {.machine = machine};

	(void)elf_version(EV_CURRENT);
	survey_library(&survey, "libc.so.6", "libc6-dbg");
	survey_library(&survey, "libstdc++.so.6", "libstdc++6-dbgsym");
	survey_python(&survey, program_directories, "python3.", "");
	survey_python(&survey, library_directories, "libpython3.", ".so.1.0");
	if (survey.unnamed.used > 0) {
		findings_add(findings, "symbols", VERDICT_WARNING,
			     "only exported functions have names in %s: their debug symbols are "
			     "missing",
			     survey.unnamed.text);
		findings_advise(
			findings,
			"%s%s%sthen: oxprofctl resymbolize; debuginfod-find(1) has them, too",
			is_debian(machine) ? "install " : "install their debug symbols, ",
			is_debian(machine) ? survey.packages.text : "",
			is_debian(machine) ? ", " : "");
	} else if (survey.named.used > 0) {
		findings_add(findings, "symbols", VERDICT_OK, "functions have names in %s",
			     survey.named.text);
	} else {
		findings_add(findings, "symbols", VERDICT_UNKNOWN,
			     "neither libc.so.6 nor a Python is in the usual places");
		findings_advise(findings, "see whether the files of your programs have debug "
					  "symbols: oxprofctl resymbolize lists what has no name");
	}
}
