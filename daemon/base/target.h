/* SPDX-License-Identifier: MIT */
/* Targets: the names by which people say what shall be profiled: "pid:42", "unit:nginx.service",
 * "all". */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/api.h"

enum target_kind {
	TARGET_PID,
	TARGET_COMM,
	TARGET_UNIT,
	TARGET_CGROUP,
	TARGET_USER,
	TARGET_ALL,
	N_TARGET_KINDS,
};

struct target {
	enum target_kind kind;
	uint32_t pid;                   /* pid: 1 .. 4194304 */
	char text[OX_TARGET_BYTES_MAX]; /* canonical, the kind in front; target_value() is behind it
					 */
};

/*
 * Reads a target into its canonical text. comm: 1 to 15 bytes; unit: a valid unit name, ".service"
 * is added where there is no suffix; cgroup: an absolute path below the root of the v2 hierarchy,
 * without "." or ".." parts, a trailing slash is dropped; user: a name or a decimal uid. Returns 0,
 * -EINVAL, or -ENAMETOOLONG.
 */
int target_parse(const char *text, struct target *ret);
/* Writes a target for a list of them in one text: they are joined by spaces, a space or backslash
 * within one is \x20, \x5c. */
void target_write_escaped(FILE *out, const char *text);
void target_unescape(char *text);                      /* in place, the reverse */
const char *target_value(const struct target *target); /* behind the colon; "" for all */
const char *target_kind_name(enum target_kind kind);   /* "pid", "comm", ... */
