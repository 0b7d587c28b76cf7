/* SPDX-License-Identifier: MIT */
/*
 * A machine made of a directory, on which all is well and everything is known, for oxprofctl
 * doctor. A test makes one thing wrong, or hides it, and looks at the finding.
 */
#pragma once

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "client/doctor/check.h"

#define WORLD_CAPABILITIES UINT64_C(0x000001c000080004) /* the five */

extern char world_root[256];
extern struct bus_facts world_bus;
extern struct machine world;
extern struct findings world_findings;

/* Makes the machine. */
void world_make(void);

/* Removes it, with its findings. */
void world_drop(void);

/* ---- files ---- */

/* Writes a file of the machine. Makes the directories above it, too. */
void world_write_bytes(const char *path, const void *bytes, size_t size);

/* Writes a text to a file of the machine. Makes the directories above it, too. */
void world_write(const char *path, const char *text);

/* Puts a symbolic link there. */
void world_link(const char *path, const char *target);

/* Removes what is there, with all that is in it. */
void world_remove(const char *path);

/* Changes its mode. */
void world_mode(const char *path, mode_t mode);

/* ---- the daemon ---- */

/* Has the daemon answer that to a question for its status. */
void world_set_status(const char *json);

/* ---- findings ---- */

/* Makes one check, into findings that are empty before. */
void world_check(void (*check)(const struct machine *, struct findings *));

/* Returns the one finding of that id. */
const struct finding *world_find(const char *id);

/* Expects that verdict, and these in text and advice; advice NULL: there is none. */
#define expect_finding(wanted_id, wanted_verdict, wanted_text, wanted_advice)               \
	do {                                                                                \
		const struct finding *_finding = world_find(wanted_id);                     \
		const char *_advice = (wanted_advice);                                      \
                                                                                            \
		cr_expect_str_eq(verdict_name(_finding->verdict), wanted_verdict, "%s: %s", \
				 wanted_id, _finding->text);                                \
		cr_expect(strstr(_finding->text, wanted_text), "%s: %s", wanted_id,         \
			  _finding->text);                                                  \
		cr_expect(_advice ? _finding->advice &&strstr(_finding->advice, _advice)    \
				  : !_finding->advice,                                      \
			  "%s: %s", wanted_id, _finding->advice);                           \
	} while (0)
