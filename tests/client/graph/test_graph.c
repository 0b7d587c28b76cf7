/* SPDX-License-Identifier: MIT */
#include "client/graph/graph.h"

#include <criterion/criterion.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "tests/support/made/export.h"

define_cleanup(struct graph *, graph_free);

struct graph_adding {
	struct graph *graph;
	enum graph_side side;
};

static int add_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct graph_adding *adding = userdata;

	return graph_add(adding->graph, adding->side, profile, hit->node, hit->n);
}

static void add(struct graph *graph, enum graph_side side, const struct made_export *export)
{
	struct graph_adding adding = {graph, side};
	struct profile *profile;
	char *why;

	cr_assert_eq(profile_read(made_export_from(export), NULL, add_hit, &adding, &profile, &why),
		     0);
	/* The graph has copies of what it needs. */
	profile_free(profile);
}

static struct graph *fold(const char *base, const char *with, const struct made_frame *frames)
{
	struct graph *graph = graph_new();

	cr_assert_not_null(graph);
	add(graph, GRAPH_BASE, &(struct made_export){.stacks = base, .frames = frames});
	if (with)
		add(graph, GRAPH_WITH, &(struct made_export){.stacks = with, .frames = frames});
	cr_assert_eq(graph_finish(graph), 0);
	return graph;
}

static const char *name_of(const struct graph *graph, uint32_t node)
{
	return graph_function(graph, graph_function_of(graph, node))->function;
}

/* Finds the node at "main;work;inner". Returns 0 where there is none. */
static uint32_t find(const struct graph *graph, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *rest = copy, *word;
	uint32_t node = 0;

	while ((word = strsep(&rest, ";"))) {
		node = graph_child(graph, node);
		while (node && strcmp(name_of(graph, node), word))
			node = graph_next(graph, node);
		if (!node)
			return 0;
	}
	return node;
}

static void expect_node(const struct graph *graph, const char *path, uint64_t self, uint64_t total)
{
	uint32_t node = find(graph, path);

	cr_assert(node, "%s is not there", path);
	cr_expect_eq(graph_self(graph, node, GRAPH_BASE), self, "self of %s", path);
	cr_expect_eq(graph_total(graph, node, GRAPH_BASE), total, "total of %s", path);
}

Test(client_graph, stacks_are_folded_to_functions)
{
	_cleanup_(graph_free_p) struct graph *graph = fold("main;work;inner 12\n"
							   "main;work;other 3\n"
							   "main;work 1\n"
							   "main;work:9;inner 4\n"
							   "start 5\n"
							   " 2\n",
							   NULL, NULL);

	cr_expect_eq(graph_count(graph), 6);
	cr_expect_eq(graph_count_functions(graph), 5);
	cr_expect_eq(graph_self(graph, 0, GRAPH_BASE), 2);
	cr_expect_eq(graph_total(graph, 0, GRAPH_BASE), 27);
	cr_expect_eq(graph_function_of(graph, 0), UINT32_MAX);
	expect_node(graph, "main", 0, 20);
	expect_node(graph, "main;work", 1, 20);
	expect_node(graph, "main;work;inner", 16, 16);
	expect_node(graph, "main;work;other", 3, 3);
	expect_node(graph, "start", 5, 5);
}

Test(client_graph, a_function_knows_where_it_is)
{
	_cleanup_(graph_free_p) struct graph *graph = fold("py:main:30;py:work:9 1\n"
							   "py:main:7;k:read 1\n"
							   "py:main:12 1\n",
							   NULL, NULL);
	const struct graph_function *function =
		graph_function(graph, graph_function_of(graph, find(graph, "main")));

	cr_expect_str_eq(function->name, "main(app.py)");
	cr_expect_str_eq(function->module, "app.py");
	cr_expect_str_eq(function->file, "/srv/app.py");
	cr_expect_eq(function->line, 7, "the smallest: %u", function->line);
	cr_expect_eq(function->kind, FRAME_PYTHON);
	function = graph_function(graph, graph_function_of(graph, find(graph, "main;read")));
	cr_expect_eq(function->kind, FRAME_KERNEL);
	cr_expect_eq(function->line, 0);
}

Test(client_graph, recursion_is_a_path)
{
	_cleanup_(graph_free_p) struct graph *graph =
		fold("fib;fib;fib 3\nfib;fib 2\nfib 1\n", NULL, NULL);

	cr_expect_eq(graph_count(graph), 4);
	cr_expect_eq(graph_count_functions(graph), 1);
	expect_node(graph, "fib", 1, 6);
	expect_node(graph, "fib;fib", 2, 5);
	expect_node(graph, "fib;fib;fib", 3, 3);
}

Test(client_graph, siblings_are_sorted_by_name)
{
	_cleanup_(graph_free_p) struct graph *graph =
		fold("main;c 1\nmain;a 1\nmain;d 1\nmain;b 1\n", NULL, NULL);
	char order[16] = "";

	for (uint32_t i = graph_child(graph, find(graph, "main")); i; i = graph_next(graph, i))
		strcat(order, name_of(graph, i));
	cr_expect_str_eq(order, "abcd");
}

/* Profiles number their frames independently: the graph must not mix the numbers up. */
Test(client_graph, two_sides_meet_in_their_functions)
{
	_cleanup_(graph_free_p) struct graph *graph =
		fold("main;work;inner 12\nmain;gone 5\n",
		     "other 1\nmain;new 2\nmain;work;inner 30\n", NULL);
	uint32_t node = find(graph, "main;work;inner");

	cr_expect_eq(graph_count(graph), 7);
	cr_expect_eq(graph_total(graph, node, GRAPH_BASE), 12);
	cr_expect_eq(graph_total(graph, node, GRAPH_WITH), 30);
	node = find(graph, "main");
	cr_expect_eq(graph_total(graph, node, GRAPH_BASE), 17);
	cr_expect_eq(graph_total(graph, node, GRAPH_WITH), 32);
	cr_expect_eq(graph_total(graph, find(graph, "main;new"), GRAPH_BASE), 0);
	cr_expect_eq(graph_total(graph, find(graph, "main;gone"), GRAPH_WITH), 0);
}

Test(client_graph, an_empty_one)
{
	_cleanup_(graph_free_p) struct graph *graph = fold("", NULL, NULL), *callers = NULL;

	cr_expect_eq(graph_count(graph), 1);
	cr_expect_eq(graph_total(graph, 0, GRAPH_BASE), 0);
	cr_assert_eq(graph_new_callers(graph, &callers), 0);
	cr_expect_eq(graph_count(callers), 1);
}

/* ---- focus ---- */

#define FOCUS(text)                                                      \
	{                                                                \
		text,                                                    \
		{                                                        \
			.function = text, .module = "app", .focus = true \
		}                                                        \
	}

static const struct made_frame focus[] = {FOCUS("f"), FOCUS("g"), {.word = NULL}};

#define STACKS           \
	"a;f;b;f;c 5\n"  \
	"a;f;b 2\n"      \
	"x;f 1\n"        \
	"x;y;g;f;c 10\n" \
	"x;y 100\n"

Test(client_graph, callers_of_the_innermost)
{
	_cleanup_(graph_free_p) struct graph *graph = fold(STACKS, NULL, focus), *callers = NULL;

	cr_assert_eq(graph_new_callers(graph, &callers), 0);
	cr_expect_eq(graph_total(callers, 0, GRAPH_BASE), 18);
	expect_node(callers, "f", 0, 18);
	expect_node(callers, "f;b;f;a", 5, 5);
	expect_node(callers, "f;a", 2, 2);
	expect_node(callers, "f;x", 1, 1);
	expect_node(callers, "f;g;y;x", 10, 10);
	cr_expect_eq(find(callers, "g"), 0);
	cr_expect_eq(graph_count_functions(callers), graph_count_functions(graph));
}

Test(client_graph, callees_of_the_outermost)
{
	_cleanup_(graph_free_p) struct graph *graph = fold(STACKS, NULL, focus), *callees = NULL;

	cr_assert_eq(graph_new_callees(graph, &callees), 0);
	/* The new graphs do not need the one that they were made of. */
	graph_free(take_ptr(graph));
	cr_expect_eq(graph_total(callees, 0, GRAPH_BASE), 18);
	expect_node(callees, "f", 1, 8);
	expect_node(callees, "f;b", 2, 7);
	expect_node(callees, "f;b;f;c", 5, 5);
	expect_node(callees, "g;f;c", 10, 10);
}

/* ---- random stacks against a simple search ---- */

#define N_NAMES  7
#define N_STACKS 400
#define DEPTH    9

/* A stack is a string of letters; f and g have focus. */
struct letters {
	char names[DEPTH + 1];
	uint64_t n[N_GRAPH_SIDES];
};

static unsigned roll(unsigned n)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state % n);
}

static void make_stacks(struct letters *stacks)
{
	for (size_t i = 0; i < N_STACKS; i++) {
		unsigned depth = roll(DEPTH + 1);

		stacks[i] = (struct letters){.n = {roll(20), roll(20)}};
		for (unsigned k = 0; k < depth; k++)
			stacks[i].names[k] = (char)('a' + roll(N_NAMES));
	}
}

static char *write_stacks(const struct letters *stacks, enum graph_side side)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < N_STACKS; i++) {
		for (const char *c = stacks[i].names; *c; c++)
			fprintf(out, "%s%c", c > stacks[i].names ? ";" : "", *c);
		fprintf(out, " %lu\n", (unsigned long)stacks[i].n[side]);
	}
	fclose(out);
	return text;
}

/* Turns a stack into the one that the graph of callers (or callees) should have; "" where it should
 * have none. */
static void turn(const char *names, bool callers, char *ret)
{
	size_t at = strcspn(names, "fg"), n = 0;

	for (size_t i = 0; callers && names[i]; i++)
		if (names[i] == 'f' || names[i] == 'g')
			at = i;
	ret[0] = '\0';
	if (!names[at])
		return;
	if (!callers) {
		strcpy(ret, names + at);
		return;
	}
	for (size_t i = at + 1; i-- > 0;)
		ret[n++] = names[i];
	ret[n] = '\0';
}

/* Compares every node with a search through all stacks. */
static void expect_sums(const struct graph *graph, const struct letters *stacks)
{
	for (uint32_t i = 1; i < graph_count(graph); i++) {
		char path[DEPTH + 1] = "";
		uint64_t self[N_GRAPH_SIDES] = {0}, total[N_GRAPH_SIDES] = {0};
		size_t length;

		for (uint32_t at = i; at; at = graph_parent(graph, at)) {
			memmove(path + 1, path, DEPTH - 1);
			path[0] = name_of(graph, at)[0];
		}
		length = strlen(path);
		for (size_t k = 0; k < N_STACKS; k++)
			for (int side = 0; side < N_GRAPH_SIDES; side++) {
				if (strncmp(stacks[k].names, path, length) != 0)
					continue;
				total[side] += stacks[k].n[side];
				if (!stacks[k].names[length])
					self[side] += stacks[k].n[side];
			}
		for (int side = 0; side < N_GRAPH_SIDES; side++) {
			cr_assert_eq(graph_self(graph, i, side), self[side], "%s", path);
			cr_assert_eq(graph_total(graph, i, side), total[side], "%s", path);
		}
	}
}

static void expect_whole(const struct graph *graph, const struct letters *stacks)
{
	uint64_t sums[N_GRAPH_SIDES] = {0}, selfs[N_GRAPH_SIDES] = {0};

	for (uint32_t i = 0; i < graph_count(graph); i++)
		for (int side = 0; side < N_GRAPH_SIDES; side++) {
			uint64_t self = graph_self(graph, i, side), below = self;

			for (uint32_t k = graph_child(graph, i); k; k = graph_next(graph, k))
				below += graph_total(graph, k, side);
			cr_assert_eq(graph_total(graph, i, side), below, "node %u", i);
			selfs[side] += self;
		}
	for (size_t i = 0; i < N_STACKS; i++)
		for (int side = 0; side < N_GRAPH_SIDES; side++)
			sums[side] += stacks[i].n[side];
	cr_expect_arr_eq(selfs, sums, sizeof(sums));
}

static void expect_turned(const struct graph *graph, const struct letters *stacks, bool callers)
{
	_cleanup_(graph_free_p) struct graph *turned = NULL;
	struct letters *copies = calloc(N_STACKS, sizeof(*copies));

	cr_assert_eq(
		callers ? graph_new_callers(graph, &turned) : graph_new_callees(graph, &turned), 0);
	for (size_t i = 0; i < N_STACKS; i++) {
		turn(stacks[i].names, callers, copies[i].names);
		if (copies[i].names[0])
			memcpy(copies[i].n, stacks[i].n, sizeof(copies[i].n));
	}
	cr_expect_gt(graph_count(turned), 100);
	expect_sums(turned, copies);
	expect_whole(turned, copies);
	free(copies);
}

Test(client_graph, random_stacks)
{
	for (int round = 0; round < 5; round++) {
		struct letters stacks[N_STACKS];
		_cleanup_free_ char *base = NULL, *with = NULL;
		_cleanup_(graph_free_p) struct graph *graph = NULL;

		make_stacks(stacks);
		base = write_stacks(stacks, GRAPH_BASE);
		with = write_stacks(stacks, GRAPH_WITH);
		graph = fold(base, with, focus);
		expect_sums(graph, stacks);
		expect_whole(graph, stacks);
		expect_turned(graph, stacks, true);
		expect_turned(graph, stacks, false);
	}
}

/* A stack too deep for recursion. */
Test(client_graph, depth_is_no_matter)
{
	enum { DEEP = 30000 };
	_cleanup_free_ char *text = calloc(1, 4 * DEEP + 16);
	_cleanup_(graph_free_p) struct graph *graph = NULL, *callers = NULL, *callees = NULL;

	for (int i = 0; i < DEEP; i++)
		memcpy(text + 2 * i, i == DEEP / 2 ? "f;" : "a;", 2);
	strcpy(text + 2 * DEEP - 1, " 3\n");
	graph = fold(text, NULL, focus);
	cr_expect_eq(graph_count(graph), DEEP + 1);
	cr_expect_eq(graph_total(graph, 1, GRAPH_BASE), 3);
	cr_assert_eq(graph_new_callers(graph, &callers), 0);
	cr_expect_eq(graph_count(callers), DEEP / 2 + 2);
	cr_assert_eq(graph_new_callees(graph, &callees), 0);
	cr_expect_eq(graph_count(callees), DEEP / 2 + 1);
}
