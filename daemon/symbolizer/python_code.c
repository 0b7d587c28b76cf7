/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/python_code.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/python_parts.h"

#define PIECES_MAX 4096
/* Functions begin at multiples of this; a smaller gap before one is padding. */
#define ALIGN 16

struct python_piece {
	uint64_t start, end;
	uint32_t rank; /* index in known */
};

/*
 * Functions seen in the stacks of 3.6 to 3.13 between one Python function and the next, or the C
 * function that it called. Generators too: a for loop runs them by gen_iternext (up to 3.10),
 * "yield from" by gen_send_ex. Functions that show people why a call is made are not here:
 * partial_call, map_next, property_descr_get, subtype_dealloc, run_mod. The most important come
 * first. A name that ends in "*" stands for all names that begin so.
 */
static const struct {
	const char *name;
	enum symbolizer_python_code code;
} known[] = {
	{"_PyEval_EvalFrameDefault", SYMBOLIZER_PYTHON_EVAL},
	/* 3.14 and later, built with tail calls, have a function for each instruction. They jump to
	 * one another, and return to the frame of _PyEval_EvalFrameDefault, which called the first
	 * one. */
	{"_TAIL_CALL_*", SYMBOLIZER_PYTHON_CALL},
	/* Calls of Python functions. */
	{"PyEval_EvalFrameEx", SYMBOLIZER_PYTHON_CALL},
	{"PyEval_EvalFrame", SYMBOLIZER_PYTHON_CALL},
	{"_PyEval_EvalFrame", SYMBOLIZER_PYTHON_CALL},
	{"_PyEval_Vector", SYMBOLIZER_PYTHON_CALL},
	{"_PyEval_EvalCodeWithName", SYMBOLIZER_PYTHON_CALL},
	{"_PyEval_EvalCode", SYMBOLIZER_PYTHON_CALL},
	{"PyEval_EvalCode", SYMBOLIZER_PYTHON_CALL},
	{"PyEval_EvalCodeEx", SYMBOLIZER_PYTHON_CALL},
	{"run_eval_code_obj", SYMBOLIZER_PYTHON_CALL},
	{"_PyFunction_Vectorcall", SYMBOLIZER_PYTHON_CALL},
	{"_PyFunction_FastCallDict", SYMBOLIZER_PYTHON_CALL},
	{"_PyFunction_FastCallKeywords", SYMBOLIZER_PYTHON_CALL},
	{"_PyFunction_FastCall", SYMBOLIZER_PYTHON_CALL},
	{"function_code_fastcall", SYMBOLIZER_PYTHON_CALL},
	{"function_call", SYMBOLIZER_PYTHON_CALL},
	{"fast_function", SYMBOLIZER_PYTHON_CALL},
	{"call_function", SYMBOLIZER_PYTHON_CALL},
	{"trace_call_function", SYMBOLIZER_PYTHON_CALL},
	{"do_call_core", SYMBOLIZER_PYTHON_CALL},
	/* Calls of any callable. */
	{"_PyObject_Vectorcall", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_VectorcallTstate", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_VectorcallDictTstate", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_Vectorcall", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_VectorcallDict", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_VectorcallMethod", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_FastCall", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_FastCallDict", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_FastCallDictTstate", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_FastCallKeywords", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_FastCall_Prepend", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_Call", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_Call_Prepend", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_MakeTpCall", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_Call", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_CallObject", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_CallNoArg", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_CallNoArgs", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_CallOneArg", SYMBOLIZER_PYTHON_CALL},
	{"_PyVectorcall_Call", SYMBOLIZER_PYTHON_CALL},
	{"PyVectorcall_Call", SYMBOLIZER_PYTHON_CALL},
	{"PyEval_CallObjectWithKeywords", SYMBOLIZER_PYTHON_CALL},
	{"object_vacall", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_CallFunctionObjArgs", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_CallMethodObjArgs", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_CallMethodIdObjArgs", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_CallFunction", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_CallFunction_SizeT", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_CallFunctionVa", SYMBOLIZER_PYTHON_CALL},
	{"PyObject_CallMethod", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_CallMethod", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_CallMethodId", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_CallMethodFormat", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_CallMethod_SizeT", SYMBOLIZER_PYTHON_CALL},
	{"_PyObject_CallMethodId_SizeT", SYMBOLIZER_PYTHON_CALL},
	/* Bound methods. */
	{"method_vectorcall", SYMBOLIZER_PYTHON_CALL},
	{"method_call", SYMBOLIZER_PYTHON_CALL},
	{"instancemethod_call", SYMBOLIZER_PYTHON_CALL},
	/* Generators and coroutines. */
	{"gen_send_ex", SYMBOLIZER_PYTHON_CALL},
	{"gen_send_ex2", SYMBOLIZER_PYTHON_CALL},
	{"gen_iternext", SYMBOLIZER_PYTHON_CALL},
	{"gen_send", SYMBOLIZER_PYTHON_CALL},
	{"_PyGen_Send", SYMBOLIZER_PYTHON_CALL},
	{"PyGen_am_send", SYMBOLIZER_PYTHON_CALL},
	{"PyIter_Send", SYMBOLIZER_PYTHON_CALL},
	/* Calls of C functions from Python. */
	{"_PyCFunction_FastCallDict", SYMBOLIZER_PYTHON_CALL},
	{"_PyCFunction_FastCallKeywords", SYMBOLIZER_PYTHON_CALL},
	{"_PyMethodDef_RawFastCallDict", SYMBOLIZER_PYTHON_CALL},
	{"_PyMethodDef_RawFastCallKeywords", SYMBOLIZER_PYTHON_CALL},
	{"PyCFunction_Call", SYMBOLIZER_PYTHON_CALL},
	{"cfunction_call", SYMBOLIZER_PYTHON_CALL},
	{"cfunction_call_varargs", SYMBOLIZER_PYTHON_CALL},
	{"cfunction_vectorcall_*", SYMBOLIZER_PYTHON_CALL},
	{"method_vectorcall_*", SYMBOLIZER_PYTHON_CALL},
	/* Calls of classes, and of the operators that a Python class defines. */
	{"type_call", SYMBOLIZER_PYTHON_CALL},
	{"call_unbound", SYMBOLIZER_PYTHON_CALL},
	{"call_unbound_noarg", SYMBOLIZER_PYTHON_CALL},
	{"call_method", SYMBOLIZER_PYTHON_CALL},
	{"call_maybe", SYMBOLIZER_PYTHON_CALL},
	{"call_attribute", SYMBOLIZER_PYTHON_CALL},
	{"vectorcall_unbound", SYMBOLIZER_PYTHON_CALL},
	{"vectorcall_method", SYMBOLIZER_PYTHON_CALL},
	{"vectorcall_maybe", SYMBOLIZER_PYTHON_CALL},
	{"slot_*", SYMBOLIZER_PYTHON_CALL},
};

void python_code_done(struct python_code *code)
{
	free(code->pieces);
	*code = (struct python_code){};
}

static bool is_known(const char *name, size_t length, const char *pattern)
{
	size_t bytes;

	if (*name != *pattern)
		return false;
	bytes = strlen(pattern);
	if (pattern[bytes - 1] == '*')
		return strncmp(name, pattern, bytes - 1) == 0;
	return length == bytes && memcmp(name, pattern, length) == 0;
}

static void add_piece(struct python_code *code, uint64_t start, uint64_t bytes, uint32_t rank)
{
	uint64_t end;
	int r;

	if (bytes == 0 || __builtin_add_overflow(start, bytes, &end) ||
	    code->n_pieces >= PIECES_MAX)
		return;
	r = array_reserve(code->pieces, code->size, code->n_pieces + 1);
	if (r < 0)
		code->error = r;
	else
		code->pieces[code->n_pieces++] = (struct python_piece){start, end, rank};
}

/* Cuts the name at "." or "@": what follows was added by the compiler or linker, like ".cold",
 * ".part.0", ".lto_priv.0". */
void python_code_add(struct python_code *code, const char *name, const struct elf_symbol *symbol)
{
	size_t length = strcspn(name, ".@");

	for (size_t i = 0; i < array_length(known); i++)
		if (is_known(name, length, known[i].name)) {
			add_piece(code, symbol->vaddr, symbol->bytes, i);
			code->has_parts |=
				name[length] == '.' && known[i].code == SYMBOLIZER_PYTHON_EVAL;
			return;
		}
}

void python_code_add_exported(struct python_code *code, const struct elf_dynamic *dynamic)
{
	struct elf_symbol symbol;

	for (size_t i = 0; i < array_length(known); i++)
		if (elf_dynamic_find(dynamic, known[i].name, &symbol) == 0)
			add_piece(code, symbol.vaddr, symbol.bytes, i);
}

static bool piece_is_eval(const struct python_piece *piece)
{
	return known[piece->rank].code == SYMBOLIZER_PYTHON_EVAL;
}

static const struct python_piece *find_eval(const struct python_code *code)
{
	for (size_t i = 0; i < code->n_pieces; i++)
		if (piece_is_eval(&code->pieces[i]))
			return &code->pieces[i];
	return NULL;
}

/* Adds the parts of the first such function only, however many a file claims to have. */
void python_code_add_parts(struct python_code *code, const struct elf_file *elf)
{
	const struct python_piece *eval = find_eval(code);
	struct elf_symbol parts[PYTHON_PARTS_MAX];
	uint32_t rank;
	size_t n;

	if (!eval || code->has_parts)
		return;
	rank = eval->rank;
	n = python_parts_find(elf, eval->start, eval->end, parts);
	for (size_t i = 0; i < n; i++)
		add_piece(code, parts[i].vaddr, parts[i].bytes, rank);
}

bool python_code_has_eval(const struct python_code *code)
{
	return find_eval(code) != NULL;
}

static int compare_ranks(const void *a, const void *b)
{
	const struct python_piece *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

static int compare_places(const void *a, const void *b)
{
	const struct python_piece *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return compare_ranks(a, b);
}

static bool is_next(uint64_t end, uint64_t start)
{
	return start == end || (start % ALIGN == 0 && start - end < ALIGN);
}

/* Adds a piece; pieces come in rising order. One that overlaps the last range is cut, one of the
 * same code right behind it extends it. Returns false if there is no room for it. */
static bool add_range(struct symbolizer_python *python, const struct python_piece *piece)
{
	struct symbolizer_python_range *last =
		python->n_ranges ? &python->ranges[python->n_ranges - 1] : NULL;
	uint32_t kind = known[piece->rank].code;
	uint64_t start = piece->start;

	assert(piece->start < piece->end);
	if (last && start < last->end)
		start = last->end;
	if (start >= piece->end)
		return true;
	if (last && last->code == kind && is_next(last->end, start)) {
		last->end = piece->end;
		return true;
	}
	if (python->n_ranges >= SYMBOLIZER_PYTHON_RANGES_MAX)
		return false;
	python->ranges[python->n_ranges++] =
		(struct symbolizer_python_range){.start = start, .end = piece->end, .code = kind};
	return true;
}

/* Makes the ranges of the n pieces, which it sorts by address. Returns true if all found room. */
static bool add_ranges(struct python_piece *pieces, size_t n, struct symbolizer_python *ret)
{
	qsort(pieces, n, sizeof(*pieces), compare_places);
	ret->n_ranges = 0;
	for (size_t i = 0; i < n; i++)
		if (!add_range(ret, &pieces[i]))
			return false;
	return true;
}

int python_code_get(struct python_code *code, struct symbolizer_python *ret)
{
	size_t n = code->n_pieces;

	if (code->error < 0)
		return code->error;
	ret->n_ranges = 0;
	/* Each time around, the least important sixteenth of the pieces is left out. */
	while (n > 0 && !add_ranges(code->pieces, n, ret)) {
		qsort(code->pieces, n, sizeof(*code->pieces), compare_ranks);
		n -= (n + 15) / 16;
	}
	return 0;
}
