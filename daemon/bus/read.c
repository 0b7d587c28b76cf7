/* SPDX-License-Identifier: MIT */
#include "daemon/bus/read.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"
#include "daemon/bus/reply.h"

#define refuse(error, ...)                                                               \
	({                                                                               \
		struct failure _failure;                                                 \
		failure_set(&_failure, -EINVAL, OX_ERROR_INVALID_ARGUMENT, __VA_ARGS__); \
		bus_error_set(error, &_failure);                                         \
	})

static int add_target(const char *text, struct target **targets, size_t *n, sd_bus_error *error)
{
	struct target *grown;
	int r;

	if (*n >= OX_TARGETS_MAX)
		return sd_bus_error_setf(error, OX_ERROR_LIMIT_REACHED,
					 "more than %d targets in one request; name a unit, a "
					 "cgroup or a user that has them",
					 OX_TARGETS_MAX);
	/* Room for 64, as array_reserve() makes, would be 256 KiB; most calls name one target. */
	grown = reallocarray(*targets, *n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*targets = grown;
	r = target_parse(text, &grown[*n]);
	if (r < 0)
		return refuse(error,
			      "\"%.100s\" is not a target: pid:N, comm:NAME, unit:NAME, "
			      "cgroup:/PATH, user:NAME or all",
			      text);
	(*n)++;
	return 0;
}

int bus_read_targets(sd_bus_message *message, struct target **ret, size_t *ret_n,
		     sd_bus_error *error)
{
	_cleanup_free_ struct target *targets = NULL;
	const char *text;
	size_t n = 0;
	int r = sd_bus_message_enter_container(message, 'a', "s");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(message, "s", &text)) > 0) {
		r = add_target(text, &targets, &n, error);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(message);
	if (r < 0)
		return r;
	*ret = take_ptr(targets);
	*ret_n = n;
	return 0;
}

/* Consumes the value of a key that it knows and returns 1; returns 0 for another key. */
typedef int (*read_value_t)(sd_bus_message *message, const char *key, void *userdata,
			    sd_bus_error *error);

static int read_entry(sd_bus_message *message, read_value_t read, void *userdata,
		      sd_bus_error *error)
{
	const char *key;
	int r = sd_bus_message_read(message, "s", &key);

	if (r < 0)
		return r;
	r = read(message, key, userdata, error);
	if (r == -ENXIO || r == -ENOMSG)
		return refuse(error, "option \"%.60s\" has a value of the wrong type", key);
	if (r == 0)
		return refuse(error, "there is no option \"%.60s\"", key);
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* Reads an a{sv} by `read`; a key that `read` does not know is refused. */
static int read_dict(sd_bus_message *message, read_value_t read, void *userdata,
		     sd_bus_error *error)
{
	int r = sd_bus_message_enter_container(message, 'a', "{sv}");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		r = read_entry(message, read, userdata, error);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_variant(sd_bus_message *message, const char *type, void *ret)
{
	int r = sd_bus_message_enter_container(message, 'v', type);

	assert(type[0] && !type[1]);
	if (r < 0)
		return r;
	r = sd_bus_message_read_basic(message, type[0], ret);
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(message);
	return r < 0 ? r : 1;
}

int bus_read_interval(double seconds, uint64_t *ret_ns, sd_bus_error *error)
{
	if (interval_from_seconds(seconds, OX_INTERVAL_MIN_NS, OX_INTERVAL_MAX_NS, ret_ns) < 0)
		return refuse(error,
			      "an interval of %g s is not possible: 0.0001 to 10 seconds are",
			      seconds);
	return 1;
}

static int read_for(sd_bus_message *message, struct unpause_options *options, sd_bus_error *error)
{
	int r = read_variant(message, "t", &options->for_usec);

	if (r < 0)
		return r;
	if (!options->for_usec || options->for_usec > UINT64_C(315360000000000))
		return refuse(error,
			      "a time of %" PRIu64
			      " usec is not possible: it must be above 0 and at most ten years",
			      options->for_usec);
	return 1;
}

static int read_mode(sd_bus_message *message, sd_bus_error *error)
{
	const char *mode;
	int r = read_variant(message, "s", &mode);

	if (r < 0)
		return r;
	if (!strcmp(mode, "wall"))
		return refuse(
			error,
			"mode wall is not in this release; use --mode=cpu, the time on a CPU");
	return strcmp(mode, "cpu") ? refuse(error, "there is no mode \"%.60s\"; there is cpu", mode)
				   : 1;
}

static int read_unpause_option(sd_bus_message *message, const char *key, void *userdata,
			       sd_bus_error *error)
{
	struct unpause_options *options = userdata;
	double seconds;
	int yes, r;

	if (!strcmp(key, "for"))
		return read_for(message, options, error);
	if (!strcmp(key, "mode"))
		return read_mode(message, error);
	if (!strcmp(key, "interval")) {
		r = read_variant(message, "d", &seconds);
		return r < 0 ? r : bus_read_interval(seconds, &options->interval_ns, error);
	}
	if (strcmp(key, "children"))
		return 0;
	r = read_variant(message, "b", &yes);
	if (r < 0)
		return r;
	options->children = yes;
	return 1;
}

int bus_read_unpause_options(sd_bus_message *message, struct unpause_options *ret,
			     sd_bus_error *error)
{
	*ret = (struct unpause_options){0};
	return read_dict(message, read_unpause_option, ret, error);
}

static int read_name(sd_bus_message *message, const char **ret)
{
	return read_variant(message, "s", ret);
}

static int read_query_targets(sd_bus_message *message, struct bus_question *question,
			      sd_bus_error *error)
{
	int r = sd_bus_message_enter_container(message, 'v', "as");

	if (r < 0)
		return r;
	free(take_ptr(question->targets));
	question->query.n_targets = 0;
	r = bus_read_targets(message, &question->targets, &question->query.n_targets, error);
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(message);
	return r < 0 ? r : 1;
}

/* Reads a value that is one of the words of its key. */
static int read_query_word(sd_bus_message *message, const char *key, struct query *query,
			   sd_bus_error *error)
{
	const char *word;
	int r = read_name(message, &word);

	if (r < 0)
		return r;
	if (!strcmp(key, "sort"))
		r = query_sort_parse(word, &query->sort);
	else if (!strcmp(key, "by"))
		r = query_by_parse(word, &query->by);
	else
		r = query_kind_parse(word, &query->kind);
	return r < 0 ? refuse(error, "%s cannot be \"%.60s\"; oxprofd(8) lists its words", key,
			      word)
		     : 1;
}

static int read_window(sd_bus_message *message, const char *key, struct bus_question *question)
{
	struct store_range *range = &question->query.range;

	question->has_window = true;
	if (!strcmp(key, "since"))
		return read_variant(message, "t", &range->since_usec);
	if (!strcmp(key, "until"))
		return read_variant(message, "t", &range->until_usec);
	return read_variant(message, "x", &range->session);
}

/* Reads the options that choose stacks, which Query and Export have in common. */
static int read_choice(sd_bus_message *message, const char *key, struct bus_question *question,
		       sd_bus_error *error)
{
	if (!strcmp(key, "filter"))
		return read_name(message, &question->query.filter);
	if (!strcmp(key, "since") || !strcmp(key, "until") || !strcmp(key, "session"))
		return read_window(message, key, question);
	if (!strcmp(key, "targets"))
		return read_query_targets(message, question, error);
	return strcmp(key, "kind") ? 0 : read_query_word(message, key, &question->query, error);
}

static int read_query_option(sd_bus_message *message, const char *key, void *userdata,
			     sd_bus_error *error)
{
	struct bus_question *question = userdata;

	if (!strcmp(key, "max"))
		return read_variant(message, "u", &question->query.max);
	if (!strcmp(key, "sort") || !strcmp(key, "by"))
		return read_query_word(message, key, &question->query, error);
	return read_choice(message, key, question, error);
}

static int read_dimension(const char *word, struct export_options *options, sd_bus_error *error)
{
	if (!strcmp(word, "stack"))
		options->stacks = true;
	else if (!strcmp(word, "task"))
		options->tasks = true;
	else if (!strcmp(word, "time"))
		options->slots = true;
	else
		return refuse(error,
			      "there is no dimension \"%.60s\"; there are stack, task and time",
			      word);
	return 0;
}

static int read_dimension_words(sd_bus_message *message, struct export_options *options,
				sd_bus_error *error)
{
	const char *word;
	int r = sd_bus_message_enter_container(message, 'a', "s");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(message, "s", &word)) > 0) {
		r = read_dimension(word, options, error);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_dimensions(sd_bus_message *message, struct export_options *options,
			   sd_bus_error *error)
{
	int r = sd_bus_message_enter_container(message, 'v', "as");

	if (r < 0)
		return r;
	options->stacks = options->tasks = options->slots = false;
	r = read_dimension_words(message, options, error);
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(message);
	return r < 0 ? r : 1;
}

static int read_step(sd_bus_message *message, struct export_options *options, sd_bus_error *error)
{
	int r = read_variant(message, "t", &options->step_usec);

	if (r < 0)
		return r;
	if (!options->step_usec || options->step_usec % OX_WINDOW_USEC)
		return refuse(error,
			      "a step of %" PRIu64
			      " usec is not possible: a multiple of 10 seconds is",
			      options->step_usec);
	return 1;
}

static int read_export_option(sd_bus_message *message, const char *key, void *userdata,
			      sd_bus_error *error)
{
	struct bus_question *question = userdata;

	if (!strcmp(key, "dimensions"))
		return read_dimensions(message, &question->options, error);
	if (!strcmp(key, "step"))
		return read_step(message, &question->options, error);
	if (!strcmp(key, "focus"))
		return read_name(message, &question->options.focus);
	return read_choice(message, key, question, error);
}

static int check_window(uint64_t since_usec, uint64_t until_usec, sd_bus_error *error)
{
	if (since_usec >= until_usec)
		return refuse(error,
			      "the window ends before it begins: since must be before until");
	return 0;
}

static int read_question(sd_bus_message *message, read_value_t read, struct bus_question *question,
			 sd_bus_error *error)
{
	struct query *query = &question->query;
	int r;

	*question = (struct bus_question){
		.query.max = OX_RECORDS_DEFAULT,
		.query.range = {.until_usec = UINT64_MAX, .owner = UINT32_MAX},
		.query.only_uid = UINT32_MAX,
		.options.stacks = true,
	};
	r = read_dict(message, read, question, error);
	query->targets = question->targets;
	if (r < 0)
		return r;
	return check_window(query->range.since_usec, query->range.until_usec, error);
}

int bus_read_query(sd_bus_message *message, struct bus_question *ret, sd_bus_error *error)
{
	return read_question(message, read_query_option, ret, error);
}

int bus_read_export(sd_bus_message *message, struct bus_question *ret, sd_bus_error *error)
{
	return read_question(message, read_export_option, ret, error);
}

/* ---- whose sessions ---- */

static int read_session(sd_bus_message *message, struct bus_scope *scope, sd_bus_error *error)
{
	int r = read_variant(message, "x", &scope->session);

	if (r < 0)
		return r;
	if (scope->session <= 0)
		return refuse(error, "there is no session %" PRId64 "; see oxprofctl history",
			      scope->session);
	return 1;
}

static int read_scope_option(sd_bus_message *message, const char *key, void *userdata,
			     sd_bus_error *error)
{
	struct bus_scope *scope = userdata;
	int yes, r;

	if (!strcmp(key, "session"))
		return read_session(message, scope, error);
	if (strcmp(key, "all_users"))
		return 0;
	r = read_variant(message, "b", &yes);
	if (r < 0)
		return r;
	scope->all_users = yes;
	return 1;
}

int bus_read_scope(sd_bus_message *message, struct bus_scope *ret, sd_bus_error *error)
{
	*ret = (struct bus_scope){0};
	return sd_bus_message_at_end(message, true) > 0
		       ? 0
		       : read_dict(message, read_scope_option, ret, error);
}

static int read_history_option(sd_bus_message *message, const char *key, void *userdata,
			       sd_bus_error *error)
{
	struct history_options *options = userdata;

	if (!strcmp(key, "since"))
		return read_variant(message, "t", &options->since_usec);
	if (!strcmp(key, "until"))
		return read_variant(message, "t", &options->until_usec);
	if (!strcmp(key, "max"))
		return read_variant(message, "u", &options->max);
	return read_scope_option(message, key, &options->scope, error);
}

int bus_read_history(sd_bus_message *message, struct history_options *ret, sd_bus_error *error)
{
	int r;

	*ret = (struct history_options){.until_usec = UINT64_MAX};
	r = read_dict(message, read_history_option, ret, error);
	return r < 0 ? r : check_window(ret->since_usec, ret->until_usec, error);
}
