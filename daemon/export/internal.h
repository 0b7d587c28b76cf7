/* SPDX-License-Identifier: MIT */
/* The order of an export, shared by the files of this folder. No other folder includes it. */
#pragma once

#include <stdatomic.h>

#include "daemon/export/export.h"
#include "daemon/query/pattern.h"

/* The order, owned by struct export and read by its thread. */
struct export_order {
	struct query query; /* targets are a copy; filter is compiled below */
	struct export_options options;
	struct pattern *filter; /* NULL: all stacks */
	struct pattern *focus;  /* NULL: no frame */
	char *database;
	const atomic_bool *stop; /* set when the export is to be stopped */
};

struct export_pipe;

/* Runs the whole export in its thread. A failure is reported in the stream. */
void export_run(const struct export_order *order, const struct export_pipe *pipe);
