/* SPDX-License-Identifier: MIT */
/*
 * The requests stand in a list. The first one is with the process, the others wait here: so if the
 * process dies, the first one is to blame.
 *
 * Invariants: 1. `last` points to the `next` of the last request, or to `first` if there is none.
 * 2. `is_asked` is set only while there is a first request: the process has it. 3. `n_open` is the
 * length of the list. 4. The requests of one user are in the order in which they came.
 */
#include "daemon/objfile/symbolizer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/objfile/symbolizer_internal.h"
#include "daemon/objfile/turns.h"

/* Processes that were killed and have not ended yet, because a file system that hangs may keep
 * them. */
#define LEFT_MAX 8

struct symbolizer {
	char *program;
	int epoll;
	struct symbolizer_process process;
	struct symbolizer_request *first, **last;
	size_t n_open;
	struct turns turns;
	bool is_asked;         /* the first request was sent */
	bool is_closed;        /* all are being answered with one error; new ones are refused */
	uint64_t asked_ns;     /* when the first request was sent, */
	uint64_t asked_cpu_ns; /* and the CPU time that the process had used by then */
	struct symbolizer_process left[LEFT_MAX];
};

define_cleanup(struct symbolizer *, symbolizer_free);

static struct symbolizer_request *free_request(struct symbolizer_request *request)
{
	for (size_t i = 0; request && i < WIRE_FILES; i++)
		if (request->files[i] >= 0)
			close(request->files[i]);
	free(request);
	return NULL;
}

define_cleanup(struct symbolizer_request *, free_request);

int symbolizer_new(const char *program, struct symbolizer **ret)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));

	if (!symbolizer)
		return -ENOMEM;
	symbolizer->last = &symbolizer->first;
	symbolizer->process.socket = symbolizer->process.pidfd = -1;
	symbolizer->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (symbolizer->epoll < 0)
		return -errno;
	symbolizer->program = strdup(program);
	if (!symbolizer->program)
		return -ENOMEM;
	*ret = take_ptr(symbolizer);
	return 0;
}

/* Kills the process, and puts it aside, so that nothing waits for its end. Returns false if there
 * is no room to remember it; it stays the process then. */
static bool leave_process(struct symbolizer *symbolizer)
{
	symbolizer_process_stop(&symbolizer->process, symbolizer->epoll);
	for (size_t i = 0; i < LEFT_MAX; i++) {
		if (symbolizer->left[i].pid == 0) {
			symbolizer->left[i] = symbolizer->process;
			symbolizer->process =
				(struct symbolizer_process){.socket = -1, .pidfd = -1};
			return true;
		}
	}
	return false;
}

static void reap_left(struct symbolizer *symbolizer)
{
	int error;

	for (size_t i = 0; i < LEFT_MAX; i++)
		symbolizer_process_reap(&symbolizer->left[i], symbolizer->epoll, &error);
}

/* Answers the first request. It is off the list before its function is called, since that may add a
 * request. */
static void answer_first(struct symbolizer *symbolizer, int error,
			 const struct symbolizer_reply *reply)
{
	_cleanup_(free_request_p) struct symbolizer_request *request = symbolizer->first;

	assert(request && symbolizer->n_open > 0);
	symbolizer->first = request->next;
	if (!symbolizer->first)
		symbolizer->last = &symbolizer->first;
	symbolizer->n_open--;
	if (symbolizer->is_asked)
		turns_charge(&symbolizer->turns, request->uid,
			     clock_monotonic_ns() - symbolizer->asked_ns, clock_monotonic_ns());
	symbolizer->is_asked = false;
	request->fn(request->userdata, error, reply);
}

static void answer_all(struct symbolizer *symbolizer, int error)
{
	symbolizer->is_closed = true;
	while (symbolizer->first)
		answer_first(symbolizer, error, NULL);
	symbolizer->is_closed = false;
}

/* Makes sure that there is a process that takes requests. One that ended while it had no request is
 * replaced without blame. Returns 0 or -EIO. */
static int ready_process(struct symbolizer *symbolizer)
{
	int error;

	symbolizer_process_reap(&symbolizer->process, symbolizer->epoll, &error);
	if (symbolizer->process.pid && symbolizer->process.socket < 0 && !leave_process(symbolizer))
		return -EIO;
	if (symbolizer->process.pid)
		return 0;
	return symbolizer_process_start(&symbolizer->process, symbolizer->program,
					symbolizer->epoll) < 0
		       ? -EIO
		       : 0;
}

/* Sends the first request. If that fails, the process is ending, which is handled when its end is
 * seen. */
static void send_first(struct symbolizer *symbolizer)
{
	assert(symbolizer->first && !symbolizer->is_asked);
	(void)symbolizer_process_send(&symbolizer->process, symbolizer->first);
	symbolizer->is_asked = true;
	symbolizer->asked_ns = clock_monotonic_ns();
	symbolizer->asked_cpu_ns = symbolizer_process_cpu_ns(&symbolizer->process);
}

/* Moves the request to the front whose user has used the least of the process's time. */
static void choose_first(struct symbolizer *symbolizer)
{
	struct symbolizer_request **best = &symbolizer->first, *chosen;
	uint64_t least_ns = UINT64_MAX;

	assert(!symbolizer->is_asked);
	for (struct symbolizer_request **at = &symbolizer->first; *at; at = &(*at)->next) {
		uint64_t used_ns = turns_get_used(&symbolizer->turns, (*at)->uid);

		if (used_ns >= least_ns)
			continue;
		least_ns = used_ns;
		best = at;
	}
	chosen = *best;
	*best = chosen->next;
	if (symbolizer->last == &chosen->next)
		symbolizer->last = best;
	chosen->next = symbolizer->first;
	symbolizer->first = chosen;
	if (!chosen->next)
		symbolizer->last = &chosen->next;
}

static void go_on(struct symbolizer *symbolizer)
{
	if (!symbolizer->first || symbolizer->is_asked)
		return;
	choose_first(symbolizer);
	if (ready_process(symbolizer) < 0)
		answer_all(symbolizer, -EIO);
	else
		send_first(symbolizer);
}

/* Maps an error of the process to those of symbolizer_fn. */
static int check_error(int error)
{
	switch (error) {
	case 0:
	case -ENOEXEC:
	case -ENODATA:
	case -EFBIG:
		return error;
	case -ENOMEM: /* more memory than SYMBOLIZER_MEMORY_BYTES, or than the daemon has */
		return -EFBIG;
	default:
		return -EBADMSG;
	}
}

static void take_answer(struct symbolizer *symbolizer, const struct wire_reply *answer, int fd)
{
	struct symbolizer_reply reply = {};
	int r = check_error(answer->error);

	assert(symbolizer->first && symbolizer->is_asked);
	if (r == 0) {
		r = check_error(
			reply_open(&reply, &symbolizer->first->wire, fd, answer->size_bytes));
		if (r < 0) /* it may be taken over, and must not get the next file */
			symbolizer_process_stop(&symbolizer->process, symbolizer->epoll);
	}
	answer_first(symbolizer, r, r < 0 ? NULL : &reply);
	reply_done(&reply);
}

/* Receives one packet. Returns 1 if there was one; 0 if there is none; a negative errno if the
 * process sent nonsense, or closed its end. */
static int receive(struct symbolizer *symbolizer)
{
	struct symbolizer_process *process = &symbolizer->process;
	_cleanup_close_ int fd = -1;
	struct wire_reply answer;
	int r = symbolizer_process_receive(process, &answer, &fd);

	if (r <= 0)
		return r;
	if (!process->is_ready) {
		process->is_ready = answer.size_bytes == WIRE_HELLO;
		return process->is_ready ? 1 : -EBADMSG;
	}
	if (!symbolizer->is_asked)
		return -EBADMSG;
	take_answer(symbolizer, &answer, fd);
	go_on(symbolizer);
	return 1;
}

static void end_process(struct symbolizer *symbolizer, int error)
{
	if (error == -EIO)
		answer_all(symbolizer, error);
	else if (symbolizer->is_asked)
		answer_first(symbolizer, error, NULL);
	go_on(symbolizer);
}

void symbolizer_dispatch(struct symbolizer *symbolizer)
{
	int r, error;

	reap_left(symbolizer);
	do
		r = receive(symbolizer);
	while (r > 0);
	if (r < 0)
		symbolizer_process_stop(&symbolizer->process, symbolizer->epoll);
	if (symbolizer_process_reap(&symbolizer->process, symbolizer->epoll, &error) > 0)
		end_process(symbolizer, error);
}

bool symbolizer_is_starved(const struct symbolizer *symbolizer)
{
	uint64_t took_ns = clock_monotonic_ns() - symbolizer->asked_ns;
	uint64_t ran_ns =
		symbolizer_process_cpu_ns(&symbolizer->process) - symbolizer->asked_cpu_ns;

	return symbolizer->is_asked && symbolizer_process_is_runnable(&symbolizer->process) &&
	       ran_ns < took_ns / 2;
}

static bool took_too_long(const struct symbolizer *symbolizer)
{
	uint64_t took_usec = (clock_monotonic_ns() - symbolizer->asked_ns) / 1000;

	return took_usec >= SYMBOLIZER_WALL_USEC &&
	       (took_usec >= SYMBOLIZER_STARVED_USEC || !symbolizer_is_starved(symbolizer));
}

void symbolizer_check(struct symbolizer *symbolizer)
{
	symbolizer_dispatch(symbolizer);
	if (!symbolizer->is_asked || !took_too_long(symbolizer))
		return;
	leave_process(symbolizer);
	answer_first(symbolizer, -ETIMEDOUT, NULL);
	go_on(symbolizer);
}

bool symbolizer_wait(struct symbolizer *symbolizer, uint64_t usec)
{
	uint64_t end = clock_monotonic_ns() + usec * 1000, now;
	struct epoll_event event;

	symbolizer_check(symbolizer);
	while (symbolizer->n_open > 0 && (now = clock_monotonic_ns()) < end) {
		uint64_t left_ms = (end - now) / 1000000 + 1;

		epoll_wait(symbolizer->epoll, &event, 1, left_ms < 1000 ? left_ms : 1000);
		symbolizer_check(symbolizer);
	}
	return symbolizer->n_open == 0;
}

void symbolizer_give_up(struct symbolizer *symbolizer)
{
	leave_process(symbolizer);
	answer_all(symbolizer, -ETIMEDOUT);
}

void symbolizer_stop_if_idle(struct symbolizer *symbolizer)
{
	if (symbolizer->n_open == 0 && symbolizer->process.pid)
		leave_process(symbolizer);
}

int symbolizer_fd(const struct symbolizer *symbolizer)
{
	return symbolizer->epoll;
}

size_t symbolizer_count_open(const struct symbolizer *symbolizer)
{
	return symbolizer->n_open;
}

/* Kills the process and waits up to one second for its end. Only a process that a file system holds
 * remains as a zombie, until the daemon ends. */
static void await_end(struct symbolizer *symbolizer, struct symbolizer_process *process)
{
	struct pollfd pollfd = {.fd = process->pidfd, .events = POLLIN};
	int error;

	symbolizer_process_stop(process, symbolizer->epoll);
	if (process->pid && poll(&pollfd, 1, 1000) > 0)
		symbolizer_process_reap(process, symbolizer->epoll, &error);
	else if (process->pid)
		close(process->pidfd);
}

struct symbolizer *symbolizer_free(struct symbolizer *symbolizer)
{
	if (!symbolizer)
		return NULL;
	assert(!symbolizer->is_closed);
	if (symbolizer->first)
		answer_all(symbolizer, -ECANCELED);
	await_end(symbolizer, &symbolizer->process);
	for (size_t i = 0; i < LEFT_MAX; i++)
		await_end(symbolizer, &symbolizer->left[i]);
	if (symbolizer->epoll >= 0)
		close(symbolizer->epoll);
	free(symbolizer->program);
	free(symbolizer);
	return NULL;
}

static int copy_files(struct symbolizer_request *request, const int files[WIRE_FILES])
{
	for (size_t i = 0; i < WIRE_FILES; i++) {
		if (files[i] < 0)
			continue;
		request->files[i] = fcntl(files[i], F_DUPFD_CLOEXEC, 0);
		if (request->files[i] < 0)
			return -errno;
		request->wire.files |= 1u << i;
	}
	return 0;
}

/* Returns whose file is asked about; a file that does not say so is nobody's. */
static uint32_t find_owner(const int files[WIRE_FILES])
{
	struct stat st;

	for (size_t i = 0; i < WIRE_FILES; i++)
		if (files[i] >= 0)
			return fstat(files[i], &st) == 0 ? st.st_uid : UINT32_MAX;
	return UINT32_MAX;
}

/* True if the user has so many requests open that there would be no room for those of others. */
static bool has_many(const struct symbolizer *symbolizer, uint32_t uid)
{
	size_t n = 0;

	if (symbolizer->n_open >= SYMBOLIZER_REQUESTS_MAX)
		return true;
	for (const struct symbolizer_request *at = symbolizer->first; at; at = at->next)
		n += at->uid == uid;
	return uid && n >= SYMBOLIZER_REQUESTS_PER_USER;
}

static int ask(struct symbolizer *symbolizer, const struct wire_request *wire,
	       const int files[WIRE_FILES], const uint64_t *addresses, symbolizer_fn fn,
	       void *userdata)
{
	_cleanup_(free_request_p) struct symbolizer_request *request = NULL;
	size_t bytes = wire->n_addresses * sizeof(*addresses);
	uint32_t uid = find_owner(files);
	int r;

	assert(fn && (addresses || !bytes));
	assert(*symbolizer->last == NULL);
	if (symbolizer->is_closed)
		return -EIO;
	if (has_many(symbolizer, uid))
		return -EBUSY;
	request = malloc(sizeof(*request) + bytes);
	if (!request)
		return -ENOMEM;
	*request = (struct symbolizer_request){
		.fn = fn, .userdata = userdata, .uid = uid, .files = {-1, -1, -1}, .wire = *wire};
	if (bytes)
		memcpy(request->addresses, addresses, bytes);
	r = copy_files(request, files);
	if (r < 0)
		return r;
	if (!symbolizer->first && ready_process(symbolizer) < 0)
		return -EIO;
	*symbolizer->last = request;
	symbolizer->last = &request->next;
	symbolizer->n_open++;
	if (symbolizer->first == take_ptr(request))
		send_first(symbolizer);
	return 0;
}

int symbolizer_ask_table(struct symbolizer *symbolizer, int fd, symbolizer_fn fn, void *userdata)
{
	const struct wire_request wire = {.kind = WIRE_TABLE};
	const int files[WIRE_FILES] = {fd, -1, -1};

	return ask(symbolizer, &wire, files, NULL, fn, userdata);
}

int symbolizer_ask_elf_info(struct symbolizer *symbolizer, int fd, symbolizer_fn fn, void *userdata)
{
	const struct wire_request wire = {.kind = WIRE_ABOUT};
	const int files[WIRE_FILES] = {fd, -1, -1};

	return ask(symbolizer, &wire, files, NULL, fn, userdata);
}

int symbolizer_ask_python(struct symbolizer *symbolizer, int fd, symbolizer_fn fn, void *userdata)
{
	const struct wire_request wire = {.kind = WIRE_PYTHON};
	const int files[WIRE_FILES] = {fd, -1, -1};

	return ask(symbolizer, &wire, files, NULL, fn, userdata);
}

int symbolizer_ask_names(struct symbolizer *symbolizer, const struct symbolizer_files *files,
			 const uint64_t *addresses, size_t n, symbolizer_fn fn, void *userdata)
{
	const struct wire_request wire = {
		.kind = WIRE_NAMES, .source = files->source, .n_addresses = n};
	const int fds[WIRE_FILES] = {files->file, files->debug, files->alt};

	assert(files->source < SYMBOLIZER_N_SOURCES);
	if (n == 0 || n > SYMBOLIZER_NAMES_MAX)
		return -EINVAL;
	return ask(symbolizer, &wire, fds, addresses, fn, userdata);
}
