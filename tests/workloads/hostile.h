/* SPDX-License-Identifier: MIT */
/* The ways in which an interpreter's structures lie. */
#pragma once

enum hostile {
	HOSTILE_SANE, /* all is as it should be: fake_function() is to be seen */
	HOSTILE_INTERPRETERS,
	HOSTILE_THREADS,
	HOSTILE_FRAMES,
	HOSTILE_SELF,
	HOSTILE_NAMES,
	HOSTILE_LINES,
	HOSTILE_LENGTHS,
	HOSTILE_NOWHERE,
	HOSTILE_TEXTS,
	HOSTILE_CHURN,
	HOSTILE_NOISE,
};

void hostile_run(enum hostile variant);
