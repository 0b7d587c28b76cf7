/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <pwd.h>

#include "daemon/process/users.h"

#define NOBODY_HAS UINT32_C(3999999999)

Test(users, a_uid_has_its_name)
{
	char name[64];

	users_get_name(0, name, sizeof(name));
	cr_assert_str_eq(name, "root");
	users_get_name(NOBODY_HAS, name, sizeof(name));
	cr_assert_str_eq(name, "3999999999");
	/* The last one is remembered; it is not mixed up. */
	users_get_name(NOBODY_HAS, name, sizeof(name));
	cr_assert_str_eq(name, "3999999999");
	users_get_name(0, name, sizeof(name));
	cr_assert_str_eq(name, "root");
}

Test(users, a_name_is_cut_to_its_room)
{
	char name[3] = "xx";

	users_get_name(0, name, sizeof(name));
	cr_assert_str_eq(name, "ro");
}

Test(users, a_name_has_its_uid)
{
	struct passwd *nobody = getpwnam("nobody");
	uint32_t uid = 7;

	cr_assert_eq(users_find("root", &uid), 0);
	cr_assert_eq(uid, 0);
	cr_assert_not_null(nobody);
	cr_assert_eq(users_find("nobody", &uid), 0);
	cr_assert_eq(uid, nobody->pw_uid);
}

Test(users, a_number_is_a_uid_also_where_nobody_has_it)
{
	uint32_t uid = 7;

	cr_assert_eq(users_find("3999999999", &uid), 0);
	cr_assert_eq(uid, NOBODY_HAS);
	cr_assert_eq(users_find("4294967294", &uid), 0);
	cr_assert_eq(uid, 4294967294u);
}

Test(users, what_is_neither_is_told)
{
	static const char *const bad[] = {"", "no-such-user", "-1", "4294967295", "0x10", "1000 "};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t uid = 7;

		cr_expect_eq(users_find(bad[i], &uid), -ENOENT, "%s", bad[i]);
		cr_expect_eq(uid, 7, "%s", bad[i]);
	}
}
