/* SPDX-License-Identifier: MIT */
/* The verbs and options of the program, the man page, the completion and --help must not drift
 * apart. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "client/args/help.h"
#include "daemon/base/cleanup.h"

#define TEXT_BYTES 65536

static char *read_stream(FILE *file)
{
	char *text = calloc(1, TEXT_BYTES);

	cr_assert_not_null(file);
	cr_assert_lt(fread(text, 1, TEXT_BYTES - 1, file), TEXT_BYTES - 1);
	return text;
}

/* True if the text has the word as a whole: "pause" is not in "unpause". */
static bool has_word(const char *text, const char *word)
{
	static const char parts[] = "abcdefghijklmnopqrstuvwxyz-";
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++)
		if ((at == text || !strchr(parts, at[-1])) && !strchr(parts, at[length]))
			return true;
	return false;
}

static char *format_option(enum option_id option, const char *format)
{
	char *text;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	cr_assert_geq(asprintf(&text, format, option_infos[option].name), 0);
#pragma GCC diagnostic pop
	return text;
}

Test(client_words, the_man_page_names_every_verb_and_option)
{
	_cleanup_fclose_ FILE *file = fopen("../units/man/oxprofctl.1", "r");
	_cleanup_free_ char *page = read_stream(file);

	for (size_t i = 0; i < N_VERBS; i++) {
		_cleanup_free_ char *item = NULL;

		cr_assert_geq(asprintf(&item, ".It Cm %s", verb_infos[i].name), 0);
		cr_expect(has_word(page, item), "%s", item);
	}
	for (size_t i = 0; i < N_OPTIONS; i++) {
		_cleanup_free_ char *item = format_option((enum option_id)i, "Fl -%s");

		cr_expect(has_word(page, item), "%s", item);
	}
}

/* Lists the options of a verb in the table as "--a= --b". */
static char *list_options(enum verb verb)
{
	char *list = calloc(1, TEXT_BYTES);

	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (!option_fits_verb((enum option_id)i, verb))
			continue;
		strcat(list, *list ? " --" : "--");
		strcat(list, option_infos[i].name);
		strcat(list, option_infos[i].argument ? "=" : "");
	}
	return list;
}

static char *ask_completion(const char *command)
{
	_cleanup_free_ char *line = NULL;
	FILE *pipe;
	char *text;

	cr_assert_geq(asprintf(&line, "bash -c '. ../units/oxprofctl.bash && %s'", command), 0);
	pipe = popen(line, "r");
	text = read_stream(pipe);
	cr_assert_eq(pclose(pipe), 0, "%s", line);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

Test(client_words, the_completion_has_the_options_of_every_verb)
{
	for (size_t i = 0; i < N_VERBS; i++) {
		_cleanup_free_ char *wanted = list_options((enum verb)i);
		_cleanup_free_ char *command = NULL;
		_cleanup_free_ char *got = NULL;

		cr_assert_geq(
			asprintf(&command, "echo $(_oxprofctl_options %s)", verb_infos[i].name), 0);
		got = ask_completion(command);
		cr_expect_str_eq(got, wanted, "%s:\n%s\n%s", verb_infos[i].name, got, wanted);
	}
}

Test(client_words, the_completion_has_every_verb)
{
	_cleanup_free_ char *got = ask_completion("echo $_oxprofctl_verbs");
	char wanted[256] = "";

	for (size_t i = 0; i < N_VERBS; i++) {
		strcat(wanted, i > 0 ? " " : "");
		strcat(wanted, verb_infos[i].name);
	}
	cr_expect_str_eq(got, wanted);
}

/* Exactly the options with a value have values; where these are words, they are those of the
 * table. */
Test(client_words, the_completion_has_the_words_of_every_option)
{
	for (size_t i = N_TARGET_KINDS; i < N_OPTIONS; i++) {
		_cleanup_free_ char *name = format_option((enum option_id)i, "--%s");
		_cleanup_free_ char *command = NULL;
		_cleanup_free_ char *got = NULL;
		const char *words = option_infos[i].argument;

		cr_assert_geq(asprintf(&command,
				       "_oxprofctl_values %s >/dev/null || echo none; "
				       "_oxprofctl_values %s | paste -s -d \"|\"",
				       name, name),
			      0);
		got = ask_completion(command);
		if (!words)
			cr_expect_str_eq(got, "none", "%s", name);
		else if (strchr(words, '|'))
			cr_expect_str_eq(got, words, "%s", name);
		else
			cr_expect_str_neq(got, "none", "%s", name);
	}
}

static char *get_help(const enum verb *verb)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (verb)
		help_print_verb(*verb, out);
	else
		help_print(out);
	fclose(out);
	return text;
}

Test(client_words, help_names_everything)
{
	_cleanup_free_ char *help = get_help(NULL);

	for (size_t i = 0; i < N_VERBS; i++)
		cr_expect(has_word(help, verb_infos[i].name), "%s", verb_infos[i].name);
	for (size_t i = 0; i < N_OPTIONS; i++) {
		_cleanup_free_ char *name = format_option((enum option_id)i, "--%s");

		cr_expect(has_word(help, name), "%s", name);
	}
}

Test(client_words, help_of_a_verb_names_its_options_only)
{
	for (enum verb verb = 0; verb < N_VERBS; verb++) {
		_cleanup_free_ char *help = get_help(&verb);

		for (size_t i = 0; i < N_OPTIONS; i++) {
			_cleanup_free_ char *name = format_option((enum option_id)i, "  --%s");

			cr_expect_eq(has_word(help, name),
				     option_fits_verb((enum option_id)i, verb), "%s: %s",
				     verb_infos[verb].name, name);
		}
	}
}
