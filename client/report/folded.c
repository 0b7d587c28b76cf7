/* SPDX-License-Identifier: MIT */
/*
 * "main(app);work(app);inner(app) 12": the stacks as flamegraph.pl and its kin read them, root
 * first. A line is written as it comes, so that no memory is needed for what is equal: stacks that
 * differ in lines or addresses only are lines of their own, which such tools add up. A ';' in a
 * name becomes ':'.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/report/internal.h"
#include "daemon/base/cleanup.h"

define_cleanup(struct profile *, profile_free);

struct folding {
	struct report *report;
	struct stack stack;
};

/* Writes a name, unlocked: there is one thread, and a million stacks have tens of millions of
 * names. */
static void write_name(const char *name, FILE *out)
{
	for (;;) {
		size_t length = strcspn(name, ";");

		fwrite_unlocked(name, 1, length, out);
		if (!name[length])
			return;
		putc_unlocked(':', out);
		name += length + 1;
	}
}

static int on_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct folding *folding = userdata;
	struct stack *stack = &folding->stack;
	FILE *out = folding->report->out;
	int r = stack_list(stack, profile, hit->node);

	if (r < 0)
		return r;
	if (!stack->n)
		fputs(STACK_NONE, out);
	for (size_t i = stack->n; i > 0; i--) {
		const struct profile_frame *frame = profile_frame(profile, stack->frames[i - 1]);

		write_name(profile_name(profile, frame->name), out);
		if (i > 1)
			putc_unlocked(';', out);
	}
	fprintf(out, " %" PRIu64 "\n", hit->n);
	return report_check(folding->report);
}

int folded_report(struct report *report)
{
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	struct folding folding = {.report = report};
	int r = report_read(report, report->request, &(struct bus_export_options){.stacks = true},
			    on_hit, &folding, &profile);

	stack_done(&folding.stack);
	return r;
}
