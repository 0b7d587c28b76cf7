/* SPDX-License-Identifier: MIT */
/*
 * The machine that is looked at: its files below a root, so that a test can make one up, and what
 * the bus and the daemon say. Paths begin with "/" and are below the root; a symbolic link in them
 * with an absolute target leaves it.
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
	const char *root; /* "": this one */
	bool is_root;     /* root looks: nothing is hidden */
	const struct bus_facts *bus;
	struct json_object *status; /* of oxprofd (bus_get_status()); NULL: none */
	const char *status_error;   /* why there is none although it has its name; else NULL */
};

/* Puts the root before the path. 0 or -ENAMETOOLONG. */
int machine_format_path(const struct machine *machine, const char *path,
			char ret[static MACHINE_PATH_BYTES]);

/* Reads the beginning of a file, of at most size - 1 bytes, puts a zero behind it and takes line
 * ends off. How many bytes are left, or a negative errno, and then *ret is "". */
int machine_read(const struct machine *machine, const char *path, char *ret, size_t size);
/* Reads a decimal number that is the whole file. 0, -EBADMSG or the error of reading. */
int machine_read_number(const struct machine *machine, const char *path, long long *ret);
/* Reads where a symbolic link leads. 0 or a negative errno, and then *ret is "". */
int machine_read_link(const struct machine *machine, const char *path, char *ret, size_t size);
/* Examines a file. 0 or a negative errno. */
int machine_stat(const struct machine *machine, const char *path, struct stat *ret);
bool machine_has(const struct machine *machine, const char *path);
/* Opens a file or a directory to be read. NULL and errno. */
FILE *machine_open(const struct machine *machine, const char *path);
DIR *machine_open_directory(const struct machine *machine, const char *path);
/* True if a line of the file has this text in it. */
bool machine_file_mentions(const struct machine *machine, const char *path, const char *text);
