/* SPDX-License-Identifier: MIT */
/*
 * Makes one stack out of two: the C frames of a thread and the Python frames that some of them run.
 * Each C frame of the interpreter's loop (SPLICE_EVAL) gives way to the Python frames from there up
 * to the one that it began with, and so do the C functions right beside it that only carry out
 * calls (SPLICE_CALL). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"

enum splice_code {
	SPLICE_OTHER = 0,
	SPLICE_EVAL,
	SPLICE_CALL,
};

/* Stacks are leaf first. */
struct splice_input {
	const uint8_t *codes; /* enum splice_code of each C frame */
	size_t n_codes;
	const uint64_t *words; /* bpf/python.h */
	size_t n_words;
	bool is_rooted;                /* the C frames go down to the root */
	enum ox_python_end python_end; /* of the Python frames */
};

struct splice_item {
	uint32_t index; /* in words, or of the C frame */
	bool is_python;
};

/*
 * Splices the two stacks into ret, which has room for n_codes + n_words items, leaf first.
 *
 * With both stacks whole they are laid side by side from the root on: a function that is just being
 * entered or left may be in one of them only. Else they are laid from the leaf on; Python frames
 * that are left over belong to C frames that are missing, and come last. C frames that are whole
 * without any SPLICE_EVAL have all Python frames before the leaf. Returns how many items there are.
 */
size_t splice_stacks(const struct splice_input *input, struct splice_item *ret);

/* True if all Python frames were found. False where the walk says that there were more, or the C
 * frames do. */
bool splice_is_whole(const struct splice_input *input);
