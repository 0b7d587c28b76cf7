/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/target.h"

#define TEN     "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

Test(target, canonical_text)
{
	static const struct {
		const char *text;
		enum target_kind kind;
		const char *canonical;
		const char *value;
	} cases[] = {
		{"pid:42", TARGET_PID, "pid:42", "42"},
		{"pid:0042", TARGET_PID, "pid:42", "42"},
		{"pid:4194304", TARGET_PID, "pid:4194304", "4194304"},
		{"comm:nginx", TARGET_COMM, "comm:nginx", "nginx"},
		{"comm:tmux: server", TARGET_COMM, "comm:tmux: server", "tmux: server"},
		{"comm:kworker/0:1-mm_", TARGET_COMM, "comm:kworker/0:1-mm_", "kworker/0:1-mm_"},
		{"unit:nginx", TARGET_UNIT, "unit:nginx.service", "nginx.service"},
		{"unit:nginx.service", TARGET_UNIT, "unit:nginx.service", "nginx.service"},
		{"unit:a.b", TARGET_UNIT, "unit:a.b.service", "a.b.service"},
		{"unit:session-1.scope", TARGET_UNIT, "unit:session-1.scope", "session-1.scope"},
		{"unit:getty@tty1", TARGET_UNIT, "unit:getty@tty1.service", "getty@tty1.service"},
		{"unit:dev-a\\x2db.swap", TARGET_UNIT, "unit:dev-a\\x2db.swap", "dev-a\\x2db.swap"},
		{"unit:-.slice", TARGET_UNIT, "unit:-.slice", "-.slice"},
		{"cgroup:/a/b.slice", TARGET_CGROUP, "cgroup:/a/b.slice", "/a/b.slice"},
		{"cgroup:/a/", TARGET_CGROUP, "cgroup:/a", "/a"},
		{"cgroup:/...", TARGET_CGROUP, "cgroup:/...", "/..."},
		{"cgroup:/.a/..b", TARGET_CGROUP, "cgroup:/.a/..b", "/.a/..b"},
		{"user:alice", TARGET_USER, "user:alice", "alice"},
		{"user:1000", TARGET_USER, "user:1000", "1000"},
		{"user:007", TARGET_USER, "user:7", "7"},
		{"user:DOMAIN\\j\xc3\xbcrg", TARGET_USER, "user:DOMAIN\\j\xc3\xbcrg",
		 "DOMAIN\\j\xc3\xbcrg"},
		{"all", TARGET_ALL, "all", ""},
	};
	struct target target, again;

	for (size_t i = 0; i < array_length(cases); i++) {
		cr_assert_eq(target_parse(cases[i].text, &target), 0, "%s", cases[i].text);
		cr_expect_eq(target.kind, cases[i].kind);
		cr_expect_str_eq(target.text, cases[i].canonical, "%s", target.text);
		cr_expect_str_eq(target_value(&target), cases[i].value);
		cr_assert_eq(target_parse(target.text, &again), 0);
		cr_expect_str_eq(again.text, target.text, "canonical twice: %s", again.text);
	}
	target_parse("pid:42", &target);
	cr_expect_eq(target.pid, 42);
	cr_expect_str_eq(target_kind_name(target.kind), "pid");
}

Test(target, refuses_what_names_nothing)
{
	static const char *const cases[] = {
		"",
		"pid",
		"pid:",
		"pid:0",
		"pid:-1",
		"pid:4194305",
		"pid: 1",
		"pid:1 ",
		"pid:99999999999999999999",
		"Pid:1",
		"pi:1",
		"pidx:1",
		":",
		":1",
		"comm:",
		"comm:a\nb",
		"comm:\xff",
		"unit:",
		"unit:a/b",
		"unit:a b",
		"unit:.service",
		"unit:@a",
		"unit:a@",
		"unit:a@.service",
		"unit:@.service",
		"unit:\xc3\xbc",
		"cgroup:",
		"cgroup:/",
		"cgroup:a",
		"cgroup://a",
		"cgroup:/a//b",
		"cgroup:/a//",
		"cgroup:/.",
		"cgroup:/..",
		"cgroup:/a/../b",
		"cgroup:/a/.",
		"cgroup:/a\tb",
		"user:",
		"user:-a",
		"user:a:b",
		"user:a b",
		"user:4294967295",
		"user:99999999999999999999",
		"all:",
		"all ",
		"ALL",
		"everything",
	};
	struct target target = {.pid = 77};

	for (size_t i = 0; i < array_length(cases); i++)
		cr_expect_eq(target_parse(cases[i], &target), -EINVAL, "%s", cases[i]);
	cr_expect_eq(target.pid, 77);
}

Test(target, refuses_what_is_too_long)
{
	static char text[2 * OX_TARGET_BYTES_MAX];
	struct target target;

	cr_expect_eq(target_parse("comm:" TEN "aaaaa", &target), 0);
	cr_expect_eq(target_parse("comm:" TEN "aaaaaa", &target), -ENAMETOOLONG);
	cr_expect_eq(target_parse("unit:" HUNDRED HUNDRED TEN TEN TEN TEN "aaaaaaa", &target), 0);
	cr_expect_eq(strlen(target_value(&target)), 255);
	cr_expect_eq(target_parse("unit:" HUNDRED HUNDRED TEN TEN TEN TEN "aaaaaaaa", &target),
		     -ENAMETOOLONG);
	cr_expect_eq(target_parse("user:" HUNDRED HUNDRED HUNDRED, &target), -ENAMETOOLONG);
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "cgroup:/", 8);
	cr_expect_eq(target_parse(text, &target), -ENAMETOOLONG);
	text[OX_TARGET_BYTES_MAX] = '\0';
	cr_expect_eq(target_parse(text, &target), -ENAMETOOLONG);
	text[OX_TARGET_BYTES_MAX - 1] = '\0';
	cr_expect_eq(target_parse(text, &target), 0);
}
