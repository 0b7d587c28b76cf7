/* SPDX-License-Identifier: MIT */
/*
 * What top asks of the daemon: each second one question and the status; a question more where a
 * filter has not judged a name yet, and two in a minute that keep the answers short.
 */
#pragma once

#include "client/bus/bus.h"
#include "client/top/model.h"

struct top_feed;

/* Borrows the bus, and what the request points to; its filter does not count yet. NULL: no memory.
 */
struct top_feed *top_feed_new(struct bus *bus, const struct request *request);
struct top_feed *top_feed_free(struct top_feed *feed);

/* Asks once. 0: the model has what was sampled since the answer before; 1: that is not known
 * (top_model_add()); or a negative errno: nothing was counted. */
int top_feed_ask(struct top_feed *feed);
/* What failed the last time, as one line, also beside the counts; "" where nothing did. */
const char *top_feed_get_problem(const struct top_feed *feed);

/* Begin anew: another way to count. NULL: all kinds. Negative: as top_feed_ask(). */
int top_feed_set_by(struct top_feed *feed, const char *by);
int top_feed_set_kind(struct top_feed *feed, const char *kind);
/* NULL: none. Copied. Negative: as above, and the old one stays. */
int top_feed_set_filter(struct top_feed *feed, const char *filter);

const char *top_feed_get_by(const struct top_feed *feed);
const char *top_feed_get_kind(const struct top_feed *feed);   /* NULL: all */
const char *top_feed_get_filter(const struct top_feed *feed); /* NULL: none */
const struct top_model *top_feed_get_model(const struct top_feed *feed);
/* As bus_get_status(); borrowed until the next question. NULL: not known yet. */
struct json_object *top_feed_get_status(const struct top_feed *feed);
/* Of one CPU, in the last second; below 0: not known. */
double top_feed_get_daemon_share(const struct top_feed *feed);
/* Only the caller's own processes are counted. */
bool top_feed_is_restricted(const struct top_feed *feed);
