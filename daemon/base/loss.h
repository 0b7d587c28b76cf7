/* SPDX-License-Identifier: MIT */
/* The names of losses, as the bus, the database and people see them. */
#pragma once

#include "bpf/sample.h"

/* Returns "late", "arena-full", ...; never NULL for a value below OX_N_LOSSES. */
const char *loss_name(enum ox_loss loss);
/* OX_LOSSES_IN_PART is an initializer of the names under which the sample is there and a part of
 * its stack is not; under all others the sample itself is missing. */
#define OX_NAME_IF_PART(name) name,
#define OX_NAME_IF_WHOLE(name)
#define OX_LOSS_PART(id, name, extent) OX_NAME_IF_##extent(name)
#define OX_LOSSES_IN_PART              OX_KERNEL_LOSSES(OX_LOSS_PART) OX_DAEMON_LOSSES(OX_LOSS_PART)

/* Returns how a user stack ends: "root", "cut", "no-table" ...; never NULL for a value below
 * OX_N_STOPS. */
const char *stop_name(enum ox_stop stop);
/* Returns the end that a frame at the root stands for: its function is "[cut]", "[no-table]" ...;
 * OX_STOP_ROOT where it is a function like any other. */
enum ox_stop stop_of_frame(const char *function, const char *module);
