/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <unistd.h>

#include "client/base/progress.h"
#include "daemon/base/clock.h"

/* Reads at least so many bytes, which have to come, and what comes right behind them: the kernel
 * passes terminal output on in a thread of its own. */
static size_t read_screen(int master, char *text, size_t size, size_t wanted)
{
	struct pollfd wait = {.fd = master, .events = POLLIN};
	size_t length = 0;
	ssize_t n;

	while (poll(&wait, 1, length < wanted ? 600000 : 300) > 0 &&
	       (n = read(master, text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	return length;
}

/* Nothing is shown before a second, each number is shown once, and the line is gone at the end. */
Test(client_progress, on_a_terminal)
{
	static const char wanted[] =
		"\roxprofctl: reading 42 %\033[K\roxprofctl: reading 100 %\033[K"
		"\r\033[K";
	uint64_t begin_ns = clock_monotonic_ns();
	struct progress *progress;
	int master, terminal;
	char text[256];
	bool is_early;

	cr_assert_eq(openpty(&master, &terminal, NULL, NULL, NULL), 0);
	progress = progress_new(terminal, "reading");
	cr_assert_not_null(progress);
	progress_set(progress, 100);
	/* This machine may have stood still for that second. */
	is_early = clock_monotonic_ns() - begin_ns < UINT64_C(1000000000);
	cr_expect(!read_screen(master, text, sizeof(text), 0) || !is_early);
	usleep(1100000);
	progress_set(progress, 429);
	progress_set(progress, 421);
	progress_set(progress, 5000);
	progress_free(progress);
	read_screen(master, text, sizeof(text), strlen(wanted));
	cr_expect_str_eq(text, wanted);
}

Test(client_progress, elsewhere)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_expect_null(progress_new(ends[1], "reading"));
	progress_set(NULL, 500);
	cr_expect_null(progress_free(NULL));
}
