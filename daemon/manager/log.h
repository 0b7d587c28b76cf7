/* SPDX-License-Identifier: MIT */
/*
 * One line to the journal: through stderr, with the priority in front as sd-daemon(3) has it; plain
 * on a terminal. For the manager and the folders above it: those below return their failures.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

__attribute__((format(printf, 2, 3))) static inline void log_print(const char *priority,
								   const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "%s%s\n", isatty(STDERR_FILENO) ? "" : priority, line);
}

#define log_error(...)   log_print(SD_ERR, __VA_ARGS__)
#define log_warning(...) log_print(SD_WARNING, __VA_ARGS__)
#define log_info(...)    log_print(SD_INFO, __VA_ARGS__)
