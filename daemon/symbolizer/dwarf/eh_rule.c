/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/dwarf/eh_rule.h"

#include <dwarf.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/cleanup.h"

/* DWARF numbers of registers, System V ABI for x86-64, figure 3.36. */
#define REGISTER_RBP 6
#define REGISTER_RSP 7
#define REGISTER_RA  16

/* True if an operation is a register and an offset, in either of its spellings. */
static bool op_is_register(const Dwarf_Op *op, uint64_t *ret_register, int64_t *ret_offset)
{
	if (op->atom == DW_OP_bregx) {
		*ret_register = op->number;
		*ret_offset = (int64_t)op->number2;
		return true;
	}
	if (op->atom < DW_OP_breg0 || op->atom > DW_OP_breg31)
		return false;
	*ret_register = op->atom - DW_OP_breg0;
	*ret_offset = (int64_t)op->number;
	return true;
}

/* True if the operations are the one expression that linkers write for the stubs of a .plt. Its
 * literal is how many bytes of a stub have run when its push is done. */
static bool ops_are_plt(const Dwarf_Op *ops, size_t n, int32_t *ret_threshold)
{
	static const uint8_t atoms[] = {DW_OP_breg7, DW_OP_breg16, DW_OP_lit15, DW_OP_and, 0,
					DW_OP_ge,    DW_OP_lit3,   DW_OP_shl,   DW_OP_plus};

	if (n != array_length(atoms) || ops[0].number != 8 || ops[1].number != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (atoms[i] && ops[i].atom != atoms[i])
			return false;
	if (ops[4].atom < DW_OP_lit0 || ops[4].atom > DW_OP_lit15)
		return false;
	*ret_threshold = ops[4].atom - DW_OP_lit0;
	return true;
}

/* Finds the kinds of rule, for rsp and for rbp, by what is done with the register and its offset:
 * nothing, deref, or deref and 8 more. */
static bool find_kinds(const Dwarf_Op *ops, size_t n, enum ox_rule_kind *ret_rsp,
		       enum ox_rule_kind *ret_rbp)
{
	*ret_rsp = OX_RULE_RSP;
	*ret_rbp = OX_RULE_RBP;
	if (n == 1)
		return true;
	if (ops[1].atom != DW_OP_deref)
		return false;
	*ret_rsp = n == 2 ? OX_RULE_RSP_DEREF : OX_RULE_RSP_DEREF_8;
	*ret_rbp = n == 2 ? OX_RULE_RBP_DEREF : OX_RULE_RBP_DEREF_8;
	return n == 2 || (n == 3 && ops[2].atom == DW_OP_plus_uconst && ops[2].number == 8);
}

static bool read_cfa(Dwarf_Frame *frame, struct ox_rule *rule)
{
	enum ox_rule_kind rsp, rbp;
	uint64_t base;
	int64_t offset;
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) != 0 || n == 0)
		return false;
	if (ops_are_plt(ops, n, &rule->cfa_offset)) {
		rule->kind = OX_RULE_PLT;
		return true;
	}
	if (!find_kinds(ops, n, &rsp, &rbp) || !op_is_register(&ops[0], &base, &offset) ||
	    (base != REGISTER_RSP && base != REGISTER_RBP) || offset != (int32_t)offset)
		return false;
	rule->kind = base == REGISTER_RSP ? rsp : rbp;
	rule->cfa_offset = offset;
	return true;
}

/* True if the operations are "at CFA + offset", as libdw writes it. */
static bool ops_are_saved(const Dwarf_Op *ops, size_t n, int64_t *ret_offset)
{
	if (n == 0 || n > 2 || ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	if (n == 2 && ops[1].atom != DW_OP_plus_uconst)
		return false;
	*ret_offset = n == 2 ? (int64_t)ops[1].number : 0;
	return true;
}

/* True if the operations are "at rbp + offset". DW_CFA_expression starts with the CFA on its stack;
 * this one leaves it there, unused. */
static bool ops_are_at_rbp(const Dwarf_Op *ops, size_t n, int64_t *ret_offset)
{
	uint64_t base;

	return n == 2 && ops[0].atom == DW_OP_call_frame_cfa &&
	       op_is_register(&ops[1], &base, ret_offset) && base == REGISTER_RBP;
}

static bool read_rbp(Dwarf_Frame *frame, struct ox_rule *rule)
{
	Dwarf_Op memory[3], *ops;
	int64_t offset;
	size_t n;

	if (dwarf_frame_register(frame, REGISTER_RBP, memory, &ops, &n) != 0)
		return false;
	if (n == 0) { /* unchanged; or lost, and then no caller relies on it */
		rule->rbp = OX_RBP_SAME;
		return true;
	}
	if (ops_are_saved(ops, n, &offset))
		rule->rbp = OX_RBP_CFA;
	else if (ops_are_at_rbp(ops, n, &offset))
		rule->rbp = OX_RBP_RBP;
	else
		return false;
	rule->rbp_offset = (ox_s16)offset;
	return offset == rule->rbp_offset;
}

/* Finds the return address. Returns 1 if it is at CFA - 8; 0 if there is none, since this is the
 * outermost frame; -1 if it is elsewhere. */
static int read_return_address(Dwarf_Frame *frame)
{
	Dwarf_Op memory[3], *ops;
	int64_t offset;
	size_t n;

	if (dwarf_frame_register(frame, REGISTER_RA, memory, &ops, &n) != 0)
		return -1;
	if (n == 0)
		return ops == memory ? 0 : -1;
	return ops_are_saved(ops, n, &offset) && offset == -8 ? 1 : -1;
}

void eh_rule_read(Dwarf_Frame *frame, struct ox_rule *ret)
{
	struct ox_rule rule = {.kind = OX_RULE_BAD};
	bool is_signal = false;
	int has_caller;

	*ret = rule;
	if (dwarf_frame_info(frame, NULL, NULL, &is_signal) != REGISTER_RA)
		return;
	if (is_signal) {
		ret->kind = OX_RULE_SIGNAL;
		return;
	}
	has_caller = read_return_address(frame);
	if (has_caller == 0)
		ret->kind = OX_RULE_END;
	else if (has_caller > 0 && read_cfa(frame, &rule) && read_rbp(frame, &rule))
		*ret = rule;
}
