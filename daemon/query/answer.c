/* SPDX-License-Identifier: MIT */
#include "daemon/query/answer.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/json.h"
#include "daemon/base/loss.h"
#include "daemon/base/table.h"

#define RECORDS_MIN 16

/* Many records share a module and a file: each text is kept once. */
static int keep_text(struct table *texts, const char **text)
{
	uint32_t index;
	int r = table_intern(texts, *text, strlen(*text) + 1, &index);

	if (r < 0)
		return r;
	*text = table_get_key(texts, index, NULL);
	return 0;
}

/* The array is as long as the power of two at or above n_records. */
static int make_room(struct answer *answer)
{
	size_t n = answer->n_records;
	struct record *records;

	if (n && (n < RECORDS_MIN || (n & (n - 1))))
		return 0;
	n = n < RECORDS_MIN ? RECORDS_MIN : n * 2;
	records = reallocarray(answer->records, n, sizeof(*records));
	if (!records)
		return -ENOMEM;
	answer->records = records;
	return 0;
}

int answer_add_record(struct answer *answer, const struct record *record)
{
	struct record copy = *record;
	const char **texts[] = {&copy.name, &copy.function, &copy.module, &copy.file, &copy.kind};
	int r;

	if (!answer->texts)
		answer->texts = table_new();
	if (!answer->texts)
		return -ENOMEM;
	for (size_t i = 0; i < array_length(texts); i++) {
		r = keep_text(answer->texts, texts[i]);
		if (r < 0)
			return r;
	}
	r = make_room(answer);
	if (r < 0)
		return r;
	answer->records[answer->n_records++] = copy;
	return 0;
}

/* There are far fewer reasons than places; a file that was tampered with may have more. */
void answer_add_loss(struct answer *answer, const char *reason, uint64_t n)
{
	if (answer->n_lost == array_length(answer->lost))
		return;
	snprintf(answer->lost[answer->n_lost].reason, sizeof(answer->lost[0].reason), "%s", reason);
	answer->lost[answer->n_lost++].n = n;
}

void answer_done(struct answer *answer)
{
	table_free(answer->texts);
	free(answer->records);
	*answer = (struct answer){0};
}

static void write_record(struct json *json, const struct record *record, uint64_t samples)
{
	double all = samples ? (double)samples : 1;

	json_open(json, NULL, '{');
	json_add_text(json, "name", record->name);
	json_add_text(json, "function", record->function);
	json_add_text(json, "module", record->module);
	json_add_text(json, "file", record->file);
	json_add_known(json, "line", record->line);
	json_add_text(json, "kind", record->kind);
	json_add_known(json, "pid", record->pid);
	json_add_known(json, "tid", record->tid);
	json_add_u64(json, "self", record->self);
	json_add_u64(json, "total", record->total);
	json_add_double(json, "self_share", (double)record->self / all);
	json_add_double(json, "total_share", (double)record->total / all);
	json_close(json, '}');
}

int answer_write_json(const struct answer *answer, const char *state, uint64_t interval_ns,
		      FILE *out)
{
	struct json json = {out, 1};

	json_open(&json, NULL, '{');
	json_add_text(&json, "state", state);
	json_add_u64(&json, "since", answer->since_usec);
	json_add_u64(&json, "until", answer->until_usec);
	json_add_u64(&json, "interval_ns", interval_ns);
	json_add_u64(&json, "samples", answer->samples);
	json_add_u64(&json, "distinct", answer->distinct);
	json_open(&json, "stacks", '{');
	for (unsigned i = 0; i < OX_N_ENDS; i++)
		json_add_u64(&json, end_name(i), answer->ends[i]);
	json_close(&json, '}');
	json_open(&json, "lost", '{');
	for (size_t i = 0; i < answer->n_lost; i++)
		json_add_u64(&json, answer->lost[i].reason, answer->lost[i].n);
	json_close(&json, '}');
	json_add_bool(&json, "restricted", answer->restricted);
	json_add_bool(&json, "without_kernel", answer->without_kernel);
	json_open(&json, "records", '[');
	for (size_t i = 0; i < answer->n_records; i++)
		write_record(&json, &answer->records[i], answer->samples);
	json_close(&json, ']');
	json_close(&json, '}');
	fputc('\n', out);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
