/* SPDX-License-Identifier: MIT */
/*
 * The format of pprof (client/report/pprof.proto), written as the stacks come, each message a
 * Profile of its own: what is kept are the numbers of texts and mappings.
 *
 * Numbers: location 2 + the frame of the profile, function 2 + its name; location and function 1
 * stand for no stack, since pprof drops samples without any. A function's name is that of all
 * reports, "function(module)"; its system name is the function alone. Native code and the kernel
 * have mappings, one for each file; addresses are those of the file itself (ELF), of the function
 * where it is known. All is named already, so the mappings say that nothing is to be looked up.
 * Samples have the labels pid, tid, thread, comm, unit and user.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "client/render/summary.h"
#include "client/report/pprof_internal.h"
#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

#define N_LABELS 6

define_cleanup(struct profile *, profile_free);

/* ---- samples ---- */

static uint64_t find_interval(const struct profile_summary *summary)
{
	bool mixed;

	return (uint64_t)(summary_find_interval_ns(summary, &mixed) + 0.5);
}

static void add_label(struct pprof *pprof, Perftools__Sample *sample, const char *key,
		      const char *text, uint32_t number)
{
	Perftools__Label *label = sample->label[sample->n_label];

	if (!*text && !number)
		return;
	perftools__label__init(label);
	label->key = pprof_find_text(pprof, key);
	if (*text)
		label->str = pprof_find_text(pprof, text);
	label->num = number;
	sample->n_label++;
}

static void add_labels(struct pprof *pprof, Perftools__Sample *sample,
		       const struct profile_task *task)
{
	add_label(pprof, sample, "pid", "", task->pid);
	add_label(pprof, sample, "tid", "", task->tid);
	add_label(pprof, sample, "thread", task->thread, 0);
	add_label(pprof, sample, "comm", task->comm, 0);
	add_label(pprof, sample, "unit", task->unit, 0);
	add_label(pprof, sample, "user", task->user, 0);
}

static int list_locations(struct pprof *pprof, const struct profile *profile, uint32_t node,
			  size_t *ret_n)
{
	const struct stack *stack = &pprof->stack;
	int r = stack_list(&pprof->stack, profile, node);

	if (r >= 0)
		r = array_fit(pprof->locations, pprof->location_room, stack->n + 1);
	if (r < 0)
		return r;
	pprof->locations[0] = PPROF_NO_STACK;
	for (size_t i = 0; i < stack->n; i++)
		pprof->locations[i] = PPROF_FIRST + stack->frames[i];
	*ret_n = stack->n ?: 1;
	return 0;
}

static int on_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct pprof *pprof = userdata;
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	Perftools__Sample sample = PERFTOOLS__SAMPLE__INIT, *samples[] = {&sample};
	Perftools__Label labels[N_LABELS], *label_list[N_LABELS];
	int64_t values[2];
	int r;

	if (!pprof->interval_ns)
		pprof->interval_ns = find_interval(profile_summary(profile));
	pprof_write_dictionary(pprof, profile);
	r = list_locations(pprof, profile, hit->node, &sample.n_location_id);
	if (r < 0)
		return r;
	for (size_t i = 0; i < N_LABELS; i++)
		label_list[i] = &labels[i];
	sample.label = label_list;
	add_labels(pprof, &sample, profile_task(profile, hit->task));
	values[0] = (int64_t)hit->n;
	values[1] = (int64_t)(hit->n * pprof->interval_ns);
	sample.n_value = array_length(values);
	sample.value = values;
	sample.location_id = pprof->locations;
	piece.n_sample = 1;
	piece.sample = samples;
	pprof_write_piece(pprof, &piece);
	return pprof->error ? pprof->error : report_check(pprof->report);
}

/* ---- what is said of the whole ---- */

static void write_comment(struct pprof *pprof, const char *text)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	int64_t comments[] = {pprof_find_text(pprof, text)};

	piece.n_comment = 1;
	piece.comment = comments;
	pprof_write_piece(pprof, &piece);
}

static void __attribute__((format(printf, 2, 3)))
write_comment_format(struct pprof *pprof, const char *format, ...)
{
	char text[256];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	write_comment(pprof, text);
}

static void write_comments(struct pprof *pprof, const struct profile_summary *summary)
{
	char from[CLOCK_TEXT_BYTES], to[CLOCK_TEXT_BYTES];
	bool mixed;

	write_comment(pprof, "oxprof " OX_VERSION);
	if (summary->since_usec)
		write_comment_format(pprof, "%s to %s",
				     clock_format_local(summary->since_usec, from),
				     clock_format_local(summary->until_usec, to));
	write_comment_format(pprof, "%" PRIu64 " samples in this window before any filter",
			     summary->samples);
	for (size_t i = 0; i < summary->n_lost; i++)
		if (summary->lost[i].n)
			write_comment_format(pprof, "lost: %" PRIu64 " %s", summary->lost[i].n,
					     summary->lost[i].reason);
	if (summary->restricted)
		write_comment(pprof, "only the own processes of who asked");
	if (summary->without_kernel)
		write_comment(pprof, "without the frames of the kernel");
	summary_find_interval_ns(summary, &mixed);
	if (mixed)
		write_comment(pprof, "sessions of several intervals: cpu is hits times their mean");
}

static void write_header(struct pprof *pprof, const struct profile_summary *summary)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	Perftools__ValueType hits = PERFTOOLS__VALUE_TYPE__INIT, time = hits;
	Perftools__ValueType *types[] = {&hits, &time};
	uint64_t span_usec = summary->until_usec - summary->since_usec;

	hits.type = pprof_find_text(pprof, "samples");
	hits.unit = pprof_find_text(pprof, "count");
	time.type = pprof_find_text(pprof, "cpu");
	time.unit = pprof_find_text(pprof, "nanoseconds");
	piece.n_sample_type = array_length(types);
	piece.sample_type = types;
	piece.period_type = &time;
	piece.period = (int64_t)(pprof->interval_ns ?: find_interval(summary));
	piece.default_sample_type = hits.type;
	piece.time_nanos = (int64_t)(summary->since_usec * 1000);
	piece.duration_nanos = (int64_t)((summary->observed_usec ?: span_usec) * 1000);
	pprof_write_piece(pprof, &piece);
}

/* ---- the whole ---- */

static int write_all(struct pprof *pprof)
{
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	const struct export_wish wish = {.stacks = true, .tasks = true};
	int r;

	pprof_find_text(pprof, "");
	r = report_read(pprof->report, pprof->report->request, &wish, on_hit, pprof, &profile);
	if (r < 0)
		return r;
	write_header(pprof, profile_summary(profile));
	pprof_write_mappings(pprof);
	write_comments(pprof, profile_summary(profile));
	gzip_finish(pprof->gzip);
	return pprof->error;
}

int pprof_report(struct report *report)
{
	struct pprof pprof = {.report = report,
			      .gzip = gzip_new(report->out),
			      .texts = table_new(),
			      .mappings = table_new()};
	int r = -ENOMEM;

	if (pprof.gzip && pprof.texts && pprof.mappings)
		r = write_all(&pprof);
	gzip_free(pprof.gzip);
	table_free(pprof.texts);
	table_free(pprof.mappings);
	stack_done(&pprof.stack);
	free(pprof.extents);
	free(pprof.locations);
	free(pprof.bytes);
	return r;
}
