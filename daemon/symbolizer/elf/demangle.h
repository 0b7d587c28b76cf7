/* SPDX-License-Identifier: MIT */
/*
 * C++ and Rust names for people: the only owner of libiberty. Names without parameters, Rust names
 * without their hash.
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

/* 1: ret holds the demangled name (cut at size - 1); 0: the name is not a mangled one; -E2BIG,
 * -ETIME: it went past one of the two bounds. ret is written only on 1. */
int demangle(const char *name, char *ret, size_t size);
