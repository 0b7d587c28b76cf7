/* SPDX-License-Identifier: MIT */
/* A systemd of the test's own, on a bus of the test's own: it knows the units that it is told of.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#define MADE_UNITS_MAX 8

extern struct made_systemd {
	bool silent;           /* it hears and answers nothing */
	unsigned n_asked;      /* calls */
	unsigned n_subscribed; /* of these */
	struct made_unit {
		const char *name, *cgroup;
	} units[MADE_UNITS_MAX];
} made_systemd;

/* Begins to answer calls on a connection, which has the name or gets it. */
void made_systemd_start(sd_bus *bus);
/* Begins to know a unit, or tells that it runs elsewhere; cgroup: "" for nowhere. Both texts are
 * borrowed. */
void made_systemd_set(const char *unit, const char *cgroup);
