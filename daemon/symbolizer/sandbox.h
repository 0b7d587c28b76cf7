/* SPDX-License-Identifier: MIT */
/*
 * Limits what oxprof-symbolizer may do while it reads files of others: use memory, read and write
 * descriptors that it has, make memfds, and read clocks. It has no file names, no processes, no
 * network and no capabilities, and bounds on the rest. There is no way back.
 */
#pragma once

/* Enters the sandbox: closes all descriptors above `keep`, and points the standard streams to
 * /dev/null. Returns 0, or a negative errno, and then the process must not go on; *ret_what says
 * what failed. */
int sandbox_enter(int keep, const char **ret_what);
