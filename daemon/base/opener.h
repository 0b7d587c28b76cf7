/* SPDX-License-Identifier: MIT */
/*
 * Opens events: by this process's own call, and where the kernel refuses that (kernels of Debian at
 * kernel.perf_event_paranoid 3, which ask for CAP_SYS_ADMIN), by asking oxprof-opener
 * (opener_wire.h). A struct opener is for a batch: the connection is made for the first event that
 * is refused, and stays until opener_done(). Everything about the batch is in the struct, so that
 * threads may each have one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/perf_event.h"

/* The time that a batch waits for oxprof-opener, which systemd has to start first, maybe on an
 * overloaded machine. Less than the daemon's watchdog, 3 min. */
#define OPENER_WAIT_NS UINT64_C(20000000000)

/* The step at which the last opener_open() ended. */
enum opener_step {
	OPENER_SELF,    /* this process's own call, or what was done with an event */
	OPENER_CONNECT, /* oxprof-opener could not be reached */
	OPENER_ASK,     /* it did not answer */
	OPENER_ANSWER,  /* its answer was an error */
};

struct opener {
	const char *path; /* of the socket; borrowed until opener_done() */
	int socket;       /* -1: nobody was asked yet */
	int connect_error;
	uint64_t wait_ns; /* OPENER_WAIT_NS, but in tests */
	uint64_t deadline_ns;
	enum opener_step step;
};

void opener_init(struct opener *opener, const char *path);
/* Closes the connection, by which oxprof-opener ends. Events that were opened stay. */
void opener_done(struct opener *opener);

/*
 * Opens an event, disabled, as perf_event_open_disabled() does. The caller makes sure that the CPU
 * is online: the kernel looks at rights first, so that oxprof-opener would be asked for one that is
 * offline. Waits for oxprof-opener until OPENER_WAIT_NS after the batch first asked it. Returns a
 * descriptor, which exec() closes, or a negative errno: -ENODEV where the CPU is offline, -EACCES
 * or -EPERM where it is not permitted, and oxprof-opener was not there or not permitted either.
 */
int opener_open(struct opener *opener, enum perf_event_kind kind, unsigned cpu);

/* Writes one line for people: what was tried ("open a timer on each CPU"), why it failed with that
 * error of opener_open() or of something after it, and what to do. */
void opener_explain(const struct opener *opener, int error, const char *what, char *ret_why,
		    size_t size);
