/* SPDX-License-Identifier: MIT */
/*
 * The C functions of an interpreter that run Python code and carry its calls, as ranges of its
 * code. One table tells which: what is in it never shows between two Python functions; what is not
 * (list_sort_impl, builtin_sum, PyImport_...) is C code that people want to see.
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/symbolizer_wire.h"
#include "daemon/symbolizer/elf/dynamic.h"

struct python_code {
	struct python_piece *pieces;
	size_t n_pieces, size;
	bool has_parts; /* a symbol told of one */
	int error;      /* -ENOMEM: pieces are missing */
};

void python_code_done(struct python_code *code);
/* A symbol of the file; most are none of these. */
void python_code_add(struct python_code *code, const char *name, const struct elf_symbol *symbol);
/* Those of them that the file exports. */
void python_code_add_exported(struct python_code *code, const struct elf_dynamic *dynamic);
/* The parts of what runs Python code that the compiler put elsewhere, where no symbol told. */
void python_code_add_parts(struct python_code *code, const struct elf_file *elf);
bool python_code_has_eval(const struct python_code *code);
/* Rising, apart; where there are too many, what runs Python code first, then in the table's order.
 * 0 or -ENOMEM. */
int python_code_get(struct python_code *code, struct symbolizer_python *ret);
