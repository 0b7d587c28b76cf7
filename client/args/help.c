/* SPDX-License-Identifier: MIT */
#include "client/args/help.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#define INDENT 2
#define COLUMN 26 /* where the explanation begins */

static void __attribute__((format(printf, 3, 4)))
print_entry(FILE *out, const char *help, const char *format, ...)
{
	va_list list;
	int width;

	fprintf(out, "%*s", INDENT, "");
	va_start(list, format);
	width = INDENT + vfprintf(out, format, list);
	va_end(list);
	if (width + 1 > COLUMN) {
		fputc('\n', out);
		width = 0;
	}
	fprintf(out, "%*s%s\n", COLUMN - width, "", help);
}

static void print_options(const char *title, size_t from, size_t to, unsigned int verbs, FILE *out)
{
	fprintf(out, "\n%s:\n", title);
	for (size_t i = from; i < to; i++) {
		const struct option_info *info = &option_infos[i];

		if (info->verbs & verbs)
			print_entry(out, info->help, "--%s%s%s", info->name,
				    info->argument ? "=" : "", info->argument ?: "");
	}
}

static const char *word_targets(enum verb verb)
{
	return option_fits_verb(OPTION_PID, verb) ? " [TARGET...]" : "";
}

void help_print(FILE *out)
{
	fputs("oxprofctl [OPTION...] VERB\n\n"
	      "Control and query oxprofd, the system-wide sampling profiler.\n\nVerbs:\n",
	      out);
	for (size_t i = 0; i < N_VERBS; i++) {
		const struct verb_info *info = &verb_infos[i];

		print_entry(out, info->help, "%s%s%s%s", info->name, word_targets((enum verb)i),
			    info->argument ? " " : "", info->argument ?: "");
	}
	print_options("Targets, each may be repeated", 0, N_TARGET_KINDS, ~0u, out);
	print_options("Options", N_TARGET_KINDS, N_OPTIONS, ~0u, out);
	fputs("\n\"oxprofctl VERB --help\" shows the options of a verb. See also oxprofctl(1).\n",
	      out);
}

void help_print_verb(enum verb verb, FILE *out)
{
	const struct verb_info *info = &verb_infos[verb];

	assert(verb < N_VERBS);
	fprintf(out, "oxprofctl %s%s%s%s [OPTION...]\n\n%s.\n", info->name, word_targets(verb),
		info->argument ? " " : "", info->argument ?: "", info->help);
	if (option_fits_verb(OPTION_PID, verb))
		print_options("Targets, each may be repeated", 0, N_TARGET_KINDS, 1u << verb, out);
	print_options("Options", N_TARGET_KINDS, N_OPTIONS, 1u << verb, out);
}
