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
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "client/render/summary.h"
#include "client/report/gzip.h"
#include "client/report/internal.h"
#include "client/report/pprof.pb-c.h"
#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/table.h"

#define N_LABELS   6
#define PAGE_BYTES UINT64_C(4096)

/* Numbers of locations and functions. */
#define PPROF_NO_STACK UINT64_C(1)
#define PPROF_FIRST    UINT64_C(2) /* the first of all others */

struct pprof_mapping_key {
	int64_t file;
	int64_t build_id;
};

/* The extent of a mapping, which is known only after all its frames. */
struct pprof_mapping {
	uint64_t highest; /* address */
	int64_t path;     /* text; 0: unknown */
};

struct pprof {
	struct report *report;
	struct gzip *gzip;
	struct table *texts;    /* number 0 is "" */
	struct table *mappings; /* struct pprof_mapping_key; the number in the file is one more */
	struct pprof_mapping *extents;
	size_t extent_room;
	uint32_t n_frames; /* frames that are written, the unknown one among them */
	uint32_t n_names;
	struct stack stack;
	uint64_t *locations; /* of the sample */
	size_t location_room;
	uint8_t *bytes; /* packed */
	size_t byte_room;
	uint64_t interval_ns;
	int error; /* the first error: nothing is written after it */
};

define_cleanup(struct profile *, profile_free);

/* ---- texts, functions, locations and mappings, each written when it is new ---- */

/* Errors of these functions stay in pprof->error. */

/* Appends a Profile; readers merge it with those before it. */
static void write_piece(struct pprof *pprof, const Perftools__Profile *piece)
{
	size_t size = perftools__profile__get_packed_size(piece);

	if (!pprof->error)
		pprof->error = array_reserve(pprof->bytes, pprof->byte_room, size);
	if (pprof->error)
		return;
	perftools__profile__pack(piece, pprof->bytes);
	gzip_write(pprof->gzip, pprof->bytes, size);
}

/* Returns the number of a text, which is written when it is new. */
static int64_t find_text(struct pprof *pprof, const char *text)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	char *texts[] = {(char *)(uintptr_t)text};
	uint32_t number = 0;
	int r = table_intern(pprof->texts, text, strlen(text), &number);

	if (r < 0)
		pprof->error = r;
	if (r <= 0)
		return number;
	piece.n_string_table = 1;
	piece.string_table = texts;
	write_piece(pprof, &piece);
	return number;
}

/* True if the path is the module's. A frame's file is its source or, where there are no debug
 * symbols, the very ELF file. */
static bool is_path_of(const char *path, const char *module)
{
	const char *slash = strrchr(path, '/');

	return slash && !strcmp(slash + 1, module);
}

static void widen_mapping(struct pprof *pprof, struct pprof_mapping *mapping,
			  const struct profile_frame *frame)
{
	if (frame->offset > mapping->highest)
		mapping->highest = frame->offset;
	if (!mapping->path && is_path_of(frame->file, frame->module))
		mapping->path = find_text(pprof, frame->file);
}

/* Finds or adds the mapping of the frame's module. Returns 0 or a negative errno. */
static int intern_mapping(struct pprof *pprof, const struct profile_frame *frame, uint32_t *ret)
{
	struct pprof_mapping_key key;
	int r;

	key.file = find_text(pprof, frame->module);
	key.build_id = find_text(pprof, frame->build_id);
	r = table_intern(pprof->mappings, &key, sizeof(key), ret);
	if (r < 0)
		return r;
	return array_reserve(pprof->extents, pprof->extent_room, table_count(pprof->mappings));
}

/* Returns the number of the frame's mapping; 0: the code is in no file that is mapped, as
 * Python's. */
static uint64_t find_mapping(struct pprof *pprof, const struct profile_frame *frame)
{
	uint32_t number;
	int r;

	if (frame->kind == FRAME_PYTHON || !*frame->module)
		return 0;
	r = intern_mapping(pprof, frame, &number);
	if (r < 0) {
		pprof->error = r;
		return 0;
	}
	assert(number < pprof->extent_room);
	widen_mapping(pprof, &pprof->extents[number], frame);
	return number + UINT64_C(1);
}

static void write_function(struct pprof *pprof, uint64_t id, const char *name,
			   const struct profile_frame *frame)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	Perftools__Function function = PERFTOOLS__FUNCTION__INIT, *functions[] = {&function};

	function.id = id;
	function.name = find_text(pprof, name);
	function.system_name = find_text(pprof, *frame->function ? frame->function : name);
	function.filename = find_text(pprof, frame->file);
	piece.n_function = 1;
	piece.function = functions;
	write_piece(pprof, &piece);
}

static void write_location(struct pprof *pprof, uint64_t id, uint64_t function,
			   const struct profile_frame *frame)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	Perftools__Location location = PERFTOOLS__LOCATION__INIT, *locations[] = {&location};
	Perftools__Line line = PERFTOOLS__LINE__INIT, *lines[] = {&line};

	line.function_id = function;
	line.line = frame->line;
	location.id = id;
	location.mapping_id = find_mapping(pprof, frame);
	location.address = frame->offset;
	location.n_line = 1;
	location.line = lines;
	piece.n_location = 1;
	piece.location = locations;
	write_piece(pprof, &piece);
}

static void write_no_stack(struct pprof *pprof, const struct profile *profile)
{
	const struct profile_frame *unknown = profile_frame(profile, 0);

	write_function(pprof, PPROF_NO_STACK, STACK_NONE, unknown);
	write_location(pprof, PPROF_NO_STACK, PPROF_NO_STACK, unknown);
}

/* Writes the functions and the locations that have come since the last time. */
static void write_dictionary(struct pprof *pprof, const struct profile *profile)
{
	/* The dictionary of a profile only grows. */
	assert(pprof->n_names <= profile_count_names(profile));
	if (!pprof->n_frames)
		write_no_stack(pprof, profile);
	for (uint32_t i = pprof->n_names; i < profile_count_names(profile); i++)
		write_function(pprof, PPROF_FIRST + i, profile_name(profile, i),
			       profile_name_frame(profile, i));
	pprof->n_names = profile_count_names(profile);
	for (uint32_t i = pprof->n_frames; i <= profile_count_frames(profile); i++) {
		const struct profile_frame *frame = profile_frame(profile, i);

		write_location(pprof, PPROF_FIRST + i, PPROF_FIRST + frame->name, frame);
	}
	pprof->n_frames = profile_count_frames(profile) + 1;
}

/* Writes the mappings, at the end, when all of their frames have been seen. */
static void write_mappings(struct pprof *pprof)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	Perftools__Mapping mapping = PERFTOOLS__MAPPING__INIT, *mappings[] = {&mapping};

	piece.n_mapping = 1;
	piece.mapping = mappings;
	mapping.has_functions = mapping.has_filenames = mapping.has_line_numbers = true;
	for (uint32_t i = 0; i < table_count(pprof->mappings); i++) {
		const struct pprof_mapping_key *key = table_get_key(pprof->mappings, i, NULL);

		mapping.id = i + UINT64_C(1);
		mapping.memory_limit = (pprof->extents[i].highest | (PAGE_BYTES - 1)) + 1;
		mapping.filename = pprof->extents[i].path ?: key->file;
		mapping.build_id = key->build_id;
		write_piece(pprof, &piece);
	}
}

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

	assert(sample->n_label < N_LABELS);
	if (!*text && !number)
		return;
	perftools__label__init(label);
	label->key = find_text(pprof, key);
	if (*text)
		label->str = find_text(pprof, text);
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

	if (r < 0)
		return r;
	r = array_reserve(pprof->locations, pprof->location_room, stack->n + 1);
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
	write_dictionary(pprof, profile);
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
	write_piece(pprof, &piece);
	return pprof->error ? pprof->error : report_check(pprof->report);
}

/* ---- header and comments ---- */

static void write_comment(struct pprof *pprof, const char *text)
{
	Perftools__Profile piece = PERFTOOLS__PROFILE__INIT;
	int64_t comments[] = {find_text(pprof, text)};

	piece.n_comment = 1;
	piece.comment = comments;
	write_piece(pprof, &piece);
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
		write_comment(pprof, "only the processes of the user who asked");
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

	hits.type = find_text(pprof, "samples");
	hits.unit = find_text(pprof, "count");
	time.type = find_text(pprof, "cpu");
	time.unit = find_text(pprof, "nanoseconds");
	piece.n_sample_type = array_length(types);
	piece.sample_type = types;
	piece.period_type = &time;
	piece.period = (int64_t)(pprof->interval_ns ?: find_interval(summary));
	piece.default_sample_type = hits.type;
	piece.time_nanos = (int64_t)(summary->since_usec * 1000);
	piece.duration_nanos = (int64_t)((summary->observed_usec ?: span_usec) * 1000);
	write_piece(pprof, &piece);
}

/* ---- the whole ---- */

static int write_all(struct pprof *pprof)
{
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	const struct bus_export_options options = {.stacks = true, .tasks = true};
	int r;

	find_text(pprof, "");
	r = report_read(pprof->report, pprof->report->request, &options, on_hit, pprof, &profile);
	if (r < 0)
		return r;
	write_header(pprof, profile_summary(profile));
	write_mappings(pprof);
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
