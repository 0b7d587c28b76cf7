/* SPDX-License-Identifier: MIT */
/* What the files of an export share; nobody else includes it. */
#pragma once

#include <stdatomic.h>

#include "daemon/export/export.h"
#include "daemon/query/pattern.h"

/* What was ordered; owned by struct export, read by its thread. */
struct export_order {
	struct query query; /* filter and targets are not the caller's any more */
	struct export_options options;
	struct pattern *filter; /* NULL: all stacks */
	struct pattern *focus;  /* NULL: no frame */
	char *database;
	const atomic_bool *stop;
};

struct export_pipe;

/* All that the thread does. */
void export_run(const struct export_order *order, const struct export_pipe *pipe);
