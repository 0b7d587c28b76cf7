/* SPDX-License-Identifier: MIT */
#include "client/doctor/render.h"

#include <errno.h>
#include <string.h>

#include "client/base/json_tree.h"
#include "client/base/text.h"

#define MARK_WIDTH  2 /* with the space behind it */
#define ARROW_WIDTH 2
#define GAP         2

static const struct {
	const char *mark, *ascii;
	const char *style;
} marks[N_VERDICTS] = {
	[VERDICT_OK] = {"\xe2\x9c\x93", "+", STYLE_GOOD},
	[VERDICT_WARNING] = {"!", "!", STYLE_WARNING},
	[VERDICT_FAILED] = {"\xe2\x9c\x97", "x", STYLE_BAD},
	[VERDICT_UNKNOWN] = {"?", "?", STYLE_WARNING},
};

static size_t measure(const struct findings *findings)
{
	size_t width = 0;

	for (size_t i = 0; i < findings->n; i++)
		if (strlen(findings->rows[i].id) > width)
			width = strlen(findings->rows[i].id);
	return width;
}

/* Prints text that begins in a column. On a terminal, words that do not fit go to the next line, in
 * the same column. */
static void print_text(const char *text, size_t column, const struct screen *screen, FILE *out)
{
	size_t at = column;

	while (*text) {
		size_t length = strcspn(text, " ");
		_cleanup_free_ char *word = strndup(text, length);
		size_t width = word ? text_width(word) : length;

		if (screen->columns > column && at > column && at + 1 + width > screen->columns) {
			fprintf(out, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)length, text);
		at += width;
		text += length + strspn(text + length, " ");
	}
	fputc('\n', out);
}

static void print_finding(const struct finding *finding, size_t width, bool is_utf8,
			  const struct screen *screen, FILE *out)
{
	size_t column = MARK_WIDTH + width + GAP;

	fprintf(out, "%s%s%s %-*s%*s", screen_style(screen, marks[finding->verdict].style),
		is_utf8 ? marks[finding->verdict].mark : marks[finding->verdict].ascii,
		screen_style(screen, STYLE_OFF), (int)width, finding->id, GAP, "");
	print_text(finding->text, column, screen, out);
	if (!finding->advice)
		return;
	fprintf(out, "%*s%s ", (int)column, "", is_utf8 ? "\xe2\x86\x92" : ">");
	print_text(finding->advice, column + ARROW_WIDTH, screen, out);
}

void findings_print(const struct findings *findings, const struct screen *screen, FILE *out)
{
	bool is_utf8 = text_locale_is_utf8();
	size_t width = measure(findings);

	for (size_t i = 0; i < findings->n; i++)
		print_finding(&findings->rows[i], width, is_utf8, screen, out);
	if (findings_are_good(findings))
		fputs("\noxprof can profile on this machine.\n", out);
}

static struct json_object *new_text(const char *text)
{
	return text && *text ? json_object_new_string(text) : NULL;
}

static int add_row(struct json_object *rows, const struct finding *finding)
{
	const char *const members[][2] = {
		{"id", finding->id},
		{"verdict", verdict_name(finding->verdict)},
		{"text", finding->text},
		{"advice", finding->advice},
	};
	_cleanup_tree_ struct json_object *row = json_object_new_object();

	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < array_length(members); i++) {
		int r = tree_add(row, members[i][0], new_text(members[i][1]));

		if (r < 0)
			return r;
	}
	return json_object_array_add(rows, take_ptr(row)) < 0 ? -ENOMEM : 0;
}

static int add_rows(struct json_object *tree, const struct findings *findings)
{
	_cleanup_tree_ struct json_object *rows = json_object_new_array();

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < findings->n; i++) {
		int r = add_row(rows, &findings->rows[i]);

		if (r < 0)
			return r;
	}
	return tree_add(tree, "findings", take_ptr(rows));
}

int findings_print_json(const struct findings *findings, const char *kernel, FILE *out)
{
	_cleanup_tree_ struct json_object *tree = json_object_new_object();
	int r;

	if (!tree)
		return -ENOMEM;
	r = tree_add(tree, "can_profile", json_object_new_boolean(findings_are_good(findings)));
	if (r < 0)
		return r;
	r = tree_add(tree, "kernel", new_text(kernel));
	if (r < 0)
		return r;
	r = add_rows(tree, findings);
	return r < 0 ? r : tree_print(tree, out);
}
