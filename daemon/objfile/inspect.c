/* SPDX-License-Identifier: MIT */
#include "daemon/objfile/inspect.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/process/process.h"

struct inspector {
	struct symbolizer *symbolizer;
	struct deputy *deputy;
	uint64_t left_ns; /* that may still be spent on waiting, as of as_of_ns */
	uint64_t as_of_ns;
};

struct inspect_outcome {
	void *ret; /* where the result goes */
	int error;
};

define_cleanup(struct inspector *, inspector_free);

int inspector_new(const char *program, const char *deputy, struct inspector **ret)
{
	_cleanup_(inspector_free_p) struct inspector *inspector = calloc(1, sizeof(*inspector));
	int r;

	if (!inspector)
		return -ENOMEM;
	r = symbolizer_new(program, &inspector->symbolizer);
	if (r < 0)
		return r;
	inspector->deputy = deputy_new(deputy);
	if (!inspector->deputy)
		return -ENOMEM;
	inspector->left_ns = INSPECT_SAVED_USEC * 1000;
	inspector->as_of_ns = clock_monotonic_ns();
	*ret = take_ptr(inspector);
	return 0;
}

struct inspector *inspector_free(struct inspector *inspector)
{
	if (inspector) {
		symbolizer_free(inspector->symbolizer);
		deputy_free(inspector->deputy);
	}
	free(inspector);
	return NULL;
}

static bool may_wait(struct inspector *inspector, uint64_t now_ns)
{
	inspector->left_ns += (now_ns - inspector->as_of_ns) / INSPECT_SHARE;
	if (inspector->left_ns > INSPECT_SAVED_USEC * 1000)
		inspector->left_ns = INSPECT_SAVED_USEC * 1000;
	inspector->as_of_ns = now_ns;
	/* A whole wait has to be left: a file that got less time could not be blamed. */
	return inspector->left_ns >= INSPECT_WAIT_USEC * 1000;
}

static void has_waited(struct inspector *inspector, uint64_t now_ns)
{
	uint64_t waited_ns = now_ns - inspector->as_of_ns;

	inspector->left_ns -= waited_ns < inspector->left_ns ? waited_ns : inspector->left_ns;
	inspector->as_of_ns = now_ns;
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

static void take_elf_info(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct inspect_outcome *outcome = userdata;

	outcome->error = check_error(error);
	if (!error)
		symbolizer_reply_get_elf_info(reply, outcome->ret);
}

static void take_python(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct inspect_outcome *outcome = userdata;

	outcome->error = check_error(error);
	if (!error)
		symbolizer_reply_get_python(reply, outcome->ret);
}

typedef int (*ask_fn)(struct symbolizer *symbolizer, int fd, symbolizer_fn fn, void *userdata);

static int inspector_ask(struct inspector *inspector, int fd, ask_fn ask, symbolizer_fn take,
			 void *ret)
{
	struct inspect_outcome outcome = {.ret = ret, .error = -EAGAIN};
	bool is_starved = false;

	assert(symbolizer_count_open(inspector->symbolizer) == 0);
	if (!may_wait(inspector, clock_monotonic_ns()) ||
	    ask(inspector->symbolizer, fd, take, &outcome) < 0)
		return -EAGAIN;
	if (!symbolizer_wait(inspector->symbolizer, INSPECT_WAIT_USEC)) {
		is_starved = symbolizer_is_starved(inspector->symbolizer);
		symbolizer_give_up(inspector->symbolizer);
	}
	/* No request is left that would write to the outcome after this returns. */
	assert(symbolizer_count_open(inspector->symbolizer) == 0);
	has_waited(inspector, clock_monotonic_ns());
	/* On an overloaded machine the next file would take as long, so the time left is given
	 * up. */
	if (is_starved)
		inspector->left_ns = 0;
	return is_starved ? -EAGAIN : outcome.error;
}

int inspect_file(struct inspector *inspector, int fd, struct elf_info *ret)
{
	*ret = (struct elf_info){};
	return inspector_ask(inspector, fd, symbolizer_ask_elf_info, take_elf_info, ret);
}

int inspect_python(struct inspector *inspector, int fd, struct symbolizer_python *ret)
{
	*ret = (struct symbolizer_python){};
	return inspector_ask(inspector, fd, symbolizer_ask_python, take_python, ret);
}

int inspect_open(struct inspector *inspector, const struct named_file *file,
		 const struct deputy_rights *rights)
{
	_cleanup_close_ int root = process_open_root(file->proc, file->pid);
	int r;

	if (root < 0)
		return root;
	if (!may_wait(inspector, clock_monotonic_ns()))
		return -EAGAIN;
	r = deputy_open(inspector->deputy, root, file->path, file->no_follow, rights,
			INSPECT_WAIT_USEC);
	has_waited(inspector, clock_monotonic_ns());
	return r;
}

void inspector_prepare(struct inspector *inspector)
{
	(void)deputy_prepare(inspector->deputy);
}

void inspector_stop_if_idle(struct inspector *inspector)
{
	deputy_stop(inspector->deputy);
	symbolizer_stop_if_idle(inspector->symbolizer);
}

int inspector_fd(const struct inspector *inspector)
{
	return symbolizer_fd(inspector->symbolizer);
}

void inspector_dispatch(struct inspector *inspector)
{
	symbolizer_dispatch(inspector->symbolizer);
}
