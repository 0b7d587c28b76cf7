/* SPDX-License-Identifier: MIT */
#include "daemon/export/pipe.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int ends[2];
static atomic_bool stop;
static struct export_pipe writer;
static char data[1 << 20]; /* more than a pipe holds */

static void set_up(void)
{
	cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	signal(SIGPIPE, SIG_IGN);
	writer = (struct export_pipe){
		.fd = ends[1], .stop = &stop, .idle_ns = UINT64_MAX / 2, .end_ns = UINT64_MAX};
}

TestSuite(export_pipe, .init = set_up, .timeout = 1000);

Test(export_pipe, what_fits_is_written)
{
	char got[8];

	cr_assert_eq(export_pipe_write(&writer, "hello", 6), 0);
	cr_assert_eq(read(ends[0], got, sizeof(got)), 6);
	cr_assert_str_eq(got, "hello");
}

Test(export_pipe, a_reader_who_takes_nothing_is_given_up)
{
	writer.idle_ns = 1000000;
	cr_assert_eq(export_pipe_write(&writer, data, sizeof(data)), -ETIMEDOUT);
}

Test(export_pipe, one_who_is_too_slow_in_all_as_well)
{
	writer.end_ns = 1;
	cr_assert_eq(export_pipe_write(&writer, "hello", 6), 0,
		     "data that fits at once is not late");
	cr_assert_eq(export_pipe_write(&writer, data, sizeof(data)), -ETIMEDOUT);
}

Test(export_pipe, one_who_is_gone_is_noticed)
{
	close(ends[0]);
	cr_assert_eq(export_pipe_write(&writer, "hello", 6), -EPIPE);
}

Test(export_pipe, it_can_be_stopped)
{
	stop = true;
	cr_assert_eq(export_pipe_write(&writer, data, sizeof(data)), -ECANCELED);
	cr_assert_eq(export_pipe_write(&writer, data, 0), -ECANCELED);
	cr_assert_eq(read(ends[0], data, 1), -1, "a stopped export writes nothing");
}
