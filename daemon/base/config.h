/* SPDX-License-Identifier: MIT */
/*
 * The settings, in systemd's style: sections, Key=value, # and ; comments, an empty value resets to
 * the default. The parser takes buffers; main.c reads the files.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A size that is given in bytes, or as a part of a file system. */
struct config_size {
	uint64_t percent; /* 0: bytes alone */
	uint64_t bytes;   /* likewise with a percentage at most so many; 0: no limit */
};
/* Returns the bytes, where the file system has so many in all; 0: no limit. */
uint64_t config_size_bytes(const struct config_size *size, uint64_t total_bytes);

struct config {
	uint64_t interval_ns; /* [Sampling] Interval= seconds, or Frequency= Hz; default 99 Hz */
	uint64_t unwind_max_bytes;   /* [Sampling] UnwindMemory=, tables of all programs together */
	char database[4096];         /* [Storage] Path= absolute */
	struct config_size max_size; /* [Storage] MaxSize= of the database */
	struct config_size keep_free; /* [Storage] KeepFree= on its file system */
	char symbolizer[4096];        /* the installed oxprof-symbolizer; no setting */
	char deputy[4096];            /* the socket of oxprof-deputy; no setting */
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
