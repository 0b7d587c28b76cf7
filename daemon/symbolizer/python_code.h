/* SPDX-License-Identifier: MIT */
/*
 * Finds the C functions of an interpreter that run Python code and carry its calls, as ranges of
 * its code. One table lists them: what is in it never shows between two Python functions; what is
 * not (list_sort_impl, builtin_sum, PyImport_...) is C code that people want to see.
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/symbolizer_wire.h"
#include "daemon/symbolizer/elf/dynamic.h"

struct python_code {
	struct python_piece *pieces;
	size_t n_pieces, size;
	bool has_parts; /* a symbol named one */
	int error;      /* -ENOMEM if pieces are missing */
};

void python_code_done(struct python_code *code);
/* Adds a symbol of the file if it is one of these functions; most are not. */
void python_code_add(struct python_code *code, const char *name, const struct elf_symbol *symbol);
/* Adds those of these functions that the file exports. */
void python_code_add_exported(struct python_code *code, const struct elf_dynamic *dynamic);
/* Adds the parts of the function that runs Python code that the compiler put elsewhere, if no
 * symbol named one. To be called after all symbols were added. */
void python_code_add_parts(struct python_code *code, const struct elf_file *elf);
bool python_code_has_eval(const struct python_code *code);
/* Gets the ranges, in rising order and without overlaps. Where there are too many, those of the
 * function that runs Python code come first, then those of the others in the order of the table.
 * Returns 0 or -ENOMEM. */
int python_code_get(struct python_code *code, struct symbolizer_python *ret);
