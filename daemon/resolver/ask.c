/* SPDX-License-Identifier: MIT */
/* Questions to the symbolizer, and what becomes of the answers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/resolver/internal.h"

static void batch_free(struct batch *batch)
{
	for (size_t i = 0; i < array_length(batch->fds); i++)
		if (batch->fds[i] >= 0)
			close(batch->fds[i]);
	free(batch->addresses);
	free(batch);
}

/* Leaves it to the caller to forget those that are not asked after all. */
static void drop_batch(struct resolver *resolver, size_t i)
{
	struct batch *batch = resolver->batches[i];

	resolver->source[batch->source].batch = NULL;
	resolver->batches[i] = resolver->batches[--resolver->n_batches];
	batch_free(batch);
}

void resolver_drop_batches(struct resolver *resolver)
{
	while (resolver->n_batches > 0)
		drop_batch(resolver, resolver->n_batches - 1);
}

struct answer *resolver_find_answer(const struct resolver *resolver, uint32_t source,
				    uint64_t address)
{
	const struct address_key key = {address, source};
	uint32_t index;

	return table_find(resolver->addresses, &key, sizeof(key), &index) < 0
		       ? NULL
		       : &resolver->answers[index];
}

static void question_free(struct question *question)
{
	if (question->next)
		question->next->link = question->link;
	*question->link = question->next;
	if (question->resolver)
		question->resolver->question_bytes -=
			sizeof(*question) + question->n * sizeof(*question->addresses);
	free(question->addresses);
	free(question);
}

/* Not remembered where memory runs out: it is asked again. */
static void store_frames(struct resolver *resolver, struct answer *answer, const uint32_t *frames,
			 size_t n)
{
	if (array_fit(resolver->pool, resolver->pool_size, resolver->n_pool + n) < 0)
		return;
	memcpy(resolver->pool + resolver->n_pool, frames, n * sizeof(*frames));
	answer->first = resolver->n_pool;
	answer->n = n;
	resolver->n_pool += n;
}

static void store_answer(struct resolver *resolver, const struct question *question,
			 const struct symbolizer_reply *reply, size_t i)
{
	struct answer *answer =
		resolver_find_answer(resolver, question->source, question->addresses[i]);
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	uint32_t frames[SYMBOLIZER_INLINES_MAX];
	uint64_t vaddr;
	size_t n = 0;
	int r = 0;

	if (!answer)
		return;
	if (reply)
		n = symbolizer_reply_get_names(reply, i, &vaddr, names);
	for (size_t j = 0; j < n && r == 0; j++)
		r = resolver_intern_name(resolver, question->source, &names[j], &frames[j]);
	answer->is_named = n > 0;
	if (n == 0) {
		n = 1;
		r = resolver_intern_address(resolver, question->source, question->addresses[i],
					    &frames[0]);
	}
	if (r == 0)
		store_frames(resolver, answer, frames, n);
	answer->is_asked = r == 0 && answer->n > 0;
}

static void forget_asked(struct resolver *resolver, uint32_t source, const uint64_t *addresses,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct answer *answer = resolver_find_answer(resolver, source, addresses[i]);

		if (answer)
			answer->is_asked = false;
	}
}

static const char *explain(int error)
{
	switch (error) {
	case -EBADMSG:
		return "the file is damaged, or made to do harm: the symbolizer ended";
	case -ETIMEDOUT:
		return "it takes too long";
	default:
		return "it is too large";
	}
}

/* A file that has broken the symbolizer once is left alone. */
static void break_source(struct resolver *resolver, uint32_t source, int error)
{
	char path[1024], text[1200];

	if (error != -EBADMSG && error != -ETIMEDOUT && error != -EFBIG)
		return;
	resolver->source[source].is_broken = true;
	if (!resolver->fn)
		return;
	text_clean(resolver_source_key(resolver, source)->path,
		   strlen(resolver_source_key(resolver, source)->path), path, sizeof(path));
	snprintf(text, sizeof(text),
		 "cannot read the names in %s: %s; its functions are shown by address", path,
		 explain(error));
	resolver->fn(resolver->userdata, text);
}

static void on_names(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct question *question = userdata;
	struct resolver *resolver = question->resolver;

	if (!resolver || question->generation != resolver->generation) {
		question_free(question);
		return;
	}
	if (error == -ECANCELED || error == -EIO || error == -ENOMEM) {
		forget_asked(resolver, question->source, question->addresses, question->n);
	} else {
		if (error < 0)
			break_source(resolver, question->source, error);
		for (size_t i = 0; i < question->n; i++)
			store_answer(resolver, question, error ? NULL : reply, i);
	}
	question_free(question);
}

static struct question *question_new(struct resolver *resolver, struct batch *batch)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return NULL;
	question->resolver = resolver;
	question->generation = resolver->generation;
	question->source = batch->source;
	question->addresses = take_ptr(batch->addresses);
	question->n = batch->n;
	question->next = resolver->questions;
	question->link = &resolver->questions;
	if (question->next)
		question->next->link = &question->next;
	resolver->questions = question;
	resolver->question_bytes += sizeof(*question) + question->n * sizeof(*question->addresses);
	return question;
}

static void send_batch(struct resolver *resolver, size_t i)
{
	struct batch *batch = resolver->batches[i];
	const struct symbolizer_files files = {
		.source = batch->symbolizer_source,
		.file = batch->fds[0],
		.debug = batch->fds[1],
		.alt = batch->fds[2],
	};
	struct question *question = batch->n > 0 ? question_new(resolver, batch) : NULL;

	if (question && symbolizer_ask_names(resolver->symbolizer, &files, question->addresses,
					     question->n, on_names, question) < 0) {
		forget_asked(resolver, question->source, question->addresses, question->n);
		question_free(question);
	} else if (!question) {
		forget_asked(resolver, batch->source, batch->addresses, batch->n);
	}
	drop_batch(resolver, i);
}

void resolver_ask(struct resolver *resolver, uint64_t wait_usec)
{
	while (resolver->n_batches > 0)
		send_batch(resolver, resolver->n_batches - 1);
	if (resolver->questions)
		(void)symbolizer_wait(resolver->symbolizer, wait_usec);
}

int resolver_add_batch(struct resolver *resolver, uint32_t source,
		       enum symbolizer_source symbolizer_source, const int fds[3])
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch) {
		for (size_t i = 0; i < 3; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		return -ENOMEM;
	}
	batch->source = source;
	batch->symbolizer_source = symbolizer_source;
	memcpy(batch->fds, fds, sizeof(batch->fds));
	if (resolver->source[source].is_broken || resolver->source[source].batch) {
		batch_free(batch);
		return 0;
	}
	if (resolver->n_batches == RESOLVER_BATCHES_MAX)
		send_batch(resolver, 0);
	resolver->batches[resolver->n_batches++] = batch;
	resolver->source[source].batch = batch;
	return 0;
}

int resolver_add_address(struct resolver *resolver, uint32_t source, uint64_t address)
{
	const struct address_key key = {address, source};
	struct batch *batch = resolver->source[source].batch;
	uint32_t index;
	int r;

	if (array_fit(batch->addresses, batch->size, batch->n + 1) < 0)
		return -ENOMEM;
	r = table_intern(resolver->addresses, &key, sizeof(key), &index);
	if (r < 0)
		return r;
	if (array_fit(resolver->answers, resolver->answers_size, index + 1) < 0)
		return -ENOMEM;
	if (r > 0)
		resolver->answers[index] = (struct answer){};
	resolver->answers[index].is_asked = true;
	batch->addresses[batch->n++] = address;
	for (size_t i = 0; i < resolver->n_batches && batch->n == SYMBOLIZER_NAMES_MAX; i++)
		if (resolver->batches[i] == batch) {
			send_batch(resolver, i);
			break;
		}
	return 0;
}
