/* SPDX-License-Identifier: MIT */
/*
 * Demangles C++ and Rust names for people: C++ names without parameters, Rust names without their
 * hash. The only owner of libiberty.
 *
 * The names are an attacker's, and libiberty bounds its stack but neither its output nor its time:
 * a name of 26 bytes can keep it busy for years without one byte of output. So this is the only
 * user of ITIMER_VIRTUAL and SIGVTALRM in the process: nobody else may use or block them. Not for
 * use by several threads.
 */
#pragma once

#include <stddef.h>

#define DEMANGLE_OUTPUT_BYTES 65536 /* a name that grows further is not worth its time */
#define DEMANGLE_CPU_USEC     10000

/* Demangles a name. Returns 1, and the name in ret (cut at size - 1); 0 if the name is not a
 * mangled one; -E2BIG or -ETIME if it exceeded one of the two bounds. Writes to ret only with 1. */
int demangle(const char *name, char *ret, size_t size);
