/* SPDX-License-Identifier: MIT */
/*
 * The questions, in a list; the one in front is with the process, the others wait here. So whatever
 * the process dies of is the fault of the one in front.
 */
#include "daemon/objfile/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/objfile/reader_internal.h"

/* Processes that were killed and have not gone yet: a file system that hangs may keep them. */
#define LEFT_MAX 8

struct reader {
	char *program;
	int epoll;
	struct reader_process process;
	struct reader_question *first, **last;
	size_t n_open;
	bool is_asked;                   /* the first */
	bool is_closed;                  /* all are being answered with one error: no others now */
	uint64_t asked_ns, asked_cpu_ns; /* when, and what the process had used by then */
	struct reader_process left[LEFT_MAX];
};

define_cleanup(struct reader *, reader_free);

static struct reader_question *free_question(struct reader_question *question)
{
	for (size_t i = 0; question && i < WIRE_FILES; i++)
		if (question->files[i] >= 0)
			close(question->files[i]);
	free(question);
	return NULL;
}

define_cleanup(struct reader_question *, free_question);

int reader_new(const char *program, struct reader **ret)
{
	_cleanup_(reader_free_p) struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->last = &reader->first;
	reader->process.socket = reader->process.pidfd = -1;
	reader->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (reader->epoll < 0)
		return -errno;
	reader->program = strdup(program);
	if (!reader->program)
		return -ENOMEM;
	*ret = take_ptr(reader);
	return 0;
}

/* The process is killed, and no longer waited for where that has to be at once. False: there is no
 * place left to remember it, and it stays the process. */
static bool leave_process(struct reader *reader)
{
	reader_process_stop(&reader->process, reader->epoll);
	for (size_t i = 0; i < LEFT_MAX; i++) {
		if (reader->left[i].pid == 0) {
			reader->left[i] = reader->process;
			reader->process = (struct reader_process){.socket = -1, .pidfd = -1};
			return true;
		}
	}
	return false;
}

static void reap_left(struct reader *reader)
{
	int error;

	for (size_t i = 0; i < LEFT_MAX; i++)
		reader_process_reap(&reader->left[i], reader->epoll, &error);
}

/* Takes the first question off the list before anything is called for it: that may ask again. */
static void answer_first(struct reader *reader, int error, const struct reader_reply *reply)
{
	_cleanup_(free_question_p) struct reader_question *question = reader->first;

	reader->first = question->next;
	if (!reader->first)
		reader->last = &reader->first;
	reader->n_open--;
	reader->is_asked = false;
	question->fn(question->userdata, error, reply);
}

static void answer_all(struct reader *reader, int error)
{
	reader->is_closed = true;
	while (reader->first)
		answer_first(reader, error, NULL);
	reader->is_closed = false;
}

/* A process that can be asked. One that ended while it had nothing to do is nobody's fault. */
static int ready_process(struct reader *reader)
{
	int error;

	reader_process_reap(&reader->process, reader->epoll, &error);
	if (reader->process.pid && reader->process.socket < 0 && !leave_process(reader))
		return -EIO;
	if (reader->process.pid)
		return 0;
	return reader_process_start(&reader->process, reader->program, reader->epoll) < 0 ? -EIO
											  : 0;
}

/* Where sending fails the process is ending, and that is seen as its end. */
static void send_first(struct reader *reader)
{
	(void)reader_process_send(&reader->process, reader->first);
	reader->is_asked = true;
	reader->asked_ns = clock_monotonic_ns();
	reader->asked_cpu_ns = reader_process_cpu_ns(&reader->process);
}

static void go_on(struct reader *reader)
{
	if (!reader->first || reader->is_asked)
		return;
	if (ready_process(reader) < 0)
		answer_all(reader, -EIO);
	else
		send_first(reader);
}

/* As reader_fn has them. */
static int check_error(int error)
{
	switch (error) {
	case 0:
	case -ENOEXEC:
	case -ENODATA:
	case -EFBIG:
		return error;
	case -ENOMEM: /* more than READER_MEMORY_BYTES, or than the daemon has */
		return -EFBIG;
	default:
		return -EBADMSG;
	}
}

static void take_answer(struct reader *reader, const struct wire_answer *answer, int fd)
{
	struct reader_reply reply = {};
	int r = check_error(answer->error);

	if (r == 0) {
		r = check_error(reply_open(&reply, &reader->first->wire, fd, answer->size_bytes));
		if (r < 0) /* whatever has got hold of it, the next file is not for it */
			reader_process_stop(&reader->process, reader->epoll);
	}
	answer_first(reader, r, r < 0 ? NULL : &reply);
	reply_done(&reply);
}

/* 1: something was taken in; 0: there is nothing; negative: it talks nonsense, or no more. */
static int receive(struct reader *reader)
{
	struct reader_process *process = &reader->process;
	_cleanup_close_ int fd = -1;
	struct wire_answer answer;
	int r = reader_process_receive(process, &answer, &fd);

	if (r <= 0)
		return r;
	if (!process->is_ready) {
		process->is_ready = answer.size_bytes == WIRE_HELLO;
		return process->is_ready ? 1 : -EBADMSG;
	}
	if (!reader->is_asked)
		return -EBADMSG;
	take_answer(reader, &answer, fd);
	go_on(reader);
	return 1;
}

static void end_process(struct reader *reader, int error)
{
	if (error == -EIO)
		answer_all(reader, error);
	else if (reader->is_asked)
		answer_first(reader, error, NULL);
	go_on(reader);
}

void reader_dispatch(struct reader *reader)
{
	int r, error;

	reap_left(reader);
	do
		r = receive(reader);
	while (r > 0);
	if (r < 0)
		reader_process_stop(&reader->process, reader->epoll);
	if (reader_process_reap(&reader->process, reader->epoll, &error) > 0)
		end_process(reader, error);
}

bool reader_is_starved(const struct reader *reader)
{
	uint64_t took_ns = clock_monotonic_ns() - reader->asked_ns;
	uint64_t ran_ns = reader_process_cpu_ns(&reader->process) - reader->asked_cpu_ns;

	return reader->is_asked && reader_process_is_runnable(&reader->process) &&
	       ran_ns < took_ns / 2;
}

static bool took_too_long(const struct reader *reader)
{
	uint64_t took_usec = (clock_monotonic_ns() - reader->asked_ns) / 1000;

	return took_usec >= READER_WALL_USEC &&
	       (took_usec >= READER_STARVED_USEC || !reader_is_starved(reader));
}

void reader_check(struct reader *reader)
{
	reader_dispatch(reader);
	if (!reader->is_asked || !took_too_long(reader))
		return;
	leave_process(reader);
	answer_first(reader, -ETIMEDOUT, NULL);
	go_on(reader);
}

bool reader_wait(struct reader *reader, uint64_t usec)
{
	uint64_t end = clock_monotonic_ns() + usec * 1000, now;
	struct epoll_event event;

	reader_check(reader);
	while (reader->n_open > 0 && (now = clock_monotonic_ns()) < end) {
		uint64_t left_ms = (end - now) / 1000000 + 1;

		epoll_wait(reader->epoll, &event, 1, left_ms < 1000 ? left_ms : 1000);
		reader_check(reader);
	}
	return reader->n_open == 0;
}

void reader_give_up(struct reader *reader)
{
	leave_process(reader);
	answer_all(reader, -ETIMEDOUT);
}

void reader_rest(struct reader *reader)
{
	if (reader->n_open == 0 && reader->process.pid)
		leave_process(reader);
}

int reader_fd(const struct reader *reader)
{
	return reader->epoll;
}

size_t reader_count_open(const struct reader *reader)
{
	return reader->n_open;
}

/* A zombie is left only of one that a file system holds: it goes with the daemon. */
static void await_end(struct reader *reader, struct reader_process *process)
{
	struct pollfd pollfd = {.fd = process->pidfd, .events = POLLIN};
	int error;

	reader_process_stop(process, reader->epoll);
	if (process->pid && poll(&pollfd, 1, 1000) > 0)
		reader_process_reap(process, reader->epoll, &error);
	else if (process->pid)
		close(process->pidfd);
}

struct reader *reader_free(struct reader *reader)
{
	if (!reader)
		return NULL;
	if (reader->first)
		answer_all(reader, -ECANCELED);
	await_end(reader, &reader->process);
	for (size_t i = 0; i < LEFT_MAX; i++)
		await_end(reader, &reader->left[i]);
	if (reader->epoll >= 0)
		close(reader->epoll);
	free(reader->program);
	free(reader);
	return NULL;
}

static int copy_files(struct reader_question *question, const int files[WIRE_FILES])
{
	for (size_t i = 0; i < WIRE_FILES; i++) {
		if (files[i] < 0)
			continue;
		question->files[i] = fcntl(files[i], F_DUPFD_CLOEXEC, 0);
		if (question->files[i] < 0)
			return -errno;
		question->wire.files |= 1u << i;
	}
	return 0;
}

static int ask(struct reader *reader, const struct wire_question *wire, const int files[WIRE_FILES],
	       const uint64_t *addresses, reader_fn fn, void *userdata)
{
	_cleanup_(free_question_p) struct reader_question *question = NULL;
	size_t bytes = wire->n_addresses * sizeof(*addresses);
	int r;

	if (reader->is_closed)
		return -EIO;
	if (reader->n_open >= READER_QUESTIONS_MAX)
		return -EBUSY;
	question = malloc(sizeof(*question) + bytes);
	if (!question)
		return -ENOMEM;
	*question = (struct reader_question){
		.fn = fn, .userdata = userdata, .files = {-1, -1, -1}, .wire = *wire};
	if (bytes)
		memcpy(question->addresses, addresses, bytes);
	r = copy_files(question, files);
	if (r == 0 && !reader->first)
		r = ready_process(reader);
	if (r < 0)
		return r;
	*reader->last = question;
	reader->last = &question->next;
	reader->n_open++;
	if (reader->first == take_ptr(question))
		send_first(reader);
	return 0;
}

int reader_ask_table(struct reader *reader, int fd, reader_fn fn, void *userdata)
{
	const struct wire_question wire = {.kind = WIRE_TABLE};
	const int files[WIRE_FILES] = {fd, -1, -1};

	return ask(reader, &wire, files, NULL, fn, userdata);
}

int reader_ask_about(struct reader *reader, int fd, reader_fn fn, void *userdata)
{
	const struct wire_question wire = {.kind = WIRE_ABOUT};
	const int files[WIRE_FILES] = {fd, -1, -1};

	return ask(reader, &wire, files, NULL, fn, userdata);
}

int reader_ask_python(struct reader *reader, int fd, reader_fn fn, void *userdata)
{
	const struct wire_question wire = {.kind = WIRE_PYTHON};
	const int files[WIRE_FILES] = {fd, -1, -1};

	return ask(reader, &wire, files, NULL, fn, userdata);
}

int reader_ask_names(struct reader *reader, const struct reader_files *files,
		     const uint64_t *addresses, size_t n, reader_fn fn, void *userdata)
{
	const struct wire_question wire = {
		.kind = WIRE_NAMES, .source = files->source, .n_addresses = n};
	const int fds[WIRE_FILES] = {files->file, files->debug, files->alt};

	if (n == 0 || n > READER_NAMES_MAX)
		return -EINVAL;
	return ask(reader, &wire, fds, addresses, fn, userdata);
}
