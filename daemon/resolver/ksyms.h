/* SPDX-License-Identifier: MIT */
/* Finds kernel functions by address, in the text that the iter/ksym program (or /proc/kallsyms)
 * gives. Pure. Addresses stay in memory: only names are ever stored. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ksyms;

struct ksyms *ksyms_new(void); /* NULL: no memory */
struct ksyms *ksyms_free(struct ksyms *ksyms);
/* Adds lines "ADDRESS TYPE NAME[\t[MODULE]]"; keeps only functions (types t T w W) and passes over
 * bad lines. The text may come in pieces of whole lines; ksyms_sort() follows the last one. Returns
 * 0 or -ENOMEM. */
int ksyms_parse(struct ksyms *ksyms, const char *text, size_t length);
void ksyms_sort(struct ksyms *ksyms);
/* Finds the function at the address, after ksyms_sort(). Returns 1, and then the name and the
 * module ("kernel" or the module's name) are borrowed from ksyms; 0 where the address is unknown.
 */
int ksyms_find(const struct ksyms *ksyms, uint64_t address, const char **ret_name,
	       const char **ret_module);
