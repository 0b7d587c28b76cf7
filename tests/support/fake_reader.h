/* SPDX-License-Identifier: MIT */
/*
 * daemon/objfile/reader.h in the test's own process: answers when it is told to, or fails as it is
 * told to. A test that includes it does not link the true one.
 */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/objfile/reader.h"
#include "daemon/symbolizer/namer.h"

struct fake_question {
	struct fake_question *next;
	struct reader_files files;
	uint64_t *addresses;
	size_t n;
	reader_fn fn;
	void *userdata;
};

struct reader {
	struct namer *namer;
	struct fake_question *open;
	size_t n_questions; /* ever */
	size_t n_addresses;
	bool is_late; /* reader_wait() comes back without answers */
	int error;    /* instead of an answer */
};

struct reader_reply {
	struct named *named;
	const uint64_t *addresses;
};

static inline struct reader *fake_reader_new(void)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	cr_assert(reader && (reader->namer = namer_new()));
	return reader;
}

static inline void fake_reader_answer(struct reader *reader, int error)
{
	struct fake_question *question = reader->open;
	struct reader_reply reply = {.addresses = question->addresses};
	const int fds[3] = {question->files.file, question->files.debug, question->files.alt};

	reader->open = question->next;
	if (!error)
		error = namer_open(reader->namer, question->files.source, fds, &reply.named);
	question->fn(question->userdata, error, error ? NULL : &reply);
	for (size_t i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(question->addresses);
	free(question);
}

static inline void fake_reader_free(struct reader *reader)
{
	while (reader->open)
		fake_reader_answer(reader, -ECANCELED);
	namer_free(reader->namer);
	free(reader);
}

bool reader_wait(struct reader *reader, uint64_t usec)
{
	while (reader->open && !reader->is_late)
		fake_reader_answer(reader, reader->error);
	return !reader->open;
}

static int fake_reader_dup(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int reader_ask_names(struct reader *reader, const struct reader_files *files,
		     const uint64_t *addresses, size_t n, reader_fn fn, void *userdata)
{
	struct fake_question *question = calloc(1, sizeof(*question)), **last = &reader->open;

	cr_assert(n > 0 && n <= READER_NAMES_MAX);
	*question = (struct fake_question){
		.files = {files->source, fake_reader_dup(files->file),
			  fake_reader_dup(files->debug), fake_reader_dup(files->alt)},
		.addresses = malloc(n * sizeof(*addresses)),
		.n = n,
		.fn = fn,
		.userdata = userdata,
	};
	memcpy(question->addresses, addresses, n * sizeof(*addresses));
	while (*last)
		last = &(*last)->next;
	*last = question;
	reader->n_questions++;
	reader->n_addresses += n;
	return 0;
}

size_t reader_reply_get_names(const struct reader_reply *reply, size_t i, uint64_t *ret_vaddr,
			      struct reader_name ret[static READER_INLINES_MAX])
{
	return named_find(reply->named, reply->addresses[i], ret_vaddr, ret);
}
