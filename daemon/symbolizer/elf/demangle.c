/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/demangle.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

#include "daemon/base/cleanup.h"

typedef int (*engine_fn)(const char *name, int options, demangle_callbackref fn, void *opaque);

struct demangle_output {
	char *text;
	size_t size;
	size_t length; /* also counts what was cut off */
};

/*
 * The way out of libiberty. Jumping out of it is sound because the callback engines keep everything
 * on the stack. There is one exception (name_may_allocate()): there the timer only sets a flag, and
 * the jump waits for the next output, which comes from outside of malloc(). The memory of one
 * identifier is lost then.
 */
static sigjmp_buf way_out;
static volatile sig_atomic_t is_inside, may_jump, is_late;

static void on_timer(int signal)
{
	is_late = 1;
	if (is_inside && may_jump)
		siglongjmp(way_out, ETIME);
}

static void append_output(const char *text, size_t length, void *opaque)
{
	struct demangle_output *output = opaque;
	size_t room = output->size - 1 > output->length ? output->size - 1 - output->length : 0;

	if (is_late)
		siglongjmp(way_out, ETIME);
	if (length == 0) /* text may be NULL then */
		return;
	assert(is_inside && output->length <= DEMANGLE_OUTPUT_BYTES);
	if (length > DEMANGLE_OUTPUT_BYTES - output->length)
		siglongjmp(way_out, E2BIG);
	memcpy(output->text + output->length, text, length < room ? length : room);
	output->length += length;
}

static int install_handler(void)
{
	/* SA_NODEFER: the jump leaves the handler, and need not restore a mask then. */
	struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART | SA_NODEFER};
	static bool installed;

	if (!installed && sigaction(SIGVTALRM, &action, NULL) < 0)
		return -errno;
	installed = true;
	return 0;
}

static int run_engine(engine_fn engine, const char *name, bool allocates,
		      struct demangle_output *output)
{
	const struct itimerval start = {.it_value.tv_usec = DEMANGLE_CPU_USEC}, stop = {};
	int r, error;

	assert(!is_inside);
	r = install_handler();
	if (r < 0)
		return r;
	setitimer(ITIMER_VIRTUAL, &start, NULL);
	error = sigsetjmp(way_out, 0);
	if (error == 0) {
		may_jump = !allocates;
		is_late = 0;
		is_inside = 1;
		r = engine(name, DMGL_NO_OPTS, append_output, output);
	}
	is_inside = 0;
	setitimer(ITIMER_VIRTUAL, &stop, NULL);
	return error ? -error : r != 0;
}

/* True if the engine may call malloc(): it does so only for identifiers of Rust's v0 mangling that
 * are not ASCII ("u" and a number), to decode them. An ASCII identifier may look the same; that
 * costs nothing. */
static bool name_may_allocate(const char *name)
{
	for (const char *at = strchr(name, 'u'); at; at = strchr(at + 1, 'u'))
		if (isdigit((unsigned char)at[1]))
			return true;
	return false;
}

/* True if the name may cause the one kind of work without output: a binder, "G" and a number in
 * base 62, behind the letter of a function or of a trait object, with more lifetimes than any real
 * name has. */
#define BINDER_DIGITS 5
static bool name_may_loop(const char *name)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (const char *at = name + 2; (at = strpbrk(at, "FD")); at++) {
		size_t n = at[1] == 'G' ? strspn(at + 2, digits) : 0;

		if (n >= BINDER_DIGITS && at[2 + n] == '_')
			return true;
	}
	return false;
}

int demangle(const char *name, char *ret, size_t size)
{
	char text[4096];
	struct demangle_output output = {.text = text, .size = sizeof(text)};
	bool allocates;
	size_t length;
	int r;

	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R') || size == 0)
		return 0;
	allocates = name[1] == 'R' && name_may_allocate(name);
	if (allocates && name_may_loop(name))
		return 0;
	r = run_engine(rust_demangle_callback, name, allocates, &output);
	if (r == 0 && name[1] == 'Z') {
		output.length = 0;
		r = run_engine(cplus_demangle_v3_callback, name, false, &output);
	}
	if (r <= 0)
		return r;
	length = output.length < sizeof(text) - 1 ? output.length : sizeof(text) - 1;
	length = length < size - 1 ? length : size - 1;
	memcpy(ret, text, length);
	ret[length] = '\0';
	return 1;
}
