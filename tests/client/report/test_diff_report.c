/* SPDX-License-Identifier: MIT */
/* The verb diff, from the command line to what is asked and what is printed. */
#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/base/cleanup.h"
#include "tests/support/directory.h"
#include "tests/support/export_service.h"

static char directory[4096];

static void enter(void)
{
	setenv("TZ", "UTC", 1);
	directory_make(directory, sizeof(directory));
	cr_assert_eq(chdir(directory), 0);
}

static void leave(void)
{
	directory_remove(directory);
}

TestSuite(client_diff_report, .init = enter, .fini = leave);

static const struct made_export both[] = {
	{.stacks = "main;old 40\nmain 2\n"},
	{.stacks = "main;new 60\nmain 2\n"},
};

static char *report(const char *line, char **ret_asked)
{
	return export_service_text(both, 2, line, ret_asked);
}

/* An hour has slots of a minute or so, ten minutes those of the history. What is a filter of
 * functions here is a focus to Export, whose filter is one of stacks. */
Test(client_diff_report, asks_twice)
{
	_cleanup_free_ char *asked = NULL;
	_cleanup_free_ char *text =
		report("diff --base=@3600..@7200 --with=@7200..@7800 --filter=^m --pid=7 "
		       "--python-only --max=1",
		       &asked);

	cr_expect_str_eq(asked, "since 3600000000 until 7200000000 kind python targets pid:7 "
				"focus ^m step 70000000 dimensions stack time\n"
				"since 7200000000 until 7800000000 kind python targets pid:7 "
				"focus ^m step 20000000 dimensions stack time\n");
	cr_expect_not_null(strstr(text, "VERDICT"));
}

Test(client_diff_report, rows_can_be_few_or_all)
{
	_cleanup_free_ char *asked = NULL, *asked_all = NULL;
	_cleanup_free_ char *one =
		report("diff --base=@3600..@7200 --with=@7200..@7800 --max=1", &asked);
	_cleanup_free_ char *all =
		report("diff --base=@3600..@7200 --with=@7200..@7800 --max=0", &asked_all);

	cr_expect(strstr(one, "new(app)") && !strstr(one, "main(app)"), "%s", one);
	cr_expect(strstr(all, "new(app)") && strstr(all, "main(app)") && strstr(all, "old(app)"));
}

Test(client_diff_report, a_flame_graph_of_both)
{
	_cleanup_free_ char *asked = NULL;
	_cleanup_free_ char *text = report("diff --base=@3600..@7200 --with=@7200.. --filter=^m "
					   "-o diff.html",
					   &asked);
	_cleanup_free_ char *html = calloc(1, 1 << 20);
	_cleanup_fclose_ FILE *file = fopen("diff.html", "re");

	cr_expect_str_eq(asked, "since 3600000000 until 7200000000 filter ^m dimensions stack\n"
				"since 7200000000 filter ^m dimensions stack\n");
	cr_expect_str_eq(text, "");
	cr_assert(file && html);
	cr_assert_gt(fread(html, 1, (1 << 20) - 1, file), 0);
	cr_expect(strstr(html, "old(app)") && strstr(html, "new(app)"), "%s", html);
	cr_expect(strstr(html, "\"filters\":\"filter: ^m\""));
	cr_expect(strstr(html, "\"note\":\"base lost: 3 late; with lost: 3 late\""));
}

Test(client_diff_report, a_side_without_samples_is_a_failure)
{
	static const struct made_export exports[] = {{.stacks = "main 4\n"}, {.stacks = ""}};
	struct export_service service = {.exports = exports, .n_exports = 2};
	_cleanup_free_ char *why = NULL, *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_expect_eq(export_service_report(&service, "diff --base=@3600..@7200 --with=@7200..@7800",
					   out, &why),
		     -ENODATA);
	fclose(out);
	cr_expect_str_eq(text, "");
	cr_expect_str_eq(why, "diff: --with: there are no samples from 1970-01-01 02:00:00 to "
			      "1970-01-01 02:10:00; see oxprofctl history");
	free(service.asked);
}
