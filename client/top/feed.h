/* SPDX-License-Identifier: MIT */
/*
 * Asks the daemon for what top shows: each second one query and the status, another query where the
 * filter has not judged a name yet, and one query a minute that keeps the answers short.
 */
#pragma once

#include "client/bus/bus.h"
#include "client/top/model.h"

struct top_feed;

/* Creates a feed that borrows the bus and what the request points to, but ignores the request's
 * filter: see top_feed_set_filter(). Returns NULL when out of memory. */
struct top_feed *top_feed_new(struct bus *bus, const struct request *request);
struct top_feed *top_feed_free(struct top_feed *feed);

/* Asks once. Returns 0 where the model has what was sampled since the previous answer, 1 where that
 * is not known (see top_model_add()), or a negative errno, and then nothing was counted. */
int top_feed_ask(struct top_feed *feed);
/* Returns one line about the last failure, which may concern the status while the counts are good;
 * "" where nothing failed. Borrowed until the next call that asks. */
const char *top_feed_get_problem(const struct top_feed *feed);

/* Starts the count again by another kind of row. Borrows the word. Returns 0 or a negative errno as
 * top_feed_ask(). */
int top_feed_set_by(struct top_feed *feed, const char *by);
/* Starts the count again with frames of another kind; NULL: all kinds. Otherwise likewise. */
int top_feed_set_kind(struct top_feed *feed, const char *kind);
/* Copies the filter (NULL: none) and applies it. Returns 0, or a negative errno, and then the
 * previous filter stays. */
int top_feed_set_filter(struct top_feed *feed, const char *filter);

const char *top_feed_get_by(const struct top_feed *feed);
const char *top_feed_get_kind(const struct top_feed *feed);   /* NULL: all */
const char *top_feed_get_filter(const struct top_feed *feed); /* NULL: none */
const struct top_model *top_feed_get_model(const struct top_feed *feed);
/* Returns the last result of bus_get_status(), borrowed until the next call that asks; NULL: not
 * known. */
struct json_object *top_feed_get_status(const struct top_feed *feed);
/* Returns the daemon's share of one CPU in the last second; below 0: not known. */
double top_feed_get_daemon_share(const struct top_feed *feed);
/* True if only the caller's own processes are counted. */
bool top_feed_is_restricted(const struct top_feed *feed);
