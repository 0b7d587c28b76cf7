/* SPDX-License-Identifier: MIT */
#include "daemon/query/result.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/json.h"
#include "daemon/base/loss.h"
#include "daemon/base/table.h"

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

int result_add_row(struct result *result, const struct result_row *row)
{
	struct result_row copy = *row;
	const char **texts[] = {&copy.name, &copy.function, &copy.module, &copy.file, &copy.kind};
	int r;

	if (!result->texts)
		result->texts = table_new();
	if (!result->texts)
		return -ENOMEM;
	assert(*row->name);
	for (size_t i = 0; i < array_length(texts); i++) {
		assert(*texts[i]);
		r = keep_text(result->texts, texts[i]);
		if (r < 0)
			return r;
	}
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

void result_done(struct result *result)
{
	table_free(result->texts);
	free(result->rows);
	*result = (struct result){0};
}

static void write_row(struct json *json, const struct result_row *row, uint64_t samples)
{
	double all = samples ? (double)samples : 1;

	json_open(json, NULL, '{');
	json_add_text(json, "name", row->name);
	json_add_text(json, "function", row->function);
	json_add_text(json, "module", row->module);
	json_add_text(json, "file", row->file);
	json_add_known(json, "line", row->line);
	json_add_text(json, "kind", row->kind);
	json_add_known(json, "pid", row->pid);
	json_add_known(json, "tid", row->tid);
	json_add_u64(json, "self", row->self);
	json_add_u64(json, "total", row->total);
	json_add_double(json, "self_share", (double)row->self / all);
	json_add_double(json, "total_share", (double)row->total / all);
	json_close(json, '}');
}

int result_write_json(const struct result *result, const char *state, uint64_t interval_ns,
		      FILE *out)
{
	struct json json = {out, 1};

	json_open(&json, NULL, '{');
	json_add_text(&json, "state", state);
	json_add_u64(&json, "since", result->since_usec);
	json_add_u64(&json, "until", result->until_usec);
	json_add_u64(&json, "interval_ns", interval_ns);
	json_add_u64(&json, "samples", result->samples);
	json_add_u64(&json, "distinct", result->distinct);
	json_open(&json, "stacks", '{');
	for (unsigned i = 0; i < OX_N_STOPS; i++)
		json_add_u64(&json, stop_name(i), result->stops[i]);
	json_close(&json, '}');
	json_open(&json, "lost", '{');
	for (size_t i = 0; i < result->n_lost; i++)
		json_add_u64(&json, result->lost[i].reason, result->lost[i].n);
	json_close(&json, '}');
	json_add_bool(&json, "restricted", result->restricted);
	json_add_bool(&json, "without_kernel", result->without_kernel);
	json_open(&json, "records", '[');
	for (size_t i = 0; i < result->n_rows; i++)
		write_row(&json, &result->rows[i], result->samples);
	json_close(&json, ']');
	json_close(&json, '}');
	fputc('\n', out);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
