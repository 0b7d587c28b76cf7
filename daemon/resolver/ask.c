/* SPDX-License-Identifier: MIT */
/* Requests to the symbolizer for the names of addresses, and its replies. */
#include <assert.h>
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

/* Frees the batch. Where it was not sent, the caller clears is_asked of its addresses. */
static void drop_batch(struct resolver *resolver, size_t i)
{
	struct batch *batch = resolver->batches[i];

	assert(resolver->source[batch->source].batch == batch);
	resolver->source[batch->source].batch = NULL;
	resolver->batches[i] = resolver->batches[--resolver->n_batches];
	batch_free(batch);
}

void resolver_drop_batches(struct resolver *resolver)
{
	while (resolver->n_batches > 0)
		drop_batch(resolver, resolver->n_batches - 1);
}

struct address_names *resolver_find_names(const struct resolver *resolver, uint32_t source,
					  uint64_t address)
{
	const struct address_key key = {address, source};
	uint32_t index;

	assert(source < table_count(resolver->sources));
	return table_find(resolver->addresses, &key, sizeof(key), &index) < 0
		       ? NULL
		       : &resolver->answers[index];
}

static void request_free(struct name_request *request)
{
	assert(*request->link == request || !request->resolver);
	if (request->next)
		request->next->link = request->link;
	*request->link = request->next;
	if (request->resolver)
		request->resolver->request_bytes -=
			sizeof(*request) + request->n * sizeof(*request->addresses);
	free(request->addresses);
	free(request);
}

/* Leaves the answer empty where memory runs out, so that the address is asked for again. */
static void store_frames(struct resolver *resolver, struct address_names *answer,
			 const uint32_t *frames, size_t n)
{
	assert(n > 0 && n <= RESOLVER_INLINES_MAX);
	if (array_reserve(resolver->pool, resolver->pool_size, resolver->n_pool + n) < 0)
		return;
	memcpy(resolver->pool + resolver->n_pool, frames, n * sizeof(*frames));
	answer->first = resolver->n_pool;
	answer->n = n;
	resolver->n_pool += n;
}

/* Interns the frames of the names of the i-th address. Returns how many, or -ENOMEM. */
static int intern_names(struct resolver *resolver, uint32_t source,
			const struct symbolizer_reply *reply, size_t i,
			uint32_t ret_frames[static SYMBOLIZER_INLINES_MAX])
{
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	uint64_t vaddr;
	int n = symbolizer_reply_get_names(reply, i, &vaddr, names);

	for (int j = 0; j < n; j++) {
		int r = resolver_intern_name(resolver, source, &names[j], &ret_frames[j]);

		if (r < 0)
			return r;
	}
	return n;
}

static void store_answer(struct resolver *resolver, const struct name_request *request,
			 const struct symbolizer_reply *reply, size_t i)
{
	struct address_names *answer =
		resolver_find_names(resolver, request->source, request->addresses[i]);
	uint32_t frames[SYMBOLIZER_INLINES_MAX];
	int n;

	if (!answer)
		return;
	n = reply ? intern_names(resolver, request->source, reply, i, frames) : 0;
	answer->is_named = n > 0;
	if (n == 0 && resolver_intern_address(resolver, request->source, request->addresses[i],
					      &frames[0]) == 0)
		n = 1;
	if (n > 0)
		store_frames(resolver, answer, frames, n);
	answer->is_asked = n > 0 && answer->n > 0;
}

static void forget_asked(struct resolver *resolver, uint32_t source, const uint64_t *addresses,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct address_names *answer = resolver_find_names(resolver, source, addresses[i]);

		if (answer)
			answer->is_asked = false;
	}
}

static const char *explain(int error)
{
	switch (error) {
	case -EBADMSG:
		return "the file is damaged, or made to harm its reader";
	case -ETIMEDOUT:
		return "reading them takes too long";
	default:
		return "the file is too large";
	}
}

/* Marks a source on which the symbolizer failed, so that it is not asked for again, and warns. */
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
	struct name_request *request = userdata;
	struct resolver *resolver = request->resolver;

	if (!resolver || request->generation != resolver->generation) {
		request_free(request);
		return;
	}
	if (error == -ECANCELED || error == -EIO || error == -ENOMEM) {
		forget_asked(resolver, request->source, request->addresses, request->n);
	} else {
		if (error < 0)
			break_source(resolver, request->source, error);
		for (size_t i = 0; i < request->n; i++)
			store_answer(resolver, request, error ? NULL : reply, i);
	}
	request_free(request);
}

static struct name_request *request_new(struct resolver *resolver, struct batch *batch)
{
	struct name_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->resolver = resolver;
	request->generation = resolver->generation;
	request->source = batch->source;
	request->addresses = take_ptr(batch->addresses);
	request->n = batch->n;
	request->next = resolver->requests;
	request->link = &resolver->requests;
	if (request->next)
		request->next->link = &request->next;
	resolver->requests = request;
	resolver->request_bytes += sizeof(*request) + request->n * sizeof(*request->addresses);
	return request;
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
	struct name_request *request = batch->n > 0 ? request_new(resolver, batch) : NULL;

	if (request && symbolizer_ask_names(resolver->symbolizer, &files, request->addresses,
					    request->n, on_names, request) < 0) {
		forget_asked(resolver, request->source, request->addresses, request->n);
		request_free(request);
	} else if (!request) {
		forget_asked(resolver, batch->source, batch->addresses, batch->n);
	}
	drop_batch(resolver, i);
}

void resolver_ask(struct resolver *resolver, uint64_t wait_usec)
{
	while (resolver->n_batches > 0)
		send_batch(resolver, resolver->n_batches - 1);
	if (resolver->requests)
		(void)symbolizer_wait(resolver->symbolizer, wait_usec);
}

int resolver_add_batch(struct resolver *resolver, uint32_t source,
		       enum symbolizer_source symbolizer_source, const int fds[3])
{
	struct batch *batch = calloc(1, sizeof(*batch));

	assert(source < table_count(resolver->sources));
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

	assert(batch && batch->n < SYMBOLIZER_NAMES_MAX);
	if (array_reserve(batch->addresses, batch->size, batch->n + 1) < 0)
		return -ENOMEM;
	/* The room comes first: a key that is there has an answer. */
	if (array_reserve(resolver->answers, resolver->answers_size,
			  (size_t)table_count(resolver->addresses) + 1) < 0)
		return -ENOMEM;
	r = table_intern(resolver->addresses, &key, sizeof(key), &index);
	if (r < 0)
		return r;
	if (r > 0)
		resolver->answers[index] = (struct address_names){};
	resolver->answers[index].is_asked = true;
	batch->addresses[batch->n++] = address;
	for (size_t i = 0; i < resolver->n_batches && batch->n == SYMBOLIZER_NAMES_MAX; i++)
		if (resolver->batches[i] == batch) {
			send_batch(resolver, i);
			break;
		}
	return 0;
}
