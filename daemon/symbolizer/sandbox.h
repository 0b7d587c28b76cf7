/* SPDX-License-Identifier: MIT */
/*
 * What oxprof-symbolizer may do once it reads files of others: use memory, read and write
 * descriptors that it has, make memfds, keep time. No name of a file, no process, no network, no
 * capability, and bounds on what is left. There is no way back.
 */
#pragma once

/* All descriptors above `keep` are closed, those of the standard streams lead nowhere after it. 0
 * or a negative errno, and then the process must not go on; *ret_what says what did not work. */
int sandbox_enter(int keep, const char **ret_what);
