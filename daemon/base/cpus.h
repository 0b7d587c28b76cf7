/* SPDX-License-Identifier: MIT */
/* Which CPUs there are, as the kernel lists them. */
#pragma once

#include <stdbool.h>

#define CPUS_ONLINE_FILE   "/sys/devices/system/cpu/online"
#define CPUS_POSSIBLE_FILE "/sys/devices/system/cpu/possible"

/* Reads a list such as "0-3,5\n" (Documentation/admin-guide/cputopology.rst) into one bool for each
 * of n CPUs; those beyond are left out. Returns 0, or -EINVAL where the text is no such list. */
int cpus_parse(const char *text, bool *ret, unsigned n);
/* Reads the CPUs that are online from CPUS_ONLINE_FILE. Returns 0 or a negative errno. */
int cpus_read_online(bool *ret, unsigned n);
/* Reads the CPUs that may ever be online from CPUS_POSSIBLE_FILE. Returns 0 or a negative errno. */
int cpus_read_possible(bool *ret, unsigned n);
