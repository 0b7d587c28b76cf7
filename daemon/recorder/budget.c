/* SPDX-License-Identifier: MIT */
#include "daemon/recorder/budget.h"

#include <assert.h>
#include <stdlib.h>

#define USERS_MAX 64 /* that are told apart; those beyond share one account */
#define SECOND_NS UINT64_C(1000000000)

#define COMMON 4 /* so many full accounts are all that all users have together */

/* A user adds less than a megabyte a second, a full account included that is emptied within
 * a minute: a row of a node takes some 40 bytes with its index, that of a process, a thread, a
 * function or a frame 60 to 150, and a byte of a name is there three times. */
static const struct {
	uint64_t a_second, at_most;
} limits[BUDGET_N_KINDS] = {
	[BUDGET_TASKS] = {1000, 40000},
	[BUDGET_NODES] = {4000, 100000},
	[BUDGET_FRAMES] = {800, 40000},
	[BUDGET_BYTES] = {UINT64_C(64) << 10, UINT64_C(4) << 20},
};

struct account {
	uint32_t uid;
	uint64_t left[BUDGET_N_KINDS];
	uint64_t filled_ns[BUDGET_N_KINDS];
};

struct budget {
	struct account accounts[USERS_MAX];
	unsigned n;
	struct account common; /* of all of them; fills up as fast as so many */
};

struct budget *budget_new(void)
{
	return calloc(1, sizeof(struct budget));
}

struct budget *budget_free(struct budget *budget)
{
	free(budget);
	return NULL;
}

static void open_account(struct account *account, uint64_t times, uint64_t now_ns)
{
	for (unsigned kind = 0; kind < BUDGET_N_KINDS; kind++) {
		account->left[kind] = times * limits[kind].at_most;
		account->filled_ns[kind] = now_ns;
	}
}

/* Returns the user's account, a full one where it is new. */
static struct account *find_account(struct budget *budget, uint32_t uid, uint64_t now_ns)
{
	struct account *account;

	for (unsigned i = 0; i < budget->n; i++)
		if (budget->accounts[i].uid == uid)
			return &budget->accounts[i];
	if (budget->n == USERS_MAX)
		return &budget->accounts[USERS_MAX - 1];
	if (!budget->n)
		open_account(&budget->common, COMMON, now_ns);
	account = &budget->accounts[budget->n++];
	account->uid = uid;
	open_account(account, 1, now_ns);
	return account;
}

static void fill(struct account *account, enum budget_kind kind, uint64_t times, uint64_t now_ns)
{
	uint64_t grain_ns = SECOND_NS / limits[kind].a_second, n;

	/* Samples do not come in the order of their times. */
	if (now_ns <= account->filled_ns[kind])
		return;
	n = (now_ns - account->filled_ns[kind]) / grain_ns;
	account->filled_ns[kind] += n * grain_ns;
	account->left[kind] += times * n;
	if (account->left[kind] > times * limits[kind].at_most)
		account->left[kind] = times * limits[kind].at_most;
}

bool budget_take(struct budget *budget, uint32_t uid, enum budget_kind kind, uint64_t n,
		 uint64_t now_ns)
{
	struct account *account;

	assert(kind < BUDGET_N_KINDS);
	if (uid == 0)
		return true;
	account = find_account(budget, uid, now_ns);
	fill(account, kind, 1, now_ns);
	fill(&budget->common, kind, COMMON, now_ns);
	if (account->left[kind] < n || budget->common.left[kind] < n)
		return false;
	account->left[kind] -= n;
	budget->common.left[kind] -= n;
	return true;
}
