/* SPDX-License-Identifier: MIT */
#include "daemon/objfile/turns.h"

#include <assert.h>

/* An account counts half after this time. */
#define HALF_NS UINT64_C(10000000000)

/* Returns the place of a user's account; n where there is none. */
static unsigned find_user(const struct turns *turns, uint32_t uid)
{
	unsigned i = 0;

	assert(turns->n <= TURNS_MAX);
	while (i < turns->n && turns->users[i].uid != uid)
		i++;
	return i;
}

/* Halves all accounts as often as the time says, and closes those that are empty. */
static void halve(struct turns *turns, uint64_t now_ns)
{
	uint64_t times = (now_ns - turns->halved_ns) / HALF_NS;
	unsigned kept = 0;

	if (!times)
		return;
	turns->halved_ns += times * HALF_NS;
	for (unsigned i = 0; i < turns->n; i++) {
		turns->users[i].used_ns = times < 64 ? turns->users[i].used_ns >> times : 0;
		if (turns->users[i].used_ns)
			turns->users[kept++] = turns->users[i];
	}
	turns->n = kept;
}

void turns_charge(struct turns *turns, uint32_t uid, uint64_t took_ns, uint64_t now_ns)
{
	unsigned place;

	if (!turns->n)
		turns->halved_ns = now_ns;
	halve(turns, now_ns);
	place = find_user(turns, uid);
	if (place == TURNS_MAX)
		place = TURNS_MAX - 1;
	if (place == turns->n) {
		turns->users[place].uid = uid;
		turns->users[place].used_ns = 0;
		turns->n++;
	}
	turns->users[place].used_ns += took_ns;
}

uint64_t turns_get_used(const struct turns *turns, uint32_t uid)
{
	unsigned place = find_user(turns, uid);

	if (place < turns->n)
		return turns->users[place].used_ns;
	return turns->n == TURNS_MAX ? turns->users[TURNS_MAX - 1].used_ns : 0;
}
