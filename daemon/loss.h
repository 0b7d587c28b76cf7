/* SPDX-License-Identifier: MIT */
/* The names of losses, as the bus, the database and people see them. */
#pragma once

#include "bpf/sample.h"

/* "late", "arena-full", ...; never NULL for a value below OX_N_LOSSES. */
const char *loss_name(enum ox_loss loss);
/* One line for people: what is missing and why. */
const char *loss_explain(enum ox_loss loss);
