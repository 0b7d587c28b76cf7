/* SPDX-License-Identifier: MIT */
/*
 * The protocol of oxprofd (opener.h) and oxprof-opener over a SOCK_SEQPACKET connection to
 * OX_OPENER_PATH, which systemd accepts.
 *
 * oxprofd sends a request, one packet of exactly that size without anything beside it, and gets a
 * reply, one packet too: an error, or 0 and by SCM_RIGHTS one descriptor, the event, disabled. Then
 * it may send the next request. A connection is for a batch: it gets each event once. A request
 * that is not as this file says ends the connection without a reply, and so does silence of
 * OPENER_IDLE_MS.
 */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define OPENER_VERSION  1
#define OPENER_IDLE_MS  10000
#define OPENER_CPUS_MAX 8192 /* what a kernel for x86-64 can be built for */

struct opener_request {
	uint32_t version; /* OPENER_VERSION */
	uint32_t kind;    /* enum perf_event_kind */
	uint32_t cpu;     /* a possible one, below OPENER_CPUS_MAX */
};
static_assert(sizeof(struct opener_request) == 12, "it crosses a border");

struct opener_reply {
	int32_t error; /* 0, or the negative errno of perf_event_open(2): -ENODEV: offline */
};
static_assert(sizeof(struct opener_reply) == 4, "it crosses a border");
