/* SPDX-License-Identifier: MIT */
/*
 * Finds out why the kernel refused the BPF programs. libbpf prints what the verifier said; the end
 * of that is kept here for the journal, and a summary in one line for the user.
 */
#pragma once

#include <stddef.h>

#define SAMPLER_WHY_BYTES 512
#define SAMPLER_LOG_BYTES 4096

struct sampler_report {
	char why[SAMPLER_WHY_BYTES]; /* one line for people; "" if all went well */
	char log[SAMPLER_LOG_BYTES]; /* the end of the verifier's log, for the journal; "" if none
				      */
};

/* Empties the report, and has all that libbpf prints in this thread go there until
 * report_end(). The report is borrowed meanwhile. */
void report_begin(struct sampler_report *report);
void report_end(void);

/* Says why loading failed with that negative errno, by what was printed and by how this machine is
 * set up. */
void report_explain_load(struct sampler_report *report, int error);
