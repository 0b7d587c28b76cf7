/* SPDX-License-Identifier: MIT */
/* The kernel's own ELF file, which every process has mapped. */
#pragma once

/* Copies the vdso of this process, which is that of all 64-bit processes of the machine, to a file
 * in memory. Returns its descriptor, which is the caller's; -ENOENT if this kernel has none; or
 * another negative errno. */
int vdso_open(void);
