/* SPDX-License-Identifier: MIT */
/*
 * make_table SYMBOLIZER FILE: has the symbolizer process make the unwinding table of a file. Prints
 * the CPU time of the process, its start and end included, and the size of the table: "cpu_usec
 * 123456", "rows 372064", "rules 73".
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/symbolizer.h"

define_cleanup(struct symbolizer *, symbolizer_free);

struct answer {
	int error;
	size_t n_rows;
	size_t n_rules;
};

static void answer_take(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct answer *answer = userdata;
	struct symbolizer_table table;

	answer->error = error;
	if (error)
		return;
	symbolizer_reply_get_table(reply, &table);
	answer->n_rows = table.n_rows;
	answer->n_rules = table.n_rules;
}

static int ask(const char *program, int fd, struct answer *answer)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = NULL;
	int r = symbolizer_new(program, &symbolizer);

	if (r < 0)
		return r;
	r = symbolizer_ask_table(symbolizer, fd, answer_take, answer);
	if (r < 0)
		return r;
	return symbolizer_wait(symbolizer, SYMBOLIZER_WALL_USEC) ? answer->error : -1;
}

int main(int argc, char **argv)
{
	_cleanup_close_ int fd = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
	struct answer answer = {0};
	struct rusage usage;
	int r;

	if (fd < 0) {
		fprintf(stderr, "usage: make_table SYMBOLIZER FILE\n");
		return 2;
	}
	r = ask(argv[1], fd, &answer);
	if (r < 0) {
		fprintf(stderr, "make_table: %s: %s\n", argv[2], strerror(-r));
		return 1;
	}
	/* The process has been waited for. */
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("cpu_usec %lld\nrows %zu\nrules %zu\n",
	       (long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
		       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
	       answer.n_rows, answer.n_rules);
	return 0;
}
