/* SPDX-License-Identifier: MIT */
/* The names of losses, as the bus, the database and people see them. */
#pragma once

#include "bpf/sample.h"

/* "late", "arena-full", ...; never NULL for a value below OX_N_LOSSES. */
const char *loss_name(enum ox_loss loss);
/* One line for people: what is missing and why. */
const char *loss_explain(enum ox_loss loss);

/* "root", "cut", "no-table" ...: how a user stack ends. */
const char *end_name(enum ox_end end);
/* The end that a frame at the root tells of: its function is "[cut]", "[no-table]" ...;
 * OX_END_ROOT: it is a function like any other. */
enum ox_end end_of_frame(const char *function, const char *module);
