/* SPDX-License-Identifier: MIT */
/*
 * The settings, in systemd's style: sections, Key=value, # and ; comments, an empty value resets to
 * the default. The parser takes buffers; main.c reads the files.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct config {
	uint64_t interval_ns; /* [Sampling] Interval= seconds, or Frequency= Hz; default 99 Hz */
	uint64_t unwind_max_bytes;   /* [Sampling] UnwindMemory=, tables of all programs together */
	char database[4096];         /* [Storage] Path= absolute */
	uint64_t database_max_bytes; /* [Storage] MaxSize=; 0: no limit */
	char symbolizer[4096];       /* the installed oxprof-symbolizer; no setting */
	char deputy[4096];           /* the socket of oxprof-deputy; no setting */
};

void config_init(struct config *config);

/*
 * Reads one file's text into config. An unknown key or section, or a bad value, is reported through
 * `warn` with the line's number and leaves the value as it was (as systemd does); the rest is read.
 * `config` is changed line by line: pass a copy where all or nothing is wanted. Returns how many
 * warnings there were, or a negative errno.
 */
typedef void (*config_warn_fn)(void *userdata, const char *file, unsigned line, const char *why);
int config_parse(struct config *config, const char *file, const char *text, size_t length,
		 config_warn_fn warn, void *userdata);
