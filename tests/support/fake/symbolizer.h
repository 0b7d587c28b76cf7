/* SPDX-License-Identifier: MIT */
/*
 * daemon/objfile/symbolizer.h in the test's own process: it answers or fails when the test says so.
 * It is linked in place of the true one (tests/CMakeLists.txt).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/objfile/symbolizer.h"

struct symbolizer {
	struct symbol_lookup *lookup;
	struct fake_request *open;
	size_t n_requests; /* ever */
	size_t n_addresses;
	bool is_late; /* symbolizer_wait() comes back without answers */
	int error;    /* instead of an answer */
};

/* Returns a new one; fake_reader_free() frees it. */
struct symbolizer *fake_reader_new(void);

/* Answers all that is still asked with -ECANCELED, and frees it. */
void fake_reader_free(struct symbolizer *symbolizer);
