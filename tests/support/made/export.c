/* SPDX-License-Identifier: MIT */
#include "tests/support/made/export.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/export.pb-c.h"

const struct profile_task made_export_tasks[] = {
	{"worker", "app", "app.service", "alice", 100, 101, 1},
	{"app", "app", "app.service", "alice", 100, 100, 1},
	{"other", "other", "", "bob", 200, 200, 2},
};

const struct profile_slot made_export_slots[] = {
	{MADE_SINCE_USEC, 10000000, MADE_SINCE_USEC + 10000000},
	{MADE_SINCE_USEC + 10000000, 10000000, MADE_SINCE_USEC + 20000000},
};

#define MADE_MAX 65536 /* of anything */

struct made_stream {
	const struct made_export *export;
	int fd;
	uint32_t n_texts;
	char *texts[MADE_MAX];
	uint32_t n_frames;
	char *words[MADE_MAX]; /* of the frames */
	uint32_t n_nodes;
	uint32_t parents[MADE_MAX];
	uint32_t frames[MADE_MAX];
	uint64_t samples;
	bool began;
	Oxprof__Part part; /* the next one */
};

/* ---- parts ---- */

static void made_write_part(int fd, const Oxprof__Part *part)
{
	size_t size = oxprof__part__get_packed_size(part);
	uint8_t *bytes = malloc(size + 4);
	uint32_t length = htole32((uint32_t)size);

	cr_assert_not_null(bytes);
	memcpy(bytes, &length, 4);
	oxprof__part__pack(part, bytes + 4);
	cr_assert_eq(write(fd, bytes, size + 4), (ssize_t)size + 4);
	free(bytes);
}

/* Appends one value to a column or a table. */
#define made_append(array, n, value)                                      \
	do {                                                              \
		(array) = realloc((array), ((n) + 1) * sizeof(*(array))); \
		cr_assert_not_null(array);                                \
		(array)[(n)++] = (value);                                 \
	} while (0)

static Oxprof__Part *made_clear_part(struct made_stream *stream)
{
	Oxprof__Part *part = &stream->part;

	for (size_t i = 0; i < part->n_frames; i++)
		free(part->frames[i]);
	for (size_t i = 0; i < part->n_tasks; i++)
		free(part->tasks[i]);
	for (size_t i = 0; i < part->n_slots; i++)
		free(part->slots[i]);
	free(part->texts);
	free(part->frames);
	free(part->tasks);
	free(part->slots);
	free(part->node_parent);
	free(part->node_frame);
	free(part->hit_node);
	free(part->hit_task);
	free(part->hit_slot);
	free(part->hit_count);
	oxprof__part__init(part);
	return part;
}

static void made_flush(struct made_stream *stream)
{
	Oxprof__Summary summary = OXPROF__SUMMARY__INIT;
	Oxprof__Session session = OXPROF__SESSION__INIT, *sessions[] = {&session};
	Oxprof__Count lost = OXPROF__COUNT__INIT, *losses[] = {&lost};
	const struct made_export *export = stream->export;
	char running[] = "running", late[] = "late";

	session.id = 1;
	session.started = summary.since = MADE_SINCE_USEC;
	session.ended = summary.until = MADE_UNTIL_USEC;
	summary.interval_ns = MADE_INTERVAL_NS;
	session.interval_ns = export->interval_ns ?: MADE_INTERVAL_NS;
	session.observed_usec = summary.observed_usec =
		export->observed_usec ?: MADE_UNTIL_USEC - MADE_SINCE_USEC;
	lost.reason = late;
	lost.n = 3;
	summary.state = running;
	summary.session = export->session;
	summary.restricted = export->restricted;
	summary.without_kernel = export->without_kernel;
	summary.n_sessions = summary.n_lost = 1;
	summary.sessions = sessions;
	summary.lost = losses;
	if (!stream->began && export->fault != MADE_NO_SUMMARY)
		stream->part.summary = &summary;
	stream->began = true;
	made_write_part(stream->fd, &stream->part);
	stream->part.summary = NULL;
	made_clear_part(stream);
}

/* ---- the dictionary ---- */

static uint32_t made_text(struct made_stream *stream, const char *text)
{
	if (!text || !*text)
		return 0;
	for (uint32_t i = 1; i <= stream->n_texts; i++)
		if (!strcmp(stream->texts[i], text))
			return i;
	cr_assert_lt(stream->n_texts + 1, MADE_MAX);
	stream->texts[++stream->n_texts] = strdup(text);
	made_append(stream->part.texts, stream->part.n_texts, stream->texts[stream->n_texts]);
	return stream->n_texts;
}

/* Reads a frame from a word; its texts are in `buffer`. */
static struct profile_frame made_read_word(const char *word, char *buffer, size_t size)
{
	struct profile_frame frame = {.module = "app", .file = "app.c", .kind = FRAME_NATIVE};
	char *colon;

	if (!strncmp(word, "py:", 3))
		frame = (struct profile_frame){
			.module = "app.py", .file = "/srv/app.py", .kind = FRAME_PYTHON};
	else if (!strncmp(word, "k:", 2))
		frame = (struct profile_frame){.module = "kernel", .kind = FRAME_KERNEL};
	snprintf(buffer, size, "%s",
		 word + (frame.kind == FRAME_PYTHON   ? 3
			 : frame.kind == FRAME_KERNEL ? 2
						      : 0));
	colon = strrchr(buffer, ':');
	if (colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")]) {
		frame.line = (uint32_t)atoi(colon + 1);
		*colon = '\0';
	}
	frame.function = buffer;
	return frame;
}

static Oxprof__Frame *made_describe(struct made_stream *stream, const char *word)
{
	Oxprof__Frame *made = malloc(sizeof(*made));
	char buffer[4096];
	struct profile_frame frame = made_read_word(word, buffer, sizeof(buffer));
	const struct made_frame *known = stream->export->frames;

	for (; known && known->word; known++)
		if (!strcmp(known->word, word))
			frame = known->frame;
	oxprof__frame__init(made);
	made->function = made_text(stream, frame.function);
	made->module = made_text(stream, frame.module);
	made->file = made_text(stream, frame.file);
	made->build_id = made_text(stream, frame.build_id);
	made->kind = frame.kind;
	made->line = frame.line;
	made->offset = frame.offset;
	made->focus = frame.focus;
	if (stream->export->fault == MADE_BAD_TEXT)
		made->module = stream->n_texts + 1000;
	return made;
}

static uint32_t made_frame(struct made_stream *stream, const char *word)
{
	for (uint32_t i = 1; i <= stream->n_frames; i++)
		if (!strcmp(stream->words[i], word))
			return i;
	cr_assert_lt(stream->n_frames + 1, MADE_MAX);
	stream->words[++stream->n_frames] = strdup(word);
	made_append(stream->part.frames, stream->part.n_frames, made_describe(stream, word));
	return stream->n_frames;
}

static uint32_t made_node(struct made_stream *stream, uint32_t parent, const char *word)
{
	uint32_t frame = made_frame(stream, word), count;

	for (uint32_t i = 1; i <= stream->n_nodes; i++)
		if (stream->parents[i] == parent && stream->frames[i] == frame)
			return i;
	cr_assert_lt(stream->n_nodes + 1, MADE_MAX);
	count = ++stream->n_nodes;
	stream->parents[count] = parent;
	stream->frames[count] = frame;
	if (stream->export->fault == MADE_BAD_PARENT)
		parent = count;
	made_append(stream->part.node_parent, stream->part.n_node_parent, parent);
	if (stream->export->fault != MADE_BAD_COLUMN || stream->part.n_node_frame == 0)
		made_append(stream->part.node_frame, stream->part.n_node_frame, frame);
	return count;
}

/* ---- lines ---- */

/* Returns the next frame of a stack, up to ';' and without the backslashes; NULL behind the last.
 */
static char *made_next_word(char **at)
{
	char *word = *at, *to = word;

	if (!word || !*word)
		return NULL;
	for (; **at && **at != ';'; (*at)++) {
		if (**at == '\\' && (*at)[1])
			(*at)++;
		*to++ = **at;
	}
	*at += **at == ';';
	*to = '\0';
	return word;
}

static void made_add_line(struct made_stream *stream, char *line)
{
	char *space = strrchr(line, ' '), *word;
	uint32_t node = 0, task = 0, slot = 0;
	unsigned long hits;

	cr_assert_not_null(space, "no hits: %s", line);
	cr_assert_geq(sscanf(space + 1, "%lu/%u/%u", &hits, &task, &slot), 1, "%s", line);
	*space = '\0';
	while ((word = made_next_word(&line)))
		node = made_node(stream, node, word);
	if (stream->export->fault == MADE_BAD_NODE)
		node = stream->n_nodes + 1;
	made_append(stream->part.hit_node, stream->part.n_hit_node, node);
	if (stream->export->n_tasks)
		made_append(stream->part.hit_task, stream->part.n_hit_task, task);
	if (stream->export->n_slots)
		made_append(stream->part.hit_slot, stream->part.n_hit_slot, slot);
	made_append(stream->part.hit_count, stream->part.n_hit_count, hits);
	stream->samples += hits;
}

static void made_add_tasks(struct made_stream *stream)
{
	for (size_t i = 0; i < stream->export->n_tasks; i++) {
		const struct profile_task *task = &stream->export->tasks[i];
		Oxprof__Task *made = malloc(sizeof(*made));

		oxprof__task__init(made);
		made->pid = task->pid;
		made->tid = task->tid;
		made->thread = made_text(stream, task->thread);
		made->comm = made_text(stream, task->comm);
		made->unit = made_text(stream, task->unit);
		made->user = made_text(stream, task->user);
		made->process = task->process;
		made_append(stream->part.tasks, stream->part.n_tasks, made);
	}
}

static void made_add_slots(struct made_stream *stream)
{
	for (size_t i = 0; i < stream->export->n_slots; i++) {
		Oxprof__Slot *made = malloc(sizeof(*made));

		oxprof__slot__init(made);
		made->start = stream->export->slots[i].start_usec;
		made->usec = stream->export->slots[i].usec;
		made->end = stream->export->slots[i].end_usec;
		made_append(stream->part.slots, stream->part.n_slots, made);
	}
}

static void made_add_lines(struct made_stream *stream)
{
	char *copy = strdup(stream->export->stacks), *rest = copy, *line;
	size_t n = 0;

	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		made_add_line(stream, line);
		if (stream->export->lines_a_part && ++n % stream->export->lines_a_part == 0)
			made_flush(stream);
	}
	free(copy);
}

static void made_add_end(struct made_stream *stream)
{
	Oxprof__End end = OXPROF__END__INIT;
	Oxprof__Count whole = OXPROF__COUNT__INIT, *stacks[] = {&whole};
	char root[] = "root", *failure = strdup(stream->export->failure ?: "");

	whole.reason = root;
	whole.n = stream->samples;
	end.samples = stream->export->samples ?: stream->samples;
	end.n_stacks = 1;
	end.stacks = stacks;
	end.failure = failure;
	stream->part.permille = 1000;
	if (stream->export->fault != MADE_NO_END)
		stream->part.end = &end;
	made_flush(stream);
	free(failure);
}

static void made_spoil(int fd, enum made_fault fault)
{
	static const uint8_t beyond[] = {0, 0, 0, 0}, bytes[] = {3, 0, 0, 0, 0xff, 0xff, 0xff};
	uint32_t length = htole32(OX_EXPORT_PART_BYTES + 1);
	ssize_t n = 0;

	if (fault == MADE_CUT)
		n = ftruncate(fd, lseek(fd, 0, SEEK_CUR) - 1);
	else if (fault == MADE_BEYOND)
		n = write(fd, beyond, sizeof(beyond));
	else if (fault == MADE_BAD_BYTES)
		n = pwrite(fd, bytes, sizeof(bytes), 0);
	else if (fault == MADE_TOO_LONG)
		n = pwrite(fd, &length, sizeof(length), 0);
	cr_assert_geq(n, 0);
}

int made_export_from(const struct made_export *export)
{
	struct made_stream *stream = calloc(1, sizeof(*stream));
	int fd = memfd_create("export", MFD_CLOEXEC);

	cr_assert(stream && fd >= 0);
	stream->export = export;
	stream->fd = fd;
	made_clear_part(stream);
	made_add_tasks(stream);
	made_add_slots(stream);
	made_add_lines(stream);
	made_add_end(stream);
	made_spoil(fd, export->fault);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	for (uint32_t i = 1; i <= stream->n_texts; i++)
		free(stream->texts[i]);
	for (uint32_t i = 1; i <= stream->n_frames; i++)
		free(stream->words[i]);
	free(stream);
	return fd;
}

int made_export(const char *stacks)
{
	return made_export_from(&(struct made_export){.stacks = stacks});
}
