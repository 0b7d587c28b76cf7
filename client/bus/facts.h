/* SPDX-License-Identifier: MIT */
/* Names on the system bus, and units of systemd. Nothing is started by asking. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/bus/bus.h"

#define UNIT_TEXT_BYTES     64
#define UNIT_DROP_INS_BYTES 1024

/* Texts are cut where they are longer. */
struct unit_facts {
	bool is_known;               /* systemd answered; else all below is "" and 0 */
	char load[UNIT_TEXT_BYTES];  /* "loaded", "not-found", "masked" ... */
	char state[UNIT_TEXT_BYTES]; /* "active", "inactive", "failed" ... */
	/* Below: of services only. */
	char result[UNIT_TEXT_BYTES]; /* "success", "exit-code" ... */
	char user[UNIT_TEXT_BYTES];   /* "": root */
	char drop_ins[UNIT_DROP_INS_BYTES];
	uint32_t main_pid;
	uint64_t ambient, bounding; /* sets of capabilities */
};

enum name_state {
	NAME_UNKNOWN, /* the bus did not say */
	NAME_ABSENT,
	NAME_ACTIVATABLE,
	NAME_OWNED,
};

struct bus_facts {
	int error; /* of reaching the bus; below 0 nothing else is known */
	enum name_state daemon, polkit;
	struct unit_facts service, opener;
};

/* Reads all of these; facts that cannot be had stay unknown. */
void bus_facts_read(struct bus *bus, struct bus_facts *ret);
