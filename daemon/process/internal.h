/* SPDX-License-Identifier: MIT */
/* What the files of the process room share; nobody else includes it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* An O_PATH descriptor of /proc/PID, or a negative errno: -ESRCH there is none. */
int process_open_directory(const char *proc, uint32_t pid);
/* Where the program is, without " (deleted)"; "" where that cannot be read. */
void process_read_exe(int directory, char *ret, size_t size);
