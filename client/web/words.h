/* SPDX-License-Identifier: MIT */
/*
 * Turns the parameters of a page's request into a command line of the same meaning, so that the
 * same code reads, checks and refuses what a person types there and clicks here. A parameter is an
 * option of the route's verb without its dashes ("since", "python-only=true"); "target" is a target
 * as on the bus ("pid:42"), "seconds" is the argument of set-interval.
 */
#pragma once

#include "client/args/arguments.h"
#include "client/base/json_tree.h"
#include "client/web/route.h"

/* The most parameters of a request; the verb may have lower limits for each of them. */
#define WEB_WORDS_MAX 256

struct web_words;

struct web_words *web_words_new(const struct web_route *route); /* NULL: no memory */
struct web_words *web_words_free(struct web_words *words);

/* Adds a parameter; value NULL: a flag. Returns 0, -ENOMEM, or -EINVAL where the route has no such
 * parameter, or the value is wrong, or one of the texts has a NUL in it, which would cut it short;
 * then web_words_why() says which. */
int web_words_add_bytes(struct web_words *words, const char *name, size_t name_length,
			const char *value, size_t value_length);
/* Adds the parameters of a body, an object. Each value is a text, a number, true, or an array of
 * these; null, false and "" stand for a parameter that is not given. Returns as above. */
int web_words_add_tree(struct web_words *words, struct json_object *tree);
/* Parses the text of a body into *ret, which the caller owns. Returns 0, -ENOMEM, or -EBADMSG where
 * it is no JSON object. */
int web_words_read_body(const char *text, size_t length, struct json_object **ret);
/* Returns the reason of the last -EINVAL, borrowed from words. */
const char *web_words_why(const struct web_words *words);

/* Parses the words as arguments_parse() does. The texts of the request are borrowed from words. */
int web_words_parse(const struct web_words *words, uint64_t now_usec, struct request *ret,
		    char ret_why[static ARGUMENTS_WHY_BYTES]);
