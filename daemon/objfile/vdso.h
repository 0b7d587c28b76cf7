/* SPDX-License-Identifier: MIT */
/* The kernel's own ELF file that every process has mapped. */
#pragma once

/* A copy, for the caller to close: of this process's, which is that of all 64-bit processes of the
 * machine. -ENOENT: this kernel has none; -errno. */
int vdso_open(void);
