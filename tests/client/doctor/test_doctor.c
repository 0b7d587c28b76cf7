/* SPDX-License-Identifier: MIT */
/* The whole of doctor: the order of its findings, the verdict, and the output. */
#include <json-c/json.h>

#include "client/doctor/doctor.h"
#include "client/doctor/render.h"
#include "daemon/python/layout.h"
#include "tests/support/machine_world.h"

TestSuite(client_doctor, .init = world_make, .fini = world_drop);

/* Scripts and the manual page rely on these words. */
static const char *const ids[] = {
	"kernel",      "btf",         "lockdown",  "bpf",          "paranoid", "opener",
	"stack-depth", "sample-rate", "container", "capabilities", "daemon",   "bus",
	"policy",      "polkit",      "user",      "cgroup",       "settings", "state",
	"disk",        "symbols",     "python",    "profilers",
};

Test(client_doctor, every_thing_is_looked_at_once)
{
	world_check(doctor_examine);
	cr_assert_eq(world_findings.n, array_length(ids));
	for (size_t i = 0; i < array_length(ids); i++)
		cr_expect_str_eq(world_findings.rows[i].id, ids[i]);
	cr_expect(findings_are_good(&world_findings));
}

/* An empty machine breaks nothing, and each finding that is not good has advice. */
Test(client_doctor, an_empty_machine)
{
	static const char *const directories[] = {"/etc", "/proc", "/run", "/sys", "/usr", "/var"};

	for (size_t i = 0; i < array_length(directories); i++)
		world_remove(directories[i]);
	world_bus = (struct bus_facts){.error = -2};
	json_object_put(take_ptr(world.status));
	world_check(doctor_examine);
	cr_expect_eq(world_findings.n, array_length(ids));
	cr_expect_not(findings_are_good(&world_findings));
	for (size_t i = 0; i < world_findings.n; i++)
		cr_expect(world_findings.rows[i].verdict == VERDICT_OK ||
				  world_findings.rows[i].advice,
			  "%s", world_findings.rows[i].id);
}

Test(client_doctor, a_manual_page_explains_every_finding)
{
	FILE *f = fopen("../units/man/oxprofctl.1", "r");
	_cleanup_free_ char *page = calloc(1, 1 << 17);

	cr_assert(f && page && fread(page, 1, (1 << 17) - 1, f) < (1 << 17) - 1);
	fclose(f);
	for (size_t i = 0; i < array_length(ids); i++) {
		char item[64];

		snprintf(item, sizeof(item), "\n.It Sy %s\n", ids[i]);
		cr_expect(strstr(page, item), "%s", ids[i]);
	}
	cr_expect(strstr(page, "\n.It Sy interpreters\n"));
}

/* doctor knows the same versions as the daemon. */
Test(client_doctor, known_versions_are_those_of_the_daemon)
{
	for (uint32_t minor = 0; minor < 30; minor++) {
		uint32_t version = 3u << 24 | minor << 16, index;
		bool known = python_layout_find(version, NULL, false, &index) >= 0;

		cr_expect_eq(known, minor >= OX_PYTHON_MINOR_FIRST && minor <= OX_PYTHON_MINOR_LAST,
			     "3.%u", minor);
	}
}

/* ---- how it is shown ---- */

static void add_all(struct findings *findings)
{
	findings_add(findings, "a", VERDICT_OK, "all is well");
	findings_add(findings, "word", VERDICT_WARNING, "\033[2Jhalf \"%s\"", "of it");
	findings_advise(findings, "do %d things", 2);
	findings_add(findings, "c", VERDICT_FAILED, "broken");
	findings_advise(findings, "mend it");
	findings_add(findings, "d", VERDICT_UNKNOWN, "who knows");
	findings_advise(findings, "ask");
}

static char *print(const struct findings *findings, const struct screen *screen)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	setenv("LC_ALL", "C", 1);
	if (screen)
		findings_print(findings, screen, out);
	else
		cr_expect_eq(findings_print_json(findings, "6.1.0", out), 0);
	fclose(out);
	return text;
}

Test(client_doctor, a_line_each)
{
	_cleanup_free_ char *text = NULL;

	add_all(&world_findings);
	text = print(&world_findings, &(struct screen){0});
	cr_expect_str_eq(text, "+ a     all is well\n"
			       "! word  \xef\xbf\xbd[2Jhalf \"of it\"\n"
			       "        > do 2 things\n"
			       "x c     broken\n"
			       "        > mend it\n"
			       "? d     who knows\n"
			       "        > ask\n");
}

Test(client_doctor, a_good_end)
{
	_cleanup_free_ char *text = NULL;

	findings_add(&world_findings, "a", VERDICT_UNKNOWN, "x");
	text = print(&world_findings, &(struct screen){0});
	cr_expect_str_eq(text, "? a  x\n\noxprof can profile on this machine.\n");
}

/* On a terminal a long text stays in its column. */
Test(client_doctor, a_narrow_terminal)
{
	_cleanup_free_ char *text = NULL;

	findings_add(&world_findings, "id", VERDICT_FAILED, "one two three four");
	findings_advise(&world_findings, "five sixseveneight nine");
	text = print(&world_findings, &(struct screen){.columns = 15, .colour = true});
	cr_expect_str_eq(text, STYLE_BAD "x" STYLE_OFF " id  one two\n"
					 "      three\n"
					 "      four\n"
					 "      > five\n"
					 "        sixseveneight\n"
					 "        nine\n");
}

Test(client_doctor, as_json)
{
	_cleanup_free_ char *text = NULL;

	add_all(&world_findings);
	text = print(&world_findings, NULL);
	cr_expect_str_eq(
		text,
		"{\"can_profile\":false,\"kernel\":\"6.1.0\",\"findings\":["
		"{\"id\":\"a\",\"verdict\":\"ok\",\"text\":\"all is well\",\"advice\":null},"
		"{\"id\":\"word\",\"verdict\":\"warning\",\"text\":\"\xef\xbf\xbd[2Jhalf \\\"of "
		"it\\\"\",\"advice\":\"do 2 things\"},"
		"{\"id\":\"c\",\"verdict\":\"failed\",\"text\":\"broken\",\"advice\":\"mend it\"},"
		"{\"id\":\"d\",\"verdict\":\"unknown\",\"text\":\"who knows\",\"advice\":\"ask\"}"
		"]}\n");
}
