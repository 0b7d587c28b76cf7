/* SPDX-License-Identifier: MIT */
#include "client/render/csv.h"

#include <string.h>

#include "daemon/base/result_fields.h"

#define LINE_END "\r\n"

static const char *const columns[] = {RESULT_ROW_FIELDS(RESULT_KEY)};

static void print_text(const char *text, FILE *out)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* Numbers as JSON has them: with a point in every country. */
static void print_cell(struct json_object *record, const char *key, FILE *out)
{
	struct json_object *value;

	if (!json_object_object_get_ex(record, key, &value) || !value)
		return;
	print_text(json_object_is_type(value, json_type_string)
			   ? json_object_get_string(value)
			   : json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
		   out);
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
