/* SPDX-License-Identifier: MIT */
#include "daemon/python/splice.h"

#include <assert.h>

struct splicer {
	const struct splice_input *input;
	struct splice_item *items;
	size_t n_items;
	size_t word;  /* the next one */
	size_t spare; /* C frames of the loop, from the leaf on, that run no frame yet */
	size_t ahead; /* runs that have no C frame: they belong to the first that has one */
};

static size_t count_evals(const struct splice_input *input)
{
	size_t n = 0;

	for (size_t i = 0; i < input->n_codes; i++)
		n += input->codes[i] == SPLICE_EVAL;
	return n;
}

/* Counts the runs: a run is the Python frames that one C frame of the loop runs. */
static size_t count_runs(const struct splice_input *input)
{
	size_t n = 0;

	for (size_t i = 0; i < input->n_words; i++)
		n += (input->words[i] & OX_PYTHON_ENTRY) || i + 1 == input->n_words;
	return n;
}

bool splice_is_whole(const struct splice_input *input)
{
	size_t n_evals = count_evals(input);

	/* A C frame that is being entered, or left, runs no Python frame. */
	return input->python_end == OX_PYTHON_WHOLE ? n_evals <= count_runs(input) + 1
						    : !n_evals && !input->n_words;
}

static void add(struct splicer *splicer, size_t index, bool is_python)
{
	assert(splicer->n_items < splicer->input->n_codes + splicer->input->n_words);
	splicer->items[splicer->n_items++] = (struct splice_item){index, is_python};
}

static bool is_frame(uint64_t word)
{
	return OX_PYTHON_ID(word) || OX_PYTHON_POSITION(word) != OX_PYTHON_NO_FRAME;
}

/* Adds the next run. Returns false where it has no frame. */
static bool add_run(struct splicer *splicer)
{
	const struct splice_input *input = splicer->input;
	size_t before = splicer->n_items;

	while (splicer->word < input->n_words) {
		uint64_t word = input->words[splicer->word];

		if (is_frame(word))
			add(splicer, splicer->word, true);
		splicer->word++;
		if (word & OX_PYTHON_ENTRY)
			break;
	}
	return splicer->n_items > before;
}

/* Adds the runs of a C frame of the loop, or that frame itself where it runs nothing that was
 * found: then returns false. */
static bool add_eval(struct splicer *splicer, size_t index)
{
	bool any = false;

	if (splicer->spare) {
		splicer->spare--;
	} else {
		for (; splicer->ahead; splicer->ahead--)
			any |= add_run(splicer);
		any |= add_run(splicer);
	}
	if (!any)
		add(splicer, index, false);
	return any;
}

/* Adds frames of the interpreter that lie side by side, [from, to). Those that carry out calls are
 * left out where one of the others gives way. */
static void add_side_by_side(struct splicer *splicer, size_t from, size_t to)
{
	size_t before = splicer->n_items;
	bool any = false;

	for (size_t i = from; i < to; i++)
		if (splicer->input->codes[i] == SPLICE_EVAL)
			any |= add_eval(splicer, i);
	if (any)
		return;
	splicer->n_items = before;
	for (size_t i = from; i < to; i++)
		add(splicer, i, false);
}

static void align(struct splicer *splicer)
{
	const struct splice_input *input = splicer->input;
	size_t n_evals = count_evals(input), n_runs = count_runs(input);

	if (!input->is_rooted || input->python_end != OX_PYTHON_WHOLE)
		return;
	if (n_evals > n_runs)
		splicer->spare = n_evals - n_runs;
	else
		splicer->ahead = n_runs - n_evals;
}

size_t splice_stacks(const struct splice_input *input, struct splice_item *ret)
{
	struct splicer splicer = {.input = input, .items = ret};
	const uint8_t *codes = input->codes;

	align(&splicer);
	if (!count_evals(input))
		while (input->is_rooted && splicer.word < input->n_words)
			add_run(&splicer);
	for (size_t i = 0; i < input->n_codes;) {
		size_t to = i;

		while (to < input->n_codes && codes[to] != SPLICE_OTHER)
			to++;
		if (to > i)
			add_side_by_side(&splicer, i, to);
		else
			add(&splicer, to++, false);
		i = to;
	}
	while (splicer.word < input->n_words)
		add_run(&splicer);
	return splicer.n_items;
}
