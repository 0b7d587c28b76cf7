/* SPDX-License-Identifier: MIT */
#include "client/web/words.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"

struct web_words {
	const struct web_route *route;
	char *options[WEB_WORDS_MAX]; /* "--since=-5min" */
	size_t n;
	char *word;
	char why[256];
};

struct web_words *web_words_new(const struct web_route *route)
{
	struct web_words *words = calloc(1, sizeof(*words));

	assert(route && route->verb < N_VERBS);
	if (words)
		words->route = route;
	return words;
}

struct web_words *web_words_free(struct web_words *words)
{
	if (!words)
		return NULL;
	for (size_t i = 0; i < words->n; i++)
		free(words->options[i]);
	free(words->word);
	free(words);
	return NULL;
}

static int warn(struct web_words *words, const char *name, const char *what)
{
	snprintf(words->why, sizeof(words->why), "%s: %.64s: %s",
		 verb_infos[words->route->verb].name, name, what);
	return -EINVAL;
}

static int add_option(struct web_words *words, enum option_id option, const char *value)
{
	const struct option_info *info = &option_infos[option];

	assert(words->n <= WEB_WORDS_MAX);
	if (!(words->route->parameters & (UINT64_C(1) << option)))
		return warn(words, info->name, "not a parameter of this path");
	if (words->n == WEB_WORDS_MAX)
		return warn(words, info->name, "too many parameters");
	assert(!info->argument || value);
	if (asprintf(&words->options[words->n], "--%s%s%s", info->name, info->argument ? "=" : "",
		     info->argument ? value : "") < 0)
		return -ENOMEM;
	words->n++;
	return 0;
}

/* Adds a target such as "pid:42" or "all". */
static int add_target(struct web_words *words, const char *text)
{
	size_t length = strcspn(text, ":");
	enum option_id option;

	if (option_find(text, length, &option) < 0 || (int)option >= N_TARGET_KINDS ||
	    !text[length] != !option_infos[option].argument)
		return warn(words, text, "not a target such as pid:42, unit:NAME or all");
	return add_option(words, option, text[length] ? text + length + 1 : NULL);
}

static int set_word(struct web_words *words, const char *value)
{
	if (!verb_infos[words->route->verb].argument || words->word)
		return warn(words, "seconds", "not a parameter of this path");
	words->word = strdup(value);
	return words->word ? 0 : -ENOMEM;
}

/* Adds a parameter whose texts end where their only NUL is. Returns as web_words_add_bytes(). */
static int add_parameter(struct web_words *words, const char *name, const char *value)
{
	enum option_id option;
	bool wanted;

	if (!value)
		value = "true";
	if (!strcmp(name, "target"))
		return add_target(words, value);
	if (!strcmp(name, "seconds"))
		return set_word(words, value);
	if (option_find(name, strlen(name), &option) < 0 || (int)option < N_TARGET_KINDS)
		return warn(words, name, "not a parameter of this path");
	if (option_infos[option].argument)
		return add_option(words, option, value);
	if (parse_bool(value, &wanted) < 0)
		return warn(words, name, "neither true nor false");
	return wanted ? add_option(words, option, NULL) : 0;
}

int web_words_add_bytes(struct web_words *words, const char *name, size_t name_length,
			const char *value, size_t value_length)
{
	if (strlen(name) != name_length || (value && strlen(value) != value_length))
		return warn(words, name, "contains a NUL byte");
	return add_parameter(words, name, value);
}

static int add_value(struct web_words *words, const char *name, struct json_object *value)
{
	const char *text;
	size_t length;

	switch (json_object_get_type(value)) {
	case json_type_null:
		return 0;
	case json_type_boolean:
		return json_object_get_boolean(value) ? add_parameter(words, name, NULL) : 0;
	case json_type_string:
	case json_type_int:
	case json_type_double:
		text = json_object_get_string(value);
		if (!text)
			return -ENOMEM;
		/* json-c has no length for a number. */
		length = json_object_is_type(value, json_type_string)
				 ? (size_t)json_object_get_string_len(value)
				 : strlen(text);
		return *text || length
			       ? web_words_add_bytes(words, name, strlen(name), text, length)
			       : 0;
	default:
		return warn(words, name, "not a text, a number or true");
	}
}

int web_words_add_tree(struct web_words *words, struct json_object *tree)
{
	int r;

	if (!json_object_is_type(tree, json_type_object))
		return warn(words, "body", "not an object of JSON");
	json_object_object_foreach(tree, name, value)
	{
		bool many = json_object_is_type(value, json_type_array);
		size_t n = many ? json_object_array_length(value) : 1;

		for (size_t i = 0; i < n; i++) {
			r = add_value(words, name,
				      many ? json_object_array_get_idx(value, i) : value);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int web_words_read_body(const char *text, size_t length, struct json_object **ret)
{
	struct json_tokener *tokener = json_tokener_new();
	_cleanup_tree_ struct json_object *tree = NULL;
	size_t end;

	if (!tokener)
		return -ENOMEM;
	tree = json_tokener_parse_ex(tokener, text, (int)length);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (!json_object_is_type(tree, json_type_object) || end != length)
		return -EBADMSG;
	*ret = take_ptr(tree);
	return 0;
}

const char *web_words_why(const struct web_words *words)
{
	return words->why;
}

int web_words_parse(const struct web_words *words, uint64_t now_usec, struct request *ret,
		    char ret_why[static ARGUMENTS_WHY_BYTES])
{
	const char *verb = verb_infos[words->route->verb].name;
	char *argv[WEB_WORDS_MAX + 4] = {(char *)"oxprofctl", (char *)verb};
	int argc = 2;

	for (size_t i = 0; i < words->n; i++)
		argv[argc++] = words->options[i];
	if (words->word) {
		/* The word may look like an option, but is none. */
		argv[argc++] = (char *)"--";
		argv[argc++] = words->word;
	}
	assert((size_t)argc <= array_length(argv));
	return arguments_parse(argc, argv, now_usec, ret, ret_why);
}
