/* SPDX-License-Identifier: MIT */
#include "daemon/base/changes.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/base/api.h"

#define USERS_MAX 1024

/* Each change puts off the time at which the user has all of them again. */
struct changer {
	uint32_t uid;
	uint64_t rested_usec;
};

struct changes {
	struct changer changers[USERS_MAX];
	size_t n;
};

struct changes *changes_new(void)
{
	return calloc(1, sizeof(struct changes));
}

struct changes *changes_free(struct changes *changes)
{
	free(changes);
	return NULL;
}

/* Drops the users who have rested, who are as those that are not known. */
static void drop_rested(struct changes *changes, uint64_t now_usec)
{
	size_t kept = 0;

	for (size_t i = 0; i < changes->n; i++)
		if (changes->changers[i].rested_usec > now_usec)
			changes->changers[kept++] = changes->changers[i];
	changes->n = kept;
}

/* Makes room for one more, in place of the one who will have rested first. */
static struct changer *make_room(struct changes *changes)
{
	struct changer *first = &changes->changers[0];

	if (changes->n < USERS_MAX)
		return &changes->changers[changes->n++];
	for (size_t i = 1; i < changes->n; i++)
		if (changes->changers[i].rested_usec < first->rested_usec)
			first = &changes->changers[i];
	return first;
}

static struct changer *find_changer(struct changes *changes, uint32_t uid, uint64_t now_usec)
{
	struct changer *changer;

	for (size_t i = 0; i < changes->n; i++)
		if (changes->changers[i].uid == uid)
			return &changes->changers[i];
	drop_rested(changes, now_usec);
	changer = make_room(changes);
	*changer = (struct changer){uid, now_usec};
	return changer;
}

uint64_t changes_add(struct changes *changes, uint32_t uid, uint64_t now_usec)
{
	const uint64_t most_usec = (OX_CHANGES_AT_ONCE - 1) * OX_CHANGE_USEC;
	struct changer *changer = find_changer(changes, uid, now_usec);

	if (changer->rested_usec < now_usec)
		changer->rested_usec = now_usec;
	if (changer->rested_usec - now_usec > most_usec)
		return changer->rested_usec - now_usec - most_usec;
	changer->rested_usec += OX_CHANGE_USEC;
	return 0;
}
