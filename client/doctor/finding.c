/* SPDX-License-Identifier: MIT */
#include "client/doctor/finding.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/base/text.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

void findings_done(struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->rows[i].text);
		free(findings->rows[i].advice);
	}
	free(findings->rows);
	*findings = (struct findings){0};
}

/* Returns the text fit for a terminal, since it can have names that other users gave to processes
 * and files. The caller frees it; NULL: no memory. */
static char *format_line(const char *format, va_list list) __attribute__((format(printf, 1, 0)));

static char *format_line(const char *format, va_list list)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	return text ? text_clean_copy(text) : NULL;
}

void findings_add(struct findings *findings, const char *id, enum verdict verdict,
		  const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list list;

	assert(id && *id && verdict < N_VERDICTS);
	va_start(list, format);
	text = format_line(format, list);
	va_end(list);
	if (!text || array_reserve(findings->rows, findings->size, findings->n + 1) < 0) {
		findings->out_of_memory = true;
		return;
	}
	findings->rows[findings->n++] =
		(struct finding){.id = id, .verdict = verdict, .text = take_ptr(text)};
}

void findings_advise(struct findings *findings, const char *format, ...)
{
	struct finding *last;
	va_list list;

	if (findings->out_of_memory)
		return;
	assert(findings->n > 0);
	last = &findings->rows[findings->n - 1];
	assert(!last->advice && last->verdict != VERDICT_OK);
	va_start(list, format);
	last->advice = format_line(format, list);
	va_end(list);
	if (!last->advice)
		findings->out_of_memory = true;
}

bool findings_are_good(const struct findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		if (findings->rows[i].verdict == VERDICT_FAILED)
			return false;
	return true;
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[N_VERDICTS] = {
		[VERDICT_OK] = "ok",
		[VERDICT_WARNING] = "warning",
		[VERDICT_FAILED] = "failed",
		[VERDICT_UNKNOWN] = "unknown",
	};

	assert(verdict < N_VERDICTS);
	return names[verdict];
}
