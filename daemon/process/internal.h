/* SPDX-License-Identifier: MIT */
/* Shared by the files of daemon/process; no other folder includes it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Opens /proc/PID. Returns an O_PATH descriptor, -ESRCH where there is no such process, or another
 * negative errno. */
int process_open_directory(const char *proc, uint32_t pid);
/* Reads the path of the program, without " (deleted)"; "" where it cannot be read. */
void process_read_exe(int directory, char *ret, size_t size);
