/* SPDX-License-Identifier: MIT */
/* Lists the interpreters that the processes that were sampled have. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/recorder/internal.h"

/* A process that was sampled. They are sorted by pid; the newest process of a pid is the last. */
struct sampled {
	uint32_t pid;
	uint32_t index;
};

static int compare_sampled(const void *a, const void *b)
{
	const struct sampled *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Returns the *ret_n processes that were sampled, for the caller to free; NULL where there are none
 * or memory ran out. */
static struct sampled *list_sampled(const struct recorder *recorder, size_t *ret_n)
{
	size_t n = table_count(recorder->processes.table);
	struct sampled *sampled = n ? calloc(n, sizeof(*sampled)) : NULL;

	*ret_n = sampled ? n : 0;
	for (size_t i = 0; i < *ret_n; i++) {
		const struct process_key *key = table_get_key(recorder->processes.table, i, NULL);

		sampled[i] = (struct sampled){key->pid, i};
	}
	if (sampled)
		qsort(sampled, n, sizeof(*sampled), compare_sampled);
	return sampled;
}

/* Returns the properties of the newest process of the pid, or NULL where none was sampled (yet). */
static const struct known_process *find_known(const struct recorder *recorder,
					      const struct sampled *sampled, size_t n, uint32_t pid)
{
	const struct known_process *known;
	size_t i = array_upper_bound(sampled, n, .pid, pid);

	if (!i || sampled[i - 1].pid != pid || sampled[i - 1].index >= recorder->known_size)
		return NULL;
	known = &recorder->known[sampled[i - 1].index];
	return known->comm ? known : NULL;
}

static int hand_out(const struct interpreter *interpreter, const struct known_process *known,
		    recorder_interpreter_fn fn, void *userdata)
{
	char name[INTERPRETER_NAME_BYTES], file[4096];
	const struct recorder_interpreter of = {
		.pid = interpreter->pid,
		.owner = known->owner,
		.comm = known->comm,
		.name = name,
		.file = file,
		.state = interpreter_state_name(interpreter->state),
		.note = interpreter_explain(interpreter->state),
	};

	text_clean(interpreter->path, strlen(interpreter->path), file, sizeof(file));
	interpreter_name(interpreter, name);
	return fn(userdata, &of);
}

int recorder_foreach_interpreter(struct recorder *recorder, recorder_interpreter_fn fn,
				 void *userdata)
{
	size_t n;
	_cleanup_free_ struct sampled *sampled = list_sampled(recorder, &n);

	for (size_t i = 0; i < interpreters_count(recorder->interpreters); i++) {
		const struct interpreter *at = interpreters_get(recorder->interpreters, i);
		const struct known_process *known =
			at ? find_known(recorder, sampled, n, at->pid) : NULL;
		int r = known ? hand_out(at, known, fn, userdata) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}
