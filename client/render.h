/* SPDX-License-Identifier: MIT */
/*
 * Answers as text for people. They know no bus: what they are given are the trees of bus.h.
 * 0 or -ENOMEM; errors of writing stay in the FILE.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "client/request.h"
#include "client/screen.h"
#include "client/tree.h"

int render_status(struct json_object *status, const struct screen *screen, FILE *out);
/* query: what a row stands for decides on the columns. */
int render_query(struct json_object *answer, const struct request *request,
		 const struct screen *screen, FILE *out);
/* show: function, hits, share. */
int render_top(struct json_object *answer, const struct screen *screen, FILE *out);
int render_history(struct json_object *history, const struct screen *screen, FILE *out);

/* Is the reason one of a sample that is there, with a part of its stack missing? */
bool loss_is_in_part(const char *reason);
/* "12 late, 3 store" of one of the two sorts; no loss: "". The caller frees. NULL: no memory. */
char *render_losses(struct json_object *lost, bool in_part);
