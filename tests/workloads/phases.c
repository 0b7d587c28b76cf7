/* SPDX-License-Identifier: MIT */
/*
 * phases UID: a server of root's that takes the ids of a user on and off again, as one does that
 * serves many. It spins in a function of another name with each set of ids. Its memory is dumpable
 * all the time, so that nothing but the ids tells whose it is. After SIGUSR1 it becomes the user's
 * for good, which it says ("own"), and spins in phase_own().
 */
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
SPIN(phase_real)
SPIN(phase_real_and_effective)
SPIN(phase_saved)
SPIN(phase_fsuid)
SPIN(phase_all_but_effective)
SPIN(phase_own)

/* Which ids are the user's. The one of the file system follows the effective one, where it is not
 * set by itself. */
static const struct phase {
	void (*spin)(void);
	bool real, effective, saved, fsuid;
} phases[] = {
	{phase_root, false, false, false, false},
	{phase_effective, false, true, false, true},
	{phase_real, true, false, false, false},
	{phase_real_and_effective, true, true, false, true},
	{phase_saved, false, false, true, false},
	{phase_fsuid, false, false, false, true},
	{phase_all_but_effective, true, false, true, true},
};

static void ids_set(uid_t user, const struct phase *phase)
{
	uid_t real = phase->real ? user : ROOT, effective = phase->effective ? user : ROOT;

	/* First root again, whose rights it takes to set the others. */
	if (setresuid((uid_t)-1, ROOT, (uid_t)-1) < 0 ||
	    setresuid(real, effective, phase->saved ? user : ROOT) < 0)
		exit(1);
	if (phase->fsuid != phase->effective)
		setfsuid(phase->fsuid ? user : ROOT);
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		exit(1);
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
	while (!is_told)
		for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
			ids_set(user, &phases[i]);
			phases[i].spin();
		}
	ids_set(user, &phases[0]);
	if (setresgid(user, user, user) < 0 || setresuid(user, user, user) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1) < 0)
		return 1;
	puts("own");
	fflush(stdout);
	for (;;)
		phase_own();
}
