/* SPDX-License-Identifier: MIT */
/* What libdw says of one place in a function, as a rule of bpf/rule.h. */
#pragma once

#include <elfutils/libdw.h>

#include "bpf/rule.h"

/* Always a rule: OX_RULE_BAD is what cannot be said in one. */
void eh_rule_read(Dwarf_Frame *frame, struct ox_rule *ret);
