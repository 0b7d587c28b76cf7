/* SPDX-License-Identifier: MIT */
/* A connection is shut down when its time is over, and only then. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>

#include "client/web/deadlines.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

#define N_MAX 3
#define START UINT64_C(1000)

define_cleanup(struct web_deadlines *, web_deadlines_free);
#define _cleanup_deadlines_ _cleanup_(web_deadlines_free_p)

static struct web_deadlines *make_deadlines(void)
{
	struct web_deadlines *deadlines;

	cr_assert_eq(web_deadlines_new(N_MAX, &deadlines), 0);
	return deadlines;
}

/* Makes a connection, of which sockets[0] is in the care of the deadlines. */
static struct web_deadline *add(struct web_deadlines *deadlines, int sockets[static 2])
{
	struct web_deadline *deadline;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	deadline = web_deadlines_add(deadlines, sockets[0]);
	cr_assert_not_null(deadline);
	return deadline;
}

/* True if the other end has read the end of the connection. */
static bool is_shut(const int sockets[static 2])
{
	char byte;

	return recv(sockets[1], &byte, 1, MSG_DONTWAIT) == 0;
}

static bool is_ready(const struct web_deadlines *deadlines)
{
	struct pollfd fd = {.fd = web_deadlines_get_fd(deadlines), .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

Test(web_deadlines, end_who_is_late)
{
	_cleanup_deadlines_ struct web_deadlines *deadlines = make_deadlines();
	struct web_deadline *early, *late;
	int first[2], second[2];

	early = add(deadlines, first);
	web_deadlines_begin(deadlines, early, START);
	late = add(deadlines, second);
	web_deadlines_begin(deadlines, late, START + 1);
	web_deadlines_shut_late(deadlines, START + WEB_REQUEST_NS - 1);
	cr_assert(!is_shut(first) && !is_shut(second));
	web_deadlines_shut_late(deadlines, START + WEB_REQUEST_NS);
	cr_assert(is_shut(first) && !is_shut(second));
	web_deadlines_shut_late(deadlines, START + WEB_REQUEST_NS + 1);
	cr_assert(is_shut(second));
}

/* Bytes do not help: only a request that is there does. */
Test(web_deadlines, spare_whose_request_is_there)
{
	_cleanup_deadlines_ struct web_deadlines *deadlines = make_deadlines();
	struct web_deadline *deadline;
	int sockets[2];

	deadline = add(deadlines, sockets);
	web_deadlines_begin(deadlines, deadline, START);
	web_deadlines_end(deadlines, deadline);
	web_deadlines_shut_late(deadlines, START + 2 * WEB_REQUEST_NS);
	cr_assert(!is_shut(sockets));
	/* The next one on this connection has its own time. */
	web_deadlines_begin(deadlines, deadline, START + 2 * WEB_REQUEST_NS);
	web_deadlines_shut_late(deadlines, START + 3 * WEB_REQUEST_NS - 1);
	cr_assert(!is_shut(sockets));
	web_deadlines_shut_late(deadlines, START + 3 * WEB_REQUEST_NS);
	cr_assert(is_shut(sockets));
}

Test(web_deadlines, let_go_of_who_has_gone)
{
	_cleanup_deadlines_ struct web_deadlines *deadlines = make_deadlines();
	struct web_deadline *deadline;
	int sockets[2];

	deadline = add(deadlines, sockets);
	web_deadlines_begin(deadlines, deadline, START);
	web_deadlines_remove(deadlines, deadline);
	web_deadlines_shut_late(deadlines, START + 2 * WEB_REQUEST_NS);
	cr_assert(!is_shut(sockets));
}

Test(web_deadlines, have_room_for_so_many)
{
	_cleanup_deadlines_ struct web_deadlines *deadlines = make_deadlines();
	struct web_deadline *all[N_MAX];
	int sockets[N_MAX][2];

	for (size_t i = 0; i < N_MAX; i++)
		all[i] = add(deadlines, sockets[i]);
	cr_assert_null(web_deadlines_add(deadlines, 0));
	web_deadlines_remove(deadlines, all[1]);
	cr_assert_eq(web_deadlines_add(deadlines, sockets[1][0]), all[1]);
}

/* Without a connection that is waited for nobody is woken, and after the first one for the next. */
Test(web_deadlines, wake_when_somebody_is_late)
{
	_cleanup_deadlines_ struct web_deadlines *deadlines = make_deadlines();
	uint64_t now = clock_monotonic_ns(),
		 before = now > WEB_REQUEST_NS ? now - WEB_REQUEST_NS : 1;
	struct web_deadline *late, *timely;
	int first[2], second[2];

	if (before == 1)
		cr_skip_test("the machine has just started");
	cr_assert(!is_ready(deadlines));
	timely = add(deadlines, second);
	web_deadlines_begin(deadlines, timely, now + WEB_REQUEST_NS);
	cr_assert(!is_ready(deadlines));
	late = add(deadlines, first);
	web_deadlines_begin(deadlines, late, before);
	cr_assert(is_ready(deadlines));
	web_deadlines_shut_late(deadlines, now);
	cr_assert(is_shut(first) && !is_ready(deadlines));
	web_deadlines_begin(deadlines, timely, before);
	cr_assert(is_ready(deadlines));
}
