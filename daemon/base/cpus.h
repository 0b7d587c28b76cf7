/* SPDX-License-Identifier: MIT */
/* Which CPUs there are, as the kernel lists them. */
#pragma once

#include <stdbool.h>

#define CPUS_ONLINE_FILE   "/sys/devices/system/cpu/online"
#define CPUS_POSSIBLE_FILE "/sys/devices/system/cpu/possible"

/* Reads a list such as "0-3,5\n" (Documentation/admin-guide/cputopology.rst) into one bool for each
 * of n CPUs; those beyond are left out. 0, -EINVAL: that is no such list. */
int cpus_parse(const char *text, bool *ret, unsigned n);
/* The same from the file. 0 or a negative errno. */
int cpus_read_online(bool *ret, unsigned n);
/* The same of those that may ever be online. */
int cpus_read_possible(bool *ret, unsigned n);
