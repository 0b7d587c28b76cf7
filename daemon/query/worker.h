/* SPDX-License-Identifier: MIT */
/*
 * Answers questions in two threads, so that the event loop goes on sampling whatever is asked. One
 * is for root, whom nobody's question keeps waiting, and goes before other programs as the loop
 * does (priority.h); the other one for everybody else, user by user in turn. Questions of one user
 * are answered in the order in which they were asked.
 *
 * All functions are for the thread of the event loop.
 */
#pragma once

#include <stdbool.h>

#include "daemon/query/question.h"

#define WORKER_UID_ROOT UINT32_MAX /* root, or whoever is to be treated so */

struct worker;
struct worker_ticket; /* of a question that is not answered yet */

/* Starts the threads. The database is opened anew for each question. Returns 0 or a negative
 * errno. */
int worker_new(const char *database, struct worker **ret);
/* Stops and drops all questions, and waits for the threads: up to a second. */
struct worker *worker_free(struct worker *worker);
/* Returns a descriptor that is readable when worker_dispatch() has something to do. Borrowed. */
int worker_fd(const struct worker *worker);
/* Calls the functions of the questions that have been answered. */
void worker_dispatch(struct worker *worker);

/* Receives an answer, borrowed for the call; may ask again. The ticket is no more. */
typedef void (*worker_fn)(void *userdata, const struct question_answer *answer);
/* Takes the question, whatever the result, and gives it a place in the queue; it is answered once
 * worker_begin() was called. Returns 0, -EBUSY where too many questions wait in all, -EDQUOT where
 * too many of this user do, or -ENOMEM. */
int worker_ask(struct worker *worker, uint32_t uid, struct question *question, worker_fn fn,
	       void *userdata, struct worker_ticket **ret);
/* Lets the question be answered: fn will be called once, later, by worker_dispatch(). */
void worker_begin(struct worker *worker, struct worker_ticket *ticket);
/* Lets no other question of the users begin, or lets them again; root's go on. */
void worker_hold(struct worker *worker, bool hold);
/* True if a question is being answered, by a reader of the database. */
bool worker_is_reading(struct worker *worker);
/* Stops the questions that are being answered, which takes milliseconds, and lets none begin until
 * worker_open(): the database is opened by none of them then. */
void worker_close(struct worker *worker);
void worker_open(struct worker *worker);
/* Gives the question up: its function will not be called. */
void worker_drop(struct worker *worker, struct worker_ticket *ticket);
