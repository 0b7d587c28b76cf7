/* SPDX-License-Identifier: MIT */
/* Kernel functions by address, from the text that the iter/ksym program (or /proc/kallsyms) gives.
 * Pure. Addresses stay in memory: only names are ever stored. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ksyms;

struct ksyms *ksyms_new(void);
struct ksyms *ksyms_free(struct ksyms *ksyms);
/* Lines "ADDRESS TYPE NAME[\t[MODULE]]"; only functions (types t T w W) are kept. Bad lines are
 * passed over. May be called for one piece of whole lines after the other; ksyms_sort() ends it.
 * 0 or -ENOMEM. */
int ksyms_parse(struct ksyms *ksyms, const char *text, size_t length);
void ksyms_sort(struct ksyms *ksyms);
size_t ksyms_count(const struct ksyms *ksyms);
/* 1: name and module ("kernel" or the module's name) are borrowed; 0: unknown address. */
int ksyms_find(const struct ksyms *ksyms, uint64_t address, const char **ret_name,
	       const char **ret_module);
