/* SPDX-License-Identifier: MIT */
#include "daemon/objfile/inspect.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

struct look {
	struct symbolizer *symbolizer;
	uint64_t left_ns, as_of_ns; /* that may be waited */
};

struct outcome {
	void *ret; /* what was asked for */
	int error;
};

define_cleanup(struct look *, look_free);

int look_new(const char *program, struct look **ret)
{
	_cleanup_(look_free_p) struct look *look = calloc(1, sizeof(*look));
	int r;

	if (!look)
		return -ENOMEM;
	r = symbolizer_new(program, &look->symbolizer);
	if (r < 0)
		return r;
	look->left_ns = LOOK_SAVED_USEC * 1000;
	look->as_of_ns = clock_monotonic_ns();
	*ret = take_ptr(look);
	return 0;
}

struct look *look_free(struct look *look)
{
	if (look)
		symbolizer_free(look->symbolizer);
	free(look);
	return NULL;
}

static bool may_wait(struct look *look, uint64_t now_ns)
{
	look->left_ns += (now_ns - look->as_of_ns) / LOOK_SHARE;
	if (look->left_ns > LOOK_SAVED_USEC * 1000)
		look->left_ns = LOOK_SAVED_USEC * 1000;
	look->as_of_ns = now_ns;
	/* All of it: less time would be no proof against the file. */
	return look->left_ns >= LOOK_WAIT_USEC * 1000;
}

static void has_waited(struct look *look, uint64_t now_ns)
{
	uint64_t waited_ns = now_ns - look->as_of_ns;

	look->left_ns -= waited_ns < look->left_ns ? waited_ns : look->left_ns;
	look->as_of_ns = now_ns;
}

static int check_error(int error)
{
	switch (error) {
	case 0:
	case -ENOEXEC:
	case -ETIMEDOUT:
		return error;
	case -EBADMSG:
	case -EFBIG:
	case -ENODATA:
		return -EBADMSG;
	default:
		return -EAGAIN;
	}
}

static void take_about(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct outcome *outcome = userdata;

	outcome->error = check_error(error);
	if (!error)
		symbolizer_reply_get_about(reply, outcome->ret);
}

static void take_python(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct outcome *outcome = userdata;

	outcome->error = check_error(error);
	if (!error)
		symbolizer_reply_get_python(reply, outcome->ret);
}

typedef int (*ask_fn)(struct symbolizer *symbolizer, int fd, symbolizer_fn fn, void *userdata);

static int look_ask(struct look *look, int fd, ask_fn ask, symbolizer_fn take, void *ret)
{
	struct outcome outcome = {.ret = ret, .error = -EAGAIN};
	bool is_starved = false;

	if (!may_wait(look, clock_monotonic_ns()) || ask(look->symbolizer, fd, take, &outcome) < 0)
		return -EAGAIN;
	if (!symbolizer_wait(look->symbolizer, LOOK_WAIT_USEC)) {
		is_starved = symbolizer_is_starved(look->symbolizer);
		symbolizer_give_up(look->symbolizer);
	}
	has_waited(look, clock_monotonic_ns());
	/* On a machine that is overloaded the next file would take as long. */
	if (is_starved)
		look->left_ns = 0;
	return is_starved ? -EAGAIN : outcome.error;
}

int look_at(struct look *look, int fd, struct symbolizer_about *ret)
{
	*ret = (struct symbolizer_about){};
	return look_ask(look, fd, symbolizer_ask_about, take_about, ret);
}

int look_at_python(struct look *look, int fd, struct symbolizer_python *ret)
{
	*ret = (struct symbolizer_python){};
	return look_ask(look, fd, symbolizer_ask_python, take_python, ret);
}

void look_rest(struct look *look)
{
	symbolizer_rest(look->symbolizer);
}

int look_fd(const struct look *look)
{
	return symbolizer_fd(look->symbolizer);
}

void look_dispatch(struct look *look)
{
	symbolizer_dispatch(look->symbolizer);
}
