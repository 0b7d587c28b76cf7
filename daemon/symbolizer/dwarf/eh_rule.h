/* SPDX-License-Identifier: MIT */
/* Translates what libdw says of one place in a function to a rule of bpf/rule.h. */
#pragma once

#include <elfutils/libdw.h>

#include "bpf/rule.h"

/* Makes a rule of the frame; OX_RULE_BAD where no rule can express it. */
void eh_rule_read(Dwarf_Frame *frame, struct ox_rule *ret);
