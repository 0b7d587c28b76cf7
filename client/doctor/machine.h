/* SPDX-License-Identifier: MIT */
/*
 * The machine that doctor examines: its files, and what the bus and the daemon say. The files are
 * below a root, so that a test can make a machine up. Paths begin with "/" and are below the root;
 * a symbolic link in them with an absolute target leaves it.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "client/base/json_tree.h"
#include "client/bus/facts.h"

#define MACHINE_PATH_BYTES 4096

struct machine {
	const char *root; /* "": this machine */
	bool is_root;     /* the caller is root, from whom nothing is hidden */
	const struct bus_facts *bus;
	struct json_object *status; /* of oxprofd (bus_get_status()); NULL: none */
	const char *status_error;   /* why oxprofd, which has its name, gave no status; else NULL */
};

/* Puts the root before the path. Returns 0 or -ENAMETOOLONG. */
int machine_format_path(const struct machine *machine, const char *path,
			char ret[static MACHINE_PATH_BYTES]);

/* Reads the beginning of a file, at most size - 1 bytes, and ends it with a zero instead of line
 * ends. Returns how many bytes are left, or a negative errno, and then *ret is "". */
int machine_read(const struct machine *machine, const char *path, char *ret, size_t size);
/* Reads a decimal number that is the whole file. Returns 0, -EBADMSG or the error of reading. */
int machine_read_number(const struct machine *machine, const char *path, long long *ret);
/* Reads the target of a symbolic link. Returns 0, or a negative errno, and then *ret is "". */
int machine_read_link(const struct machine *machine, const char *path, char *ret, size_t size);
/* Examines a file as stat(2) does. Returns 0 or a negative errno. */
int machine_stat(const struct machine *machine, const char *path, struct stat *ret);
bool machine_has(const struct machine *machine, const char *path);
/* Opens a file for reading. Returns NULL and sets errno where that fails. */
FILE *machine_open(const struct machine *machine, const char *path);
/* Opens a directory likewise. */
DIR *machine_open_directory(const struct machine *machine, const char *path);
/* True if a line of the file contains the text. */
bool machine_file_mentions(const struct machine *machine, const char *path, const char *text);
