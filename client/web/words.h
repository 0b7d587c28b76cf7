/* SPDX-License-Identifier: MIT */
/*
 * Parameters of a page's request, made into the command line that says the same: so what a person
 * types there and what is clicked here is read, checked and refused by the same code. A parameter
 * is an option of the route's verb without its dashes ("since", "python-only=true"); "target" is a
 * target as on the bus ("pid:42"), "seconds" the word behind set-interval.
 */
#pragma once

#include "client/args/arguments.h"
#include "client/base/json_tree.h"
#include "client/web/route.h"

/* So many parameters at most, beside the limits of what they say. */
#define WEB_WORDS_MAX 256

struct web_words;

struct web_words *web_words_new(const struct web_route *route); /* NULL: no memory */
struct web_words *web_words_free(struct web_words *words);

/* value NULL: a flag. 0, -ENOMEM, -EINVAL: the route has no such parameter, or that is no value
 * for it; web_words_why() says so. */
int web_words_add(struct web_words *words, const char *name, const char *value);
/* The same of bytes: a 0 among them would cut them short, and is refused. */
int web_words_add_bytes(struct web_words *words, const char *name, size_t name_length,
			const char *value, size_t value_length);
/* A body: an object of parameters, each a text, a number, true, or for several an array of them;
 * what is null, false or "" is not given. */
int web_words_add_tree(struct web_words *words, struct json_object *tree);
/* The text of such a body; also -EBADMSG: it is no JSON. For any route: *ret is the caller's. */
int web_words_read_body(const char *text, size_t length, struct json_object **ret);
const char *web_words_why(const struct web_words *words);

/* As arguments_parse(). The texts of the request are borrowed from words. */
int web_words_parse(const struct web_words *words, uint64_t now_usec, struct request *ret,
		    char ret_why[static ARGUMENTS_WHY_BYTES]);
