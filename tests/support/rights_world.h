/* SPDX-License-Identifier: MIT */
/*
 * The manager on a bus of the test's own, with a polkit of the test's own: these two live in this
 * process, the clients are other processes with another uid. Needs root for that alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/bus_world.h"

#define NOBODY   65534
#define SOMEBODY 1 /* known to the system, as the bus wants it */
#define DENIED   OX_ERROR_NOT_PERMITTED

/* Starts the bus, the daemon and polkit, or skips the test. */
void rights_world_set_up(void);

/* Starts the bus, as the system bus of this process, and a manager that is not on it yet. */
void rights_world_set_up_bus(void);

/* Ends all of it. */
void rights_world_tear_down(void);

/* Expects that interval of the owner's. */
void assert_interval(uint32_t owner, uint64_t ns);
/* ---- the bus ---- */

/* Connects, takes the name if one is given, and attaches the connection to the event loop. */
void rights_world_connect(sd_bus **bus, const char *name);

/* Ends the bus: all connections to it break. */
void rights_world_stop_bus(void);

/* Starts the bus at its old place; nobody is on it. */
void rights_world_start_bus(void);

/* Returns how many targets all users have. */
unsigned count_targets(void);

/* Expects a text to begin with that. */
void assert_begins(const char *text, const char *start);

/* ---- polkit ---- */

enum verdict {
	VERDICT_YES,
	VERDICT_NO,
	VERDICT_CHALLENGE,
	VERDICT_LATER, /* yes, when the caller is gone */
};

extern struct polkit {
	sd_bus *bus;
	enum verdict verdict;
	enum verdict of_kernel; /* for the action that is only ever asked about on the side */
	unsigned n_asked;       /* not counting that */
	char action[64];
	char subject[64];
	uint32_t flags;
	sd_bus_message *held;
} polkit;

/* Puts polkit on the bus. */
void polkit_start(void);

/* Answers a request that was held. */
void polkit_answer(sd_bus_message *call, enum verdict verdict);

/* Takes polkit from the bus. */
void polkit_stop(void);

/* ---- clients ---- */

struct caller {
	uint32_t uid;
	bool interactive;
	bool leaves;    /* at once, without waiting for the answer */
	bool stays;     /* on the bus until the test ends; nobody waits for its answer */
	unsigned times; /* 0: once */
};

extern const struct caller caller_nobody, caller_asked, caller_root;

/* Calls from a process of that caller. Returns its reply: "ok TEXT" or "NAME: WORDS", behind
 * "twice " where two came; borrowed until the next call. */
const char *caller_told(const struct caller *caller, const char *member, const char *types, ...);

/* An interval that is short enough to need a right. */
#define SET_INTERVAL    "SetInterval", "d", 0.0005
#define SET_INTERVAL_NS 500000
