/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/process/rights.h"
#include "tests/support/directory.h"

static char proc[256];

static void set_up(void)
{
	char path[300];

	directory_make(proc, sizeof(proc));
	snprintf(path, sizeof(path), "%s/42", proc);
	cr_assert_eq(mkdir(path, 0755), 0);
}

static void tear_down(void)
{
	directory_remove(proc);
}

TestSuite(rights, .init = set_up, .fini = tear_down);

static int read_status(const char *text, struct deputy_rights *ret)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[300];

	snprintf(path, sizeof(path), "%s/42/status", proc);
	file = fopen(path, "we");
	cr_assert(file && fputs(text, file) >= 0 && fflush(file) == 0);
	return rights_read(proc, 42, ret);
}

static void expect_nobody(const char *text)
{
	struct deputy_rights rights, nobody;

	rights_set_nobody(&nobody);
	cr_expect_eq(nobody.uid, 65534);
	cr_expect_eq(nobody.gid, 65534);
	cr_expect_eq(nobody.n_groups, 0);
	cr_expect_eq(read_status(text, &rights), 0);
	cr_expect_arr_eq(&rights, &nobody, sizeof(rights), "%s", text);
}

#define OWN_UID "Name:\ta\nUid:\t1000\t1000\t1000\t1000\n"
#define OWN_GID "Gid:\t100\t100\t100\t100\n"

Test(rights, are_those_of_the_user_and_the_groups)
{
	struct deputy_rights rights;

	cr_assert_eq(read_status(OWN_UID OWN_GID "FDSize:\t64\nGroups:\t4 24 1000 \nNStgid:\t9\n",
				 &rights),
		     0);
	cr_expect_eq(rights.uid, 1000);
	cr_expect_eq(rights.gid, 100);
	cr_assert_eq(rights.n_groups, 3);
	cr_expect_eq(rights.groups[0], 4);
	cr_expect_eq(rights.groups[1], 24);
	cr_expect_eq(rights.groups[2], 1000);
	cr_assert_eq(read_status(OWN_UID OWN_GID "Groups:\t \n", &rights), 0);
	cr_expect_eq(rights.n_groups, 0);
}

Test(rights, of_who_acts_for_two_are_nobodys)
{
	expect_nobody("Uid:\t1000\t0\t0\t0\n" OWN_GID "Groups:\t4 \n");
	expect_nobody("Uid:\t0\t0\t0\t1000\n" OWN_GID "Groups:\t4 \n");
	expect_nobody("Uid:\t0\t0\t1000\t0\n" OWN_GID "Groups:\t4 \n");
	expect_nobody(OWN_UID "Gid:\t100\t42\t42\t42\nGroups:\t4 \n");
}

Test(rights, that_cannot_be_read)
{
	struct deputy_rights rights;
	char text[4096] = OWN_UID OWN_GID "Groups:\t";

	cr_expect_eq(read_status("Name:\ta\n", &rights), -EINVAL);
	cr_expect_eq(read_status(OWN_UID "Groups:\t4 \n", &rights), -EINVAL);
	cr_expect_eq(read_status("Uid:\t1 1 1\n" OWN_GID "Groups:\t4 \n", &rights), -EINVAL);
	cr_expect_eq(read_status(OWN_UID OWN_GID, &rights), -EINVAL);
	cr_expect_eq(read_status(OWN_UID OWN_GID "Groups:\t4 x \n", &rights), -EINVAL);
	cr_expect_eq(read_status(OWN_UID OWN_GID "Groups:\t4 5", &rights), -EINVAL, "it is cut");
	for (int i = 0; i < DEPUTY_GROUPS_MAX + 1; i++)
		strcat(text, "77 ");
	cr_expect_eq(read_status(strcat(text, "\n"), &rights), -E2BIG);
	cr_expect_eq(rights_read(proc, 43, &rights), -ESRCH);
}

Test(rights, of_ourselves)
{
	struct deputy_rights rights;

	cr_assert_eq(rights_read("/proc", getpid(), &rights), 0);
	cr_expect_eq(rights.uid, geteuid());
	cr_expect_eq(rights.gid, getegid());
	cr_expect_eq((int)rights.n_groups, getgroups(0, NULL));
}

Test(rights, a_name_in_a_file_of_somebody_else_is_nobodys)
{
	struct deputy_rights user = {.uid = 1000, .gid = 100, .n_groups = 1, .groups = {4}};
	struct deputy_rights root = {};

	rights_narrow(&user, 1000);
	rights_narrow(&user, 0);
	cr_expect_eq(user.uid, 1000);
	cr_expect_eq(user.n_groups, 1);
	rights_narrow(&user, 1001);
	cr_expect_eq(user.uid, 65534);
	cr_expect_eq(user.n_groups, 0);
	rights_narrow(&root, 0);
	cr_expect_eq(root.uid, 0);
	rights_narrow(&root, 1000);
	cr_expect_eq(root.uid, 65534);
}
