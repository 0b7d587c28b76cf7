/* SPDX-License-Identifier: MIT */
#include "client/render/csv.h"

#include <string.h>

#include "daemon/base/result_fields.h"

#define LINE_END "\r\n"

static const char *const columns[] = {RESULT_ROW_FIELDS(RESULT_KEY)};

/* Prints a cell. Whether it is quoted is no matter to a spreadsheet, which takes a formula by its
 * first character: the names are those of the profiled programs, so one gets a ' in front. */
static void print_text(const char *text, bool is_name, FILE *out)
{
	const char *mark = is_name && *text && strchr("=+-@\t\r", *text) ? "'" : "";

	if (!strpbrk(text, ",\"\r\n")) {
		fprintf(out, "%s%s", mark, text);
		return;
	}
	fprintf(out, "\"%s", mark);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* Prints a field, numbers as JSON has them: with a point in every country. */
static void print_cell(struct json_object *record, const char *key, FILE *out)
{
	struct json_object *value;
	bool is_name;

	if (!json_object_object_get_ex(record, key, &value) || !value)
		return;
	is_name = json_object_is_type(value, json_type_string);
	print_text(is_name ? json_object_get_string(value)
			   : json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
		   is_name, out);
}

int csv_print(struct json_object *answer, FILE *out)
{
	struct json_object *records = tree_get_rows(answer, "records");
	size_t n = records ? json_object_array_length(records) : 0;

	for (size_t k = 0; k < array_length(columns); k++)
		fprintf(out, "%s%s", k ? "," : "", columns[k]);
	fputs(LINE_END, out);
	for (size_t i = 0; i < n; i++) {
		struct json_object *record = json_object_array_get_idx(records, i);

		for (size_t k = 0; k < array_length(columns); k++) {
			if (k)
				fputc(',', out);
			print_cell(record, columns[k], out);
		}
		fputs(LINE_END, out);
	}
	return 0;
}
