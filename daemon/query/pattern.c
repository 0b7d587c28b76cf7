/* SPDX-License-Identifier: MIT */
#include "daemon/query/pattern.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"

/*
 * PCRE2's own limits hold for each position at which a search begins, and count neither the bytes
 * that a repeated character runs over nor those that a back reference compares. So the pattern is
 * compiled with a callout before each of its items, and all callouts draw on one budget: one unit
 * for the callout, one for each byte that was passed since the last one, and in a pattern with back
 * references one for every 64 bytes of the text.
 */
#define WORK_MAX      UINT64_C(100000000) /* less than a second */
#define MATCH_MAX     1000000
#define DEPTH_MAX     100000
#define HEAP_KIB_MAX  8192
#define PARENS_MAX    100
#define BACKREF_BYTES 64

struct pattern {
	pcre2_code *code;
	pcre2_match_context *context;
	pcre2_match_data *match;
	uint64_t work; /* the rest of the budget, for all searches together */
	uint64_t callout_work;
	uint32_t n_backrefs;
	size_t position; /* where the last callout was */
};

define_cleanup(struct pattern *, pattern_free);
define_cleanup(pcre2_compile_context *, pcre2_compile_context_free);

static int on_callout(pcre2_callout_block *callout, void *userdata)
{
	struct pattern *pattern = userdata;
	size_t at = callout->current_position, before = pattern->position;
	uint64_t work = pattern->callout_work + (at > before ? at - before : before - at);

	pattern->position = at;
	if (work > pattern->work) {
		pattern->work = 0;
		return PCRE2_ERROR_CALLOUT;
	}
	pattern->work -= work;
	return 0;
}

static int compile(const char *text, size_t length, pcre2_code **ret, char *ret_why, size_t size)
{
	const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF |
				 PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
	_cleanup_(pcre2_compile_context_free_p) pcre2_compile_context *context =
		pcre2_compile_context_create(NULL);
	char message[128];
	size_t offset;
	int error;

	if (!context)
		return -ENOMEM;
	pcre2_set_parens_nest_limit(context, PARENS_MAX);
	*ret = pcre2_compile((PCRE2_SPTR)text, length, options, &error, &offset, context);
	if (*ret)
		return 0;
	if (error == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	if (pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof(message)) < 0)
		snprintf(message, sizeof(message), "error %d", error);
	snprintf(ret_why, size, "not a regular expression: %s, at position %zu", message, offset);
	return -EINVAL;
}

static int make_context(struct pattern *pattern)
{
	pattern->context = pcre2_match_context_create(NULL);
	pattern->match = pcre2_match_data_create(1, NULL);
	if (!pattern->context || !pattern->match)
		return -ENOMEM;
	pcre2_set_match_limit(pattern->context, MATCH_MAX);
	pcre2_set_depth_limit(pattern->context, DEPTH_MAX);
	pcre2_set_heap_limit(pattern->context, HEAP_KIB_MAX);
	pcre2_set_callout(pattern->context, on_callout, pattern);
	return 0;
}

int pattern_new(const char *text, struct pattern **ret, char *ret_why, size_t size)
{
	_cleanup_(pattern_free_p) struct pattern *pattern = NULL;
	size_t length = strlen(text);
	int r;

	assert(ret_why || !size);
	if (length > OX_PATTERN_BYTES_MAX) {
		snprintf(ret_why, size, "the regular expression is longer than %d bytes",
			 OX_PATTERN_BYTES_MAX);
		return -E2BIG;
	}
	pattern = calloc(1, sizeof(*pattern));
	if (!pattern)
		return -ENOMEM;
	pattern->work = WORK_MAX;
	r = compile(text, length, &pattern->code, ret_why, size);
	if (r < 0)
		return r;
	r = make_context(pattern);
	if (r < 0)
		return r;
	pcre2_pattern_info(pattern->code, PCRE2_INFO_BACKREFMAX, &pattern->n_backrefs);
	*ret = take_ptr(pattern);
	return 0;
}

struct pattern *pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return NULL;
	pcre2_match_data_free(pattern->match);
	pcre2_match_context_free(pattern->context);
	pcre2_code_free(pattern->code);
	free(pattern);
	return NULL;
}

int pattern_search(struct pattern *pattern, const char *text)
{
	size_t length = strlen(text);
	int r;

	pattern->position = 0;
	pattern->callout_work = 1 + (pattern->n_backrefs ? length / BACKREF_BYTES : 0);
	r = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, 0, 0, pattern->match,
			pattern->context);
	if (r >= 0)
		return 1;
	return r == PCRE2_ERROR_NOMATCH ? 0 : r == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -ELOOP;
}
