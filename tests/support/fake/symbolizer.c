/* SPDX-License-Identifier: MIT */
#include "tests/support/fake/symbolizer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/symbolizer/symbol_lookup.h"

struct fake_request {
	struct fake_request *next;
	struct symbolizer_files files;
	uint64_t *addresses;
	size_t n;
	symbolizer_fn fn;
	void *userdata;
};

struct symbolizer_reply {
	struct symbol_set *set;
	const uint64_t *addresses;
};

struct symbolizer *fake_reader_new(void)
{
	struct symbolizer *symbolizer = calloc(1, sizeof(*symbolizer));

	cr_assert(symbolizer && (symbolizer->lookup = symbol_lookup_new()));
	return symbolizer;
}

static void fake_symbolizer_reply(struct symbolizer *symbolizer, int error)
{
	struct fake_request *request = symbolizer->open;
	struct symbolizer_reply reply = {.addresses = request->addresses};
	const int fds[3] = {request->files.file, request->files.debug, request->files.alt};

	symbolizer->open = request->next;
	if (!error)
		error = symbol_lookup_open(symbolizer->lookup, request->files.source, fds,
					   &reply.set);
	request->fn(request->userdata, error, error ? NULL : &reply);
	for (size_t i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(request->addresses);
	free(request);
}

void fake_reader_free(struct symbolizer *symbolizer)
{
	while (symbolizer->open)
		fake_symbolizer_reply(symbolizer, -ECANCELED);
	symbol_lookup_free(symbolizer->lookup);
	free(symbolizer);
}

bool symbolizer_wait(struct symbolizer *symbolizer, uint64_t usec)
{
	while (symbolizer->open && !symbolizer->is_late)
		fake_symbolizer_reply(symbolizer, symbolizer->error);
	return !symbolizer->open;
}

static int fake_reader_dup(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int symbolizer_ask_names(struct symbolizer *symbolizer, const struct symbolizer_files *files,
			 const uint64_t *addresses, size_t n, symbolizer_fn fn, void *userdata)
{
	struct fake_request *request = calloc(1, sizeof(*request)), **last = &symbolizer->open;

	cr_assert(n > 0 && n <= SYMBOLIZER_NAMES_MAX);
	*request = (struct fake_request){
		.files = {files->source, fake_reader_dup(files->file),
			  fake_reader_dup(files->debug), fake_reader_dup(files->alt)},
		.addresses = malloc(n * sizeof(*addresses)),
		.n = n,
		.fn = fn,
		.userdata = userdata,
	};
	memcpy(request->addresses, addresses, n * sizeof(*addresses));
	while (*last)
		last = &(*last)->next;
	*last = request;
	symbolizer->n_requests++;
	symbolizer->n_addresses += n;
	return 0;
}

size_t symbolizer_reply_get_names(const struct symbolizer_reply *reply, size_t i,
				  uint64_t *ret_vaddr,
				  struct symbolizer_name ret[SYMBOLIZER_INLINES_MAX])
{
	return symbol_set_find(reply->set, reply->addresses[i], ret_vaddr, ret);
}
