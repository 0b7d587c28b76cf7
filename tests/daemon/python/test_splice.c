/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/python/splice.h"

#define FRAMES_MAX 16

/*
 * C frames as letters: e the loop, c what carries out calls, o all else. Python frames as words: a
 * letter each, "?" one without a name, "-" no frame, "|" behind the one that C code began with. The
 * result has the letters of Python frames, and C frames as the digits of their places.
 */
struct splice_case {
	uint8_t codes[FRAMES_MAX];
	uint64_t words[FRAMES_MAX];
	struct splice_input input;
};

static enum splice_code code_of(char letter)
{
	cr_assert(strchr("oec", letter));
	return letter == 'e' ? SPLICE_EVAL : letter == 'c' ? SPLICE_CALL : SPLICE_OTHER;
}

static uint64_t word_of(char letter)
{
	return letter == '-'   ? (uint64_t)OX_PYTHON_NO_FRAME << 1
	       : letter == '?' ? (uint64_t)OX_PYTHON_NO_NAME << 1
			       : (uint64_t)letter << 32 | (uint64_t)OX_PYTHON_NO_FRAME << 1;
}

static void make_stacks(struct splice_case *ret, const char *codes, const char *words,
			bool is_rooted, enum ox_python_end end)
{
	*ret = (struct splice_case){.input = {.codes = ret->codes,
					      .words = ret->words,
					      .is_rooted = is_rooted,
					      .python_end = end}};
	for (; *codes; codes++)
		ret->codes[ret->input.n_codes++] = code_of(*codes);
	for (; *words; words++)
		if (*words == '|')
			ret->words[ret->input.n_words - 1] |= OX_PYTHON_ENTRY;
		else
			ret->words[ret->input.n_words++] = word_of(*words);
	cr_assert(ret->input.n_codes <= FRAMES_MAX && ret->input.n_words <= FRAMES_MAX);
}

static char letter_of(const struct splice_case *stacks, const struct splice_item *item)
{
	uint32_t id;

	if (!item->is_python)
		return '0' + item->index;
	id = OX_PYTHON_ID(stacks->words[item->index]);
	return id ? id : '?';
}

static void check(const char *codes, const char *words, bool is_rooted, enum ox_python_end end,
		  const char *expected, bool is_whole)
{
	struct splice_item items[2 * FRAMES_MAX];
	char spliced[2 * FRAMES_MAX + 1] = "";
	struct splice_case stacks;
	size_t n;

	make_stacks(&stacks, codes, words, is_rooted, end);
	n = splice_stacks(&stacks.input, items);
	cr_assert_leq(n, stacks.input.n_codes + stacks.input.n_words);
	for (size_t i = 0; i < n; i++)
		spliced[i] = letter_of(&stacks, &items[i]);
	cr_expect_str_eq(spliced, expected, "%s with %s: %s, not %s", codes, words, spliced,
			 expected);
	cr_expect_eq(splice_is_whole(&stacks.input), is_whole, "%s with %s", codes, words);
}

static void check_whole(const char *codes, const char *words, const char *expected)
{
	check(codes, words, true, OX_PYTHON_WHOLE, expected, true);
}

Test(splice, the_loop_gives_way_to_what_it_runs)
{
	check_whole("oeo", "a|", "0a2");
	check_whole("oeo", "abc|", "0abc2");
	/* The outermost need not say that C code began it. */
	check_whole("oeo", "ab", "0ab2");
	check_whole("oeoeo", "ab|c|", "0ab2c4");
	check_whole("eeo", "ab|c|", "abc2");
	/* From Python to Python through C: list.sort() with a key. */
	check_whole("oecooceo", "k|ms|", "0k34ms7");
}

Test(splice, what_carries_out_calls_goes_with_the_loop_beside_it)
{
	check_whole("oceccecco", "a|b|", "0ab8");
	check_whole("coeco", "a|", "01a4");
	/* Here no loop is beside the calls. */
	check_whole("ocoeo", "a|", "012a4");
	check_whole("oco", "", "012");
	/* One of two loops shows: the other one gave way. */
	check_whole("oececo", "a|", "01a5");
}

Test(splice, a_loop_that_runs_nothing_yet_shows_with_its_calls)
{
	check_whole("ecoeco", "a|", "012a5");
	check_whole("ecoeco", "-|a|", "012a5");
	check_whole("oeo", "", "012");
	check_whole("oeco", "-|", "0123");
	check_whole("oeo", "-", "012");
	/* Two loops are one too many. */
	check("eoeo", "", true, OX_PYTHON_WHOLE, "0123", false);
	check("eeoeo", "a|", true, OX_PYTHON_WHOLE, "012a4", false);
}

Test(splice, a_run_whose_loop_is_not_there_goes_to_the_first_one)
{
	check_whole("oeoeo", "x|a|b|", "0xa2b4");
	check_whole("oeoeo", "x|y|a|b|", "0xya2b4");
	check_whole("oeoeo", "-|a|b|", "0a2b4");
	check_whole("oo", "a|b|", "ab01");
	check_whole("co", "a|", "a01");
}

Test(splice, a_frame_without_a_name_is_one)
{
	check_whole("oeo", "?|", "0?2");
	check_whole("oeoeo", "?-|-b|", "0?2b4");
}

Test(splice, c_frames_without_a_root_are_laid_from_the_leaf)
{
	check("oeoe", "a|b|c|", false, OX_PYTHON_WHOLE, "0a2bc", true);
	check("oe", "a|bc|d|", false, OX_PYTHON_WHOLE, "0abcd", true);
	check("oeoeo", "a|", false, OX_PYTHON_WHOLE, "0a234", true);
	check("oco", "a|", false, OX_PYTHON_WHOLE, "012a", true);
	check("", "a|b|", false, OX_PYTHON_WHOLE, "ab", true);
	check("", "", false, OX_PYTHON_WHOLE, "", true);
}

Test(splice, python_frames_without_a_root_are_laid_from_the_leaf)
{
	check("oeoeoeo", "a|b", true, OX_PYTHON_CUT, "0a2b456", false);
	check("oeoeceo", "a|b|", true, OX_PYTHON_BROKEN, "0a2b56", false);
	check("oeoeco", "a|", true, OX_PYTHON_BROKEN, "0a2345", false);
	check("oeo", "", true, OX_PYTHON_BROKEN, "012", false);
	/* A thread that runs no Python code. */
	check("oo", "", true, OX_PYTHON_BROKEN, "01", true);
	check("oco", "", true, OX_PYTHON_BROKEN, "012", true);
	check("oo", "a|", true, OX_PYTHON_BROKEN, "a01", false);
	check("oo", "a|", false, OX_PYTHON_BROKEN, "01a", false);
}

/* ---- against the contract, in plain words ---- */

struct splice_run {
	size_t from, to;
};

/* Which run, or runs, each eval has: from run first[i] on up to first[i + 1]. */
struct plan {
	size_t n_evals, n_runs;
	struct splice_run runs[FRAMES_MAX];
	size_t first[FRAMES_MAX], behind[FRAMES_MAX]; /* of the i-th eval */
	size_t leaf, rest; /* runs before all C frames; the first behind them */
};

static void plan_runs(const struct splice_input *input, struct plan *plan)
{
	size_t from = 0;

	for (size_t i = 0; i < input->n_words; i++) {
		if (!(input->words[i] & OX_PYTHON_ENTRY) && i + 1 < input->n_words)
			continue;
		plan->runs[plan->n_runs++] = (struct splice_run){from, i + 1};
		from = i + 1;
	}
	for (size_t i = 0; i < input->n_codes; i++)
		plan->n_evals += input->codes[i] == SPLICE_EVAL;
}

static void plan_from_root(struct plan *plan)
{
	size_t evals = plan->n_evals, runs = plan->n_runs;

	plan->rest = runs;
	for (; evals && runs; evals--, runs--) {
		plan->first[evals - 1] = evals == 1 ? 0 : runs - 1;
		plan->behind[evals - 1] = runs;
	}
}

static void plan_from_leaf(struct plan *plan)
{
	for (; plan->rest < plan->n_evals && plan->rest < plan->n_runs; plan->rest++) {
		plan->first[plan->rest] = plan->rest;
		plan->behind[plan->rest] = plan->rest + 1;
	}
}

static struct plan make_plan(const struct splice_input *input)
{
	struct plan plan = {0};

	plan_runs(input, &plan);
	if (input->is_rooted && !plan.n_evals)
		plan.leaf = plan.rest = plan.n_runs;
	else if (input->is_rooted && input->python_end == OX_PYTHON_WHOLE)
		plan_from_root(&plan);
	else
		plan_from_leaf(&plan);
	return plan;
}

static size_t put_runs(const struct splice_input *input, const struct plan *plan, size_t first,
		       size_t behind, struct splice_item *ret)
{
	size_t n = 0;

	for (size_t r = first; r < behind; r++)
		for (size_t i = plan->runs[r].from; i < plan->runs[r].to; i++)
			if (input->words[i] >> 1)
				ret[n++] = (struct splice_item){i, true};
	return n;
}

static size_t group_end(const struct splice_input *input, size_t from)
{
	while (from < input->n_codes && input->codes[from] != SPLICE_OTHER)
		from++;
	return from;
}

/* Puts one group of C frames of the interpreter; *eval counts those of the loop. */
static size_t put_group(const struct splice_input *input, const struct plan *plan, size_t from,
			size_t to, size_t *eval, struct splice_item *ret)
{
	struct splice_item unused[2 * FRAMES_MAX];
	bool gives_way = false;
	size_t n = 0, of_eval, at = *eval;

	for (size_t i = from; i < to; i++)
		if (input->codes[i] == SPLICE_EVAL)
			gives_way |=
				put_runs(input, plan, plan->first[at], plan->behind[at], unused),
				at++;
	for (size_t i = from; i < to; i++) {
		of_eval = 0;
		if (input->codes[i] == SPLICE_EVAL) {
			of_eval = put_runs(input, plan, plan->first[*eval], plan->behind[*eval],
					   &ret[n]);
			++*eval;
		} else if (gives_way) {
			continue;
		}
		n += of_eval;
		if (!of_eval)
			ret[n++] = (struct splice_item){i, false};
	}
	return n;
}

static size_t splice_plainly(const struct splice_input *input, struct splice_item *ret)
{
	struct plan plan = make_plan(input);
	size_t n = put_runs(input, &plan, 0, plan.leaf, ret), eval = 0, to;

	for (size_t i = 0; i < input->n_codes; i = to) {
		to = group_end(input, i);
		if (to > i)
			n += put_group(input, &plan, i, to, &eval, &ret[n]);
		else
			ret[n++] = (struct splice_item){to++, false};
	}
	return n + put_runs(input, &plan, plan.rest, plan.n_runs, &ret[n]);
}

static bool is_whole_plainly(const struct splice_input *input)
{
	struct plan plan = make_plan(input);

	if (input->python_end != OX_PYTHON_WHOLE)
		return !plan.n_evals && !plan.n_runs;
	return plan.n_evals <= plan.n_runs + 1;
}

/* Checks that each Python frame is there once, and each other C frame, both in order. */
static void check_order(const struct splice_input *input, const struct splice_item *items, size_t n)
{
	size_t word = 0, code = 0;

	for (size_t i = 0; i < n; i++) {
		size_t *next = items[i].is_python ? &word : &code;

		for (; *next < items[i].index; ++*next)
			cr_assert(items[i].is_python ? !(input->words[*next] >> 1)
						     : input->codes[*next] != SPLICE_OTHER);
		cr_assert_eq(items[i].index, *next, "it was there already");
		++*next;
	}
	for (; word < input->n_words; word++)
		cr_assert(!(input->words[word] >> 1));
	for (; code < input->n_codes; code++)
		cr_assert_neq(input->codes[code], SPLICE_OTHER);
}

static void compare(const struct splice_input *input)
{
	size_t room = input->n_codes + input->n_words, n, n_plain;
	/* The items have exactly that room, so that the sanitizer sees a write behind it. */
	_cleanup_free_ struct splice_item *items = malloc(room * sizeof(*items) + !room);
	struct splice_item plain[2 * FRAMES_MAX];

	n = splice_stacks(input, items);
	n_plain = splice_plainly(input, plain);
	cr_assert_leq(n, room);
	check_order(input, items, n);
	cr_assert_eq(n, n_plain);
	for (size_t i = 0; i < n; i++)
		cr_assert(items[i].index == plain[i].index &&
			  items[i].is_python == plain[i].is_python);
	cr_assert_eq(splice_is_whole(input), is_whole_plainly(input));
}

static const enum ox_python_end ends[] = {OX_PYTHON_WHOLE, OX_PYTHON_CUT, OX_PYTHON_BROKEN};

static void compare_all_stops(struct splice_case *stacks)
{
	for (size_t i = 0; i < 2 * array_length(ends); i++) {
		stacks->input.is_rooted = i % 2;
		stacks->input.python_end = ends[i / 2];
		compare(&stacks->input);
	}
}

/* Makes the i-th of all stacks of n frames. */
static void make_codes(struct splice_case *stacks, size_t n, unsigned i)
{
	stacks->input.codes = stacks->codes;
	stacks->input.n_codes = n;
	for (size_t at = 0; at < n; at++, i /= 3)
		stacks->codes[at] = i % 3;
}

static void make_words(struct splice_case *stacks, size_t n, unsigned i)
{
	stacks->input.words = stacks->words;
	stacks->input.n_words = n;
	for (size_t at = 0; at < n; at++, i /= 4)
		stacks->words[at] = (i & 2 ? (uint64_t)(at + 1) << 32 : 0) | (i & 1);
}

static unsigned power(unsigned base, unsigned n)
{
	return n ? base * power(base, n - 1) : 1;
}

Test(splice, of_all_small_stacks)
{
	struct splice_case stacks;

	for (size_t n_codes = 0; n_codes <= 5; n_codes++)
		for (size_t n_words = 0; n_words <= 3; n_words++)
			for (unsigned i = 0; i < power(3, n_codes) * power(4, n_words); i++) {
				make_codes(&stacks, n_codes, i % power(3, n_codes));
				make_words(&stacks, n_words, i / power(3, n_codes));
				compare_all_stops(&stacks);
			}
}

Test(splice, of_larger_ones_at_random)
{
	struct splice_case stacks;

	srandom(1);
	for (int i = 0; i < 100000; i++) {
		make_codes(&stacks, random() % (FRAMES_MAX + 1), 0);
		make_words(&stacks, random() % (FRAMES_MAX + 1), 0);
		for (size_t at = 0; at < FRAMES_MAX; at++) {
			stacks.codes[at] = random() % 3;
			stacks.words[at] =
				(random() % 4 ? (uint64_t)(at + 1) << 32 : 0) | (random() % 2);
		}
		compare_all_stops(&stacks);
	}
}
