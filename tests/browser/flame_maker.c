/* SPDX-License-Identifier: MIT */
/*
 * Makes a flame graph of stacks on standard input, for the tests in a browser:
 *
 *   flame_maker html|svg|json THRESHOLD [diff] <STACKS >FILE
 *
 * A line is "HITS<tab>FRAME<tab>FRAME..." from the root on, of a diff "HITS<tab>HITS<tab>FRAME...".
 * A frame is a native function of the module "app"; "py:NAME" is one of Python, "k:NAME" one of the
 * kernel, "[cut]" the mark.
 */
#include <endian.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "client/flame/flame.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/export.pb-c.h"
#include "daemon/base/table.h"

#define SINCE_USEC  UINT64_C(1764000000000000)
#define USEC        UINT64_C(60000000)
#define INTERVAL_NS UINT64_C(10000000)

/* Each line has nodes of its own: to fold them is the graph's work. */
struct side {
	struct table *words;
	FILE *stream;
	int fd;
	uint32_t n_nodes;
	uint64_t hits;
};

static void write_part(struct side *side, const Oxprof__Part *part)
{
	static uint8_t bytes[1 << 20];
	uint32_t length = (uint32_t)oxprof__part__get_packed_size(part), le = htole32(length);

	if (length > sizeof(bytes))
		abort();
	oxprof__part__pack(part, bytes);
	fwrite(&le, sizeof(le), 1, side->stream);
	fwrite(bytes, 1, length, side->stream);
}

static void begin(struct side *side)
{
	Oxprof__Part part = OXPROF__PART__INIT;
	Oxprof__Summary summary = OXPROF__SUMMARY__INIT;
	char state[] = "paused";

	side->words = table_new();
	side->fd = memfd_create("export", MFD_CLOEXEC);
	side->stream = fdopen(dup(side->fd), "w");
	if (!side->words || !side->stream)
		abort();
	summary.state = state;
	summary.since = SINCE_USEC;
	summary.until = SINCE_USEC + USEC;
	summary.interval_ns = INTERVAL_NS;
	summary.observed_usec = USEC;
	part.summary = &summary;
	write_part(side, &part);
}

/* Writes a frame; the modules are the texts 1 to 3, before all functions. */
static void write_frame(struct side *side, const char *word, uint32_t number)
{
	static char *modules[] = {"app", "app.py", "kernel", "/srv/app"};
	Oxprof__Part part = OXPROF__PART__INIT;
	Oxprof__Frame frame = OXPROF__FRAME__INIT, *frames[] = {&frame};
	bool python = !strncmp(word, "py:", 3), kernel = !strncmp(word, "k:", 2);
	char *function = strdup(word + (python ? 3 : kernel ? 2 : 0)), *texts[5];

	memcpy(texts, modules, sizeof(modules));
	texts[4] = function;
	part.n_texts = 5;
	part.texts = texts;
	frame.function = 5 * number + 5;
	frame.module = !strcmp(word, "[cut]") ? 0 : 5 * number + (python ? 2 : kernel ? 3 : 1);
	frame.file = kernel ? 0 : 5 * number + 4;
	frame.kind = python ? FRAME_PYTHON : kernel ? FRAME_KERNEL : FRAME_NATIVE;
	frame.line = python ? number + 7 : 0;
	part.n_frames = 1;
	part.frames = frames;
	write_part(side, &part);
	free(function);
}

static uint32_t add_frame(struct side *side, const char *word)
{
	uint32_t number;
	int r = table_intern(side->words, word, strlen(word) + 1, &number);

	if (r < 0)
		abort();
	if (r > 0)
		write_frame(side, word, number);
	return number + 1;
}

static void add_stack(struct side *side, const char *stack, uint64_t hits)
{
	Oxprof__Part part = OXPROF__PART__INIT;
	_cleanup_free_ char *copy = strdup(stack);
	char *rest = copy, *word;
	uint32_t node = 0;

	while ((word = strsep(&rest, "\t"))) {
		uint32_t frame = add_frame(side, word);
		Oxprof__Part one = OXPROF__PART__INIT;

		one.n_node_parent = one.n_node_frame = 1;
		one.node_parent = &node;
		one.node_frame = &frame;
		write_part(side, &one);
		node = ++side->n_nodes;
	}
	part.n_hit_node = part.n_hit_count = 1;
	part.hit_node = &node;
	part.hit_count = &hits;
	write_part(side, &part);
	side->hits += hits;
}

static void end(struct side *side)
{
	Oxprof__Part part = OXPROF__PART__INIT;
	Oxprof__End last = OXPROF__END__INIT;

	last.samples = side->hits;
	part.end = &last;
	write_part(side, &part);
	fclose(side->stream);
	table_free(side->words);
	lseek(side->fd, 0, SEEK_SET);
}

struct adding {
	struct graph *graph;
	enum graph_side side;
};

static int add_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct adding *adding = userdata;

	return graph_add(adding->graph, adding->side, profile, hit->node, hit->n);
}

static int add_side(struct graph *graph, enum graph_side i, struct side *side,
		    struct flame_side *about)
{
	struct adding adding = {graph, i};
	struct profile *profile;
	char *why;
	int r;

	end(side);
	r = profile_read(side->fd, NULL, add_hit, &adding, &profile, &why);
	if (r < 0) {
		fprintf(stderr, "flame_maker: %s\n", why ?: strerror(-r));
		return r;
	}
	flame_set_side(about, profile_summary(profile));
	profile_free(profile);
	return 0;
}

static void read_lines(struct side *sides, int n_sides)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&line, &size, stdin)) > 0) {
		char *at = line;

		line[length - 1] = '\0';
		for (int i = 0; i < n_sides; i++) {
			uint64_t hits = strtoul(at, &at, 10);
			const char *stack = at + 1;

			for (int k = i + 1; k < n_sides; k++)
				stack = strchr(stack, '\t') + 1;
			if (hits > 0)
				add_stack(&sides[i], stack, hits);
		}
	}
}

static enum format read_format(const char *text)
{
	return !strcmp(text, "svg")    ? FORMAT_SVG
	       : !strcmp(text, "json") ? FORMAT_JSON
				       : FORMAT_FLAMEGRAPH;
}

int main(int argc, char *argv[])
{
	struct flame_about about = {.title = "Made <for> tests & \"such\"",
				    .filters = "unit app.service, filter <b>",
				    .note = "lost: 3 late"};
	struct graph *graph = graph_new();
	struct side sides[N_GRAPH_SIDES] = {0};
	int r = 0;

	if (argc < 3 || !graph) {
		fputs("usage: flame_maker html|svg|json THRESHOLD [diff] <STACKS >FILE\n", stderr);
		return 2;
	}
	setlocale(LC_CTYPE, "C.UTF-8");
	about.threshold = strtod(argv[2], NULL);
	about.diff = argc > 3;
	for (int i = 0; i < (about.diff ? 2 : 1); i++)
		begin(&sides[i]);
	read_lines(sides, about.diff ? 2 : 1);
	for (int i = 0; i < (about.diff ? 2 : 1) && r >= 0; i++)
		r = add_side(graph, i, &sides[i], &about.sides[i]);
	if (r >= 0)
		r = graph_finish(graph);
	if (r >= 0)
		r = flame_begin(about.title, read_format(argv[1]), stdout);
	if (r >= 0)
		r = flame_write(graph, &about, read_format(argv[1]), stdout);
	graph_free(graph);
	return r < 0 || fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
