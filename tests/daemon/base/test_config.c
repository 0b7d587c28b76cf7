/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/config.h"

struct warnings {
	unsigned n;
	unsigned line;
	char why[512];
};

static void note(void *userdata, const char *file, unsigned line, const char *why)
{
	struct warnings *warnings = userdata;

	cr_expect_str_eq(file, "a.conf");
	warnings->n++;
	warnings->line = line;
	snprintf(warnings->why, sizeof(warnings->why), "%s", why);
}

static int parse(struct config *config, const char *text, struct warnings *ret)
{
	int r;

	*ret = (struct warnings){0};
	r = config_parse(config, "a.conf", text, strlen(text), note, ret);
	cr_expect_eq((unsigned)r, ret->n);
	return r;
}

Test(config, reads_every_key)
{
	struct warnings warnings;
	struct config config;

	config_init(&config);
	cr_expect_eq(config.interval_ns, OX_INTERVAL_DEFAULT_NS);
	cr_expect_str_eq(config.database, OX_DATABASE_PATH);
	cr_expect_eq(config_size_bytes(&config.max_size, UINT64_C(5) << 30),
		     (UINT64_C(5) << 30) / 100 * 10);
	/* At most so much, however large the disk is. */
	cr_expect_eq(config_size_bytes(&config.max_size, UINT64_C(1) << 40), UINT64_C(1) << 30);
	cr_expect_eq(config_size_bytes(&config.keep_free, 1000), 150);
	cr_expect_eq(config_size_bytes(&config.keep_free, UINT64_C(1) << 40), UINT64_C(4) << 30);
	cr_expect_eq(config.unwind_max_bytes, 64 << 20);
	cr_expect_eq(parse(&config,
			   "# a comment\n; another\n\n[Sampling]\r\n  Interval = 0.5 \n"
			   "UnwindMemory=8M\n"
			   "[Storage]\nPath=/srv/my data/ox=1.db\nMaxSize=64M\nKeepFree=7%",
			   &warnings),
		     0, "%s", warnings.why);
	cr_expect_eq(config.interval_ns, 500000000);
	cr_expect_eq(config.unwind_max_bytes, 8 << 20);
	cr_expect_str_eq(config.database, "/srv/my data/ox=1.db");
	cr_expect_eq(config_size_bytes(&config.max_size, 1000), 64 << 20);
	cr_expect_eq(config_size_bytes(&config.keep_free, 1000), 70);
	cr_expect_eq(parse(&config, "[Storage]\nMaxSize=99%\nKeepFree=0", &warnings), 0);
	cr_expect_eq(config_size_bytes(&config.max_size, UINT64_C(1) << 40),
		     (UINT64_C(1) << 40) / 100 * 99);
	cr_expect_eq(config_size_bytes(&config.keep_free, 1000), 0);
}

Test(config, the_last_one_counts_and_an_empty_one_resets)
{
	struct warnings warnings;
	struct config config;

	config_init(&config);
	cr_expect_eq(parse(&config, "[Sampling]\nInterval=1\nFrequency=100\n", &warnings), 0);
	cr_expect_eq(config.interval_ns, 10000000);
	cr_expect_eq(parse(&config, "[Sampling]\nUnwindMemory=1M\nUnwindMemory=256M\n", &warnings),
		     0);
	cr_expect_eq(config.unwind_max_bytes, 256 << 20);
	cr_expect_eq(parse(&config, "[Sampling]\nInterval=\nUnwindMemory=\n", &warnings), 0);
	cr_expect_eq(config.unwind_max_bytes, 64 << 20);
	cr_expect_eq(config.interval_ns, OX_INTERVAL_DEFAULT_NS);
	cr_expect_eq(parse(&config,
			   "[Storage]\nPath=/a\nMaxSize=0\n[Sampling]\nFrequency=7\nFrequency=\n"
			   "[Storage]\nPath=\nMaxSize=",
			   &warnings),
		     0);
	cr_expect_eq(config.interval_ns, OX_INTERVAL_DEFAULT_NS);
	cr_expect_str_eq(config.database, OX_DATABASE_PATH);
	cr_expect_eq(config.max_size.percent, 10);
}

Test(config, warns_with_line_and_reason_and_goes_on)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *why; /* a part of it */
	} cases[] = {
		{"Interval=1\n", 1, "before any [Section]"},
		{"\n[Sampling]\nIntervall=1\n", 3, "unknown key Intervall= in section [Sampling]"},
		{"[Sampling]\ninterval=1\n", 2, "unknown key interval="},
		{"[Sampling]\nMaxSize=1\n", 2, "unknown key MaxSize= in section [Sampling]"},
		{"[Storrage]\nPath=/a\nMaxSize=1\n", 1, "unknown section [Storrage]"},
		{"[Storage\nPath=/a\n", 1, "has no ']'"},
		{"[Sampling]\nInterval\n", 2, "neither [Section] nor Key=value"},
		{"[Sampling]\nInterval=fast\n", 2, "Interval=fast: not understood, wanted: 0.0001"},
		{"[Sampling]\nInterval=11\n", 2, "Interval=11: out of range"},
		{"[Sampling]\nFrequency=0\n", 2, "Frequency=0: out of range"},
		{"[Sampling]\nFrequency=\x1b[31m\n", 2, "Frequency=\xef\xbf\xbd[31m"},
		{"[Sampling]\nUnwindMemory=lots\n", 2, "UnwindMemory=lots: not understood"},
		{"[Sampling]\nUnwindMemory=1023K\n", 2,
		 "UnwindMemory=1023K: out of range, wanted: 1M to 256M"},
		{"[Sampling]\nUnwindMemory=257M\n", 2, "UnwindMemory=257M: out of range"},
		{"[Sampling]\nUnwindMemory=0\n", 2, "UnwindMemory=0: out of range"},
		{"[Storage]\nUnwindMemory=8M\n", 2, "unknown key UnwindMemory="},
		{"[Storage]\nPath=ox.db\n", 2, "Path=ox.db: not understood, wanted: an absolute"},
		{"[Storage]\nPath=/srv/\n", 2, "absolute"},
		{"[Storage]\nMaxSize=1.5G\n", 2, "MaxSize=1.5G: not understood"},
		{"[Storage]\nMaxSize=16E\n", 2, "MaxSize=16E: out of range"},
		{"[Storage]\nMaxSize=0%\n", 2, "MaxSize=0%: out of range, wanted: bytes"},
		{"[Storage]\nKeepFree=100%\n", 2, "KeepFree=100%: out of range"},
		{"[Storage]\nKeepFree=15 %\n", 2, "KeepFree=15 %: not understood"},
		{"[Storage]\nKeepFree=%\n", 2, "KeepFree=%: not understood"},
	};
	struct warnings warnings;
	struct config config, initial;
	char text[256];

	config_init(&initial);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		config_init(&config);
		cr_expect_eq(parse(&config, cases[i].text, &warnings), 1, "%s", cases[i].text);
		cr_expect_eq(warnings.line, cases[i].line, "%s", cases[i].text);
		cr_expect_not_null(strstr(warnings.why, cases[i].why), "%s", warnings.why);
		cr_expect_eq(memcmp(&config, &initial, sizeof(config)), 0, "%s", cases[i].text);
		snprintf(text, sizeof(text), "%s\n[Sampling]\nInterval=2\n", cases[i].text);
		cr_expect_eq(parse(&config, text, &warnings), 1);
		cr_expect_eq(config.interval_ns, 2000000000);
	}
}

Test(config, bears_any_bytes)
{
	static char text[20000];
	struct warnings warnings = {0};
	struct config config;

	config_init(&config);
	cr_expect_eq(
		config_parse(&config, "a.conf", "[Sampling]\nInter\0val=1\n", 23, note, &warnings),
		1);
	cr_expect_not_null(strstr(warnings.why, "zero byte"));
	memset(text, 'x', sizeof(text));
	cr_expect_eq(config_parse(&config, "a.conf", text, sizeof(text), note, &warnings), 1);
	cr_expect_not_null(strstr(warnings.why, "longer than"));
	memcpy(text, "[Storage]\nPath=/", 16);
	text[4200] = '\n';
	cr_expect_eq(config_parse(&config, "a.conf", text, 4201, note, &warnings), 1);
	cr_expect_not_null(strstr(warnings.why, "out of range"));
	text[4110] = '\n';
	cr_expect_eq(config_parse(&config, "a.conf", text, 4111, note, &warnings), 0);
	cr_expect_eq(strlen(config.database), 4095);
}
