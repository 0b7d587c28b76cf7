/* SPDX-License-Identifier: MIT */
/*
 * Whose request is next. The symbolizer reads the files of all users one after the other; who has
 * used the least of its time lately goes first, so that nobody's files keep another's waiting for
 * longer than one request takes.
 */
#pragma once

#include <stdint.h>

#define TURNS_MAX 32 /* users that are told apart; those beyond share one account */

struct turns {
	struct {
		uint32_t uid;
		uint64_t used_ns;
	} users[TURNS_MAX];
	unsigned n;
	uint64_t halved_ns; /* when all accounts were halved last */
};

/* Charges the user with the time that a request has taken. now_ns: CLOCK_MONOTONIC. */
void turns_charge(struct turns *turns, uint32_t uid, uint64_t took_ns, uint64_t now_ns);
/* Returns what the user has used; what is longer ago counts less. */
uint64_t turns_get_used(const struct turns *turns, uint32_t uid);
