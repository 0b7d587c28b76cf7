/* SPDX-License-Identifier: MIT */
#include "daemon/query/result.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/json.h"
#include "daemon/base/loss.h"
#include "daemon/base/result_fields.h"
#include "daemon/base/table.h"

/* clang-format off */
#define SUMMARY_FIELD(key, type, member) {key, RESULT_##type, offsetof(struct result, member)},
#define ROW_FIELD(key, type, member) {key, RESULT_##type, offsetof(struct result_row, member)},

const struct result_field result_summary_fields[] = {RESULT_SUMMARY_FIELDS(SUMMARY_FIELD) {0}};
const struct result_field result_row_fields[] = {RESULT_ROW_FIELDS(ROW_FIELD) {0}};
/* clang-format on */

/* Replaces a text by a copy, which rows of the same module or file share. */
static int keep_text(struct table *texts, const char **text)
{
	uint32_t index;
	int r = table_intern(texts, *text, strlen(*text) + 1, &index);

	if (r < 0)
		return r;
	*text = table_get_key(texts, index, NULL);
	return 0;
}

static int keep_texts(struct table *texts, struct result_row *row)
{
	int r;

	for (const struct result_field *field = result_row_fields; field->key; field++) {
		const char **text = (const char **)((char *)row + field->offset);

		if (field->type != RESULT_TEXT)
			continue;
		assert(*text);
		r = keep_text(texts, text);
		if (r < 0)
			return r;
	}
	return 0;
}

int result_add_row(struct result *result, const struct result_row *row)
{
	struct result_row copy = *row;
	int r;

	if (!result->texts)
		result->texts = table_new();
	if (!result->texts)
		return -ENOMEM;
	assert(*row->name);
	r = keep_texts(result->texts, &copy);
	if (r < 0)
		return r;
	r = array_reserve(result->rows, result->rows_size, result->n_rows + 1);
	if (r < 0)
		return r;
	result->rows[result->n_rows++] = copy;
	return 0;
}

/* Drops reasons beyond the places: only a database that was tampered with has so many. */
void result_add_loss(struct result *result, const char *reason, uint64_t n)
{
	assert(result->n_lost <= array_length(result->lost));
	if (result->n_lost == array_length(result->lost))
		return;
	snprintf(result->lost[result->n_lost].reason, sizeof(result->lost[0].reason), "%s", reason);
	result->lost[result->n_lost++].n = n;
}

size_t result_bytes(const struct result *result)
{
	return result->rows_size * sizeof(*result->rows) +
	       (result->texts ? table_bytes(result->texts) : 0);
}

void result_done(struct result *result)
{
	table_free(result->texts);
	free(result->rows);
	*result = (struct result){0};
}

double result_share(uint64_t hits, uint64_t samples)
{
	return (double)hits / (samples ? samples : 1);
}

static void write_stops(struct json *json, const char *key, const uint64_t *stops)
{
	json_open(json, key, '{');
	for (unsigned i = 0; i < OX_N_STOPS; i++)
		json_add_u64(json, stop_name(i), stops[i]);
	json_close(json, '}');
}

static void write_lost(struct json *json, const char *key, const struct result *result)
{
	json_open(json, key, '{');
	for (size_t i = 0; i < result->n_lost; i++)
		json_add_u64(json, result->lost[i].reason, result->lost[i].n);
	json_close(json, '}');
}

/* Writes a field of object, a result or a row, whichever the table of the field is for. */
static void write_field(struct json *json, const struct result_field *field, const void *object,
			uint64_t samples)
{
	const void *at = (const char *)object + field->offset;

	switch (field->type) {
	case RESULT_TEXT:
		json_add_text(json, field->key, *(const char *const *)at);
		break;
	case RESULT_KNOWN:
		json_add_known(json, field->key, *(const uint32_t *)at);
		break;
	case RESULT_NUMBER:
		json_add_known(json, field->key, *(const uint64_t *)at);
		break;
	case RESULT_COUNT:
		json_add_u64(json, field->key, *(const uint64_t *)at);
		break;
	case RESULT_SHARE:
		json_add_double(json, field->key, result_share(*(const uint64_t *)at, samples));
		break;
	case RESULT_FLAG:
		json_add_bool(json, field->key, *(const bool *)at);
		break;
	case RESULT_STOPS:
		write_stops(json, field->key, at);
		break;
	case RESULT_LOST:
		write_lost(json, field->key, object);
		break;
	case RESULT_N_TYPES:
		break;
	}
}

static void write_row(struct json *json, const struct result_row *row, uint64_t samples)
{
	json_open(json, NULL, '{');
	for (const struct result_field *field = result_row_fields; field->key; field++)
		write_field(json, field, row, samples);
	json_close(json, '}');
}

int result_write_json(const struct result *result, FILE *out)
{
	struct json json = {out, 1};

	json_open(&json, NULL, '{');
	for (const struct result_field *field = result_summary_fields; field->key; field++)
		write_field(&json, field, result, result->samples);
	json_open(&json, "records", '[');
	for (size_t i = 0; i < result->n_rows; i++)
		write_row(&json, &result->rows[i], result->samples);
	json_close(&json, ']');
	json_close(&json, '}');
	fputc('\n', out);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
