/* SPDX-License-Identifier: MIT */
/*
 * phases UID: a server of root's that takes the ids of a user on and off again, as one does that
 * serves many. It spins in a function of another name with each set of ids. Its memory is dumpable
 * then, so that nothing but the ids tells whose it is. After SIGUSR1 it becomes the user's
 * for good, which it says ("own"), and spins in phase_own().
 */
#include <linux/securebits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define PHASE_NS 20000000
#define ROOT     0

static volatile uint64_t sink;
static volatile sig_atomic_t is_told;

static uint64_t clock_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The loop stands in each function, so that the time is its own. */
#define SPIN(name)                                               \
	__attribute__((noinline)) static void name(void)         \
	{                                                        \
		uint64_t end_ns = clock_cpu_ns() + PHASE_NS;     \
                                                                 \
		while (clock_cpu_ns() < end_ns)                  \
			for (volatile int i = 0; i < 50000; i++) \
				sink = sink * 31 + (uint64_t)i;  \
	}

SPIN(phase_root)
SPIN(phase_effective)
SPIN(phase_fsuid)
SPIN(phase_but_real)
SPIN(phase_but_effective)
SPIN(phase_but_saved)
SPIN(phase_but_fsuid)
SPIN(phase_but_group)
SPIN(phase_own)

/* Which ids are the user's. */
static const struct phase {
	void (*spin)(void);
	bool real, effective, saved, fsuid, group;
} phases[] = {
	{phase_root, false, false, false, false, true},
	{phase_effective, false, true, false, true, true},
	{phase_fsuid, false, false, false, true, true},
	{phase_but_real, false, true, true, true, true},
	{phase_but_effective, true, false, true, true, true},
	{phase_but_saved, true, true, false, true, true},
	{phase_but_fsuid, true, true, true, false, true},
	{phase_but_group, true, true, true, true, false},
};

static void ids_set(uid_t user, const struct phase *phase)
{
	gid_t group = phase->group ? user : ROOT;

	/* In between they may all be the user's. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setresgid(user, group, user) < 0 ||
	    setresuid(phase->real ? user : ROOT, phase->effective ? user : ROOT,
		      phase->saved ? user : ROOT) < 0)
		exit(1);
	setfsuid(phase->fsuid ? user : ROOT);
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		exit(1);
}

/* Becomes the user's for good, without capabilities. */
static void become(uid_t user)
{
	static const struct phase own = {phase_own, true, true, true, true, true};

	ids_set(user, &phases[0]);
	if (prctl(PR_SET_SECUREBITS, 0) < 0)
		exit(1);
	ids_set(user, &own);
	puts("own");
	fflush(stdout);
}

static void be_told(int signal)
{
	is_told = 1;
}

int main(int argc, char **argv)
{
	uid_t user = argc > 1 ? (uid_t)atoi(argv[1]) : ROOT;

	if (user == ROOT) {
		fprintf(stderr, "usage: phases UID\n");
		return 2;
	}
	signal(SIGUSR1, be_told);
	/* The rights to change the ids stay with it, whatever these are. */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0)
		return 1;
	while (!is_told)
		for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
			ids_set(user, &phases[i]);
			phases[i].spin();
		}
	become(user);
	for (;;)
		phase_own();
}
