/* SPDX-License-Identifier: MIT */
/* The rights of sessions, sample by sample (bpf/filter.bpf.h). */
#include <criterion/criterion.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/support/sampling.h"

#define OTHER (NOBODY - 1)
/* The slots of a session of NOBODY's, and of one that may see anybody's processes. */
#define HIS       5
#define ROOTS     63
#define BIT(slot) (UINT64_C(1) << (slot))

/* The ids of a process: real, effective, saved, and those for files. */
struct guise {
	const char *name;
	uint32_t uids[4], gids[4];
	bool hides;
	bool is_own; /* NOBODY's */
};

#define UIDS(r, e, s, f) .uids = {r, e, s, f}
#define GIDS(r, e, s, f) .gids = {r, e, s, f}
#define HIS_UIDS         UIDS(NOBODY, NOBODY, NOBODY, NOBODY)
#define HIS_GIDS         GIDS(NOBODY, NOBODY, NOBODY, NOBODY)

static const struct guise guises[] = {
	{"own", HIS_UIDS, HIS_GIDS, .is_own = true},
	{"own, in another group", HIS_UIDS, GIDS(OTHER, OTHER, OTHER, OTHER), .is_own = true},
	{"another's", UIDS(OTHER, OTHER, OTHER, OTHER), HIS_GIDS},
	{"set-uid", UIDS(NOBODY, OTHER, OTHER, OTHER), HIS_GIDS},
	{"a server that acts for him", UIDS(0, NOBODY, 0, NOBODY), HIS_GIDS},
	{"with another real uid", UIDS(OTHER, NOBODY, NOBODY, NOBODY), HIS_GIDS},
	{"with another saved uid", UIDS(NOBODY, NOBODY, OTHER, NOBODY), HIS_GIDS},
	{"with another uid for files", UIDS(NOBODY, NOBODY, NOBODY, OTHER), HIS_GIDS},
	{"set-gid", HIS_UIDS, GIDS(NOBODY, OTHER, OTHER, OTHER)},
	{"with another saved gid", HIS_UIDS, GIDS(NOBODY, NOBODY, OTHER, NOBODY)},
	{"with another gid for files", HIS_UIDS, GIDS(NOBODY, NOBODY, NOBODY, OTHER)},
	{"not dumpable", HIS_UIDS, HIS_GIDS, .hides = true},
};
#define N_GUISES (sizeof(guises) / sizeof(*guises))

/* Shared with the process: the guise that it is to take, and the one that it has taken, each as
 * index + 1. */
static struct stage {
	volatile unsigned wanted, taken;
} * stage;

static void set_up_stage(void)
{
	sampling_set_up();
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	cr_assert_neq(stage, MAP_FAILED);
}

TestSuite(rights, .init = set_up_stage, .fini = sampling_tear_down);

static void take_guise(const struct guise *guise)
{
	const uint32_t *uids = guise->uids, *gids = guise->gids;

	if (setresgid(gids[0], gids[1], gids[2]) < 0 || setresuid(uids[0], uids[1], uids[2]) < 0)
		_exit(1);
	setfsgid(gids[3]);
	setfsuid(uids[3]);
	/* A change of ids closes the memory, and forgets the signal at the parent's end. */
	prctl(PR_SET_DUMPABLE, !guise->hides);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Spins, in whichever guise is wanted. It keeps its capabilities, to take another one. */
static void play(void)
{
	prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
	for (;;) {
		unsigned wanted = stage->wanted;

		if (wanted == stage->taken)
			continue;
		take_guise(&guises[wanted - 1]);
		stage->taken = wanted;
	}
}

static void want_guise(const struct busy_process *process, unsigned n)
{
	stage->wanted = n + 1;
	while (stage->taken != n + 1)
		busy_let(process->pid, 1);
}

/* Lets NOBODY's session and root's have the process, each by a target of its own. */
static void choose(const struct busy_process *process)
{
	struct sampler_target targets[] = {sampling_by_pid(process->pid),
					   sampling_by_pid(process->pid)};

	sampling.plan.running = 0;
	sampling_add_session(HIS, INTERVAL_NS, NOBODY);
	sampling_add_session(ROOTS, INTERVAL_NS, 0);
	sampling.sessions[ROOTS].anybody = true;
	targets[0].target.sessions = BIT(HIS);
	targets[1].target.sessions = BIT(ROOTS);
	sampling_choose(targets, 2);
}

static void check_guise(const struct guise *guise)
{
	uint64_t n = sampling_hits(0);
	uint32_t uid = guise->uids[0], owner = guise->is_own ? NOBODY : OX_NOBODY;
	bool is_his = guise->is_own;

	if (!strcmp(guise->name, "another's"))
		owner = uid;
	cr_assert_gt(n, 0, "%s", guise->name);
	cr_assert_eq(sampling_taken_by(ROOTS), n, "%s", guise->name);
	cr_assert_eq(sampling_taken_by(HIS), is_his ? n : 0, "%s", guise->name);
	cr_assert_eq(sampling_lost_by(HIS, OX_LOST_NOT_PERMITTED), is_his ? 0 : n, "%s",
		     guise->name);
	cr_assert_eq(sampling_lost_by(ROOTS, OX_LOST_NOT_PERMITTED), 0, "%s", guise->name);
	if (!is_his)
		cr_assert_eq(sampling_lost_by(HIS, OX_LOST_LATE), 0, "%s", guise->name);
	for (size_t i = 0; i < sampling.n_seen; i++) {
		cr_assert_eq(sampling.seen[i].id.owner, owner, "%s", guise->name);
		cr_assert_eq(sampling.seen[i].id.uid, guise->uids[1], "%s", guise->name);
	}
}

/* One process that changes its ids while it runs: each sample is by what it is at that moment. */
Test(rights, own_is_asked_at_every_sample)
{
	struct busy_process process = busy_start(&(struct busy){.run = play});

	choose(&process);
	for (unsigned i = 0; i < N_GUISES; i++) {
		want_guise(&process, i);
		sampling_run(process.pid, 10);
		check_guise(&guises[i]);
		want_guise(&process, 0);
		sampling_run(process.pid, 5);
		check_guise(&guises[0]);
	}
	busy_stop(&process);
}

/* A change in the middle of a session: what comes after it is lost and counted, nothing else. */
Test(rights, a_change_in_the_middle_ends_what_he_sees)
{
	struct busy_process process = busy_start(&(struct busy){.run = play});
	uint64_t before;

	choose(&process);
	want_guise(&process, 0);
	sampling_start();
	busy_let(process.pid, 10);
	sampling_drain();
	before = sampling_taken_by(HIS);
	cr_assert_gt(before, 0);
	want_guise(&process, 3);
	sampling_drain(); /* of the moments until the change */
	before = sampling_taken_by(HIS);
	busy_let(process.pid, 10);
	sampling_stop();
	cr_assert_eq(sampling_taken_by(HIS), before);
	cr_assert_gt(sampling_lost_by(HIS, OX_LOST_NOT_PERMITTED), 0);
	cr_assert_eq(sampling_taken_by(HIS) + sampling_lost_by(HIS, OX_LOST_NOT_PERMITTED),
		     sampling_taken_by(ROOTS));
	busy_stop(&process);
}

/* He names everything, root names one process of another: neither gets what the other may. */
Test(rights, what_two_permit_is_never_added_up)
{
	struct busy_process his = busy_start(&(struct busy){.uid = NOBODY, .depth = 5});
	struct busy_process roots = busy_start(&(struct busy){.depth = 5});
	struct sampler_target targets[] = {{.filter = SAMPLER_ALL},
					   {.filter = SAMPLER_USER, .id = 0},
					   sampling_by_pid(roots.pid)};

	sampling.plan.running = 0;
	sampling_add_session(HIS, INTERVAL_NS, NOBODY);
	sampling_add_session(ROOTS, INTERVAL_NS, 0);
	sampling.sessions[ROOTS].anybody = true;
	targets[0].target.sessions = targets[1].target.sessions = BIT(HIS);
	targets[2].target.sessions = BIT(ROOTS);
	sampling_choose(targets, 3);
	sampling_run_both(&his, &roots);
	cr_assert_gt(sampling_hits(his.pid), 0);
	cr_assert_gt(sampling_hits(roots.pid), 0);
	for (size_t i = 0; i < sampling.n_seen; i++)
		cr_assert_eq(sampling.seen[i].id.sessions,
			     sampling.seen[i].id.pid == (uint32_t)roots.pid ? BIT(ROOTS)
									    : BIT(HIS));
	busy_stop(&his);
	busy_stop(&roots);
}

/* Two sessions of one user, and one of another, by the same target. */
Test(rights, each_owner_has_all_of_his_sessions)
{
	struct busy_process his = busy_start(&(struct busy){.uid = NOBODY, .depth = 5});
	struct sampler_target target = sampling_by_pid(his.pid);

	sampling.plan.running = 0;
	sampling_add_session(HIS, INTERVAL_NS, NOBODY);
	sampling_add_session(HIS + 1, INTERVAL_NS, NOBODY);
	sampling_add_session(HIS + 2, INTERVAL_NS, OTHER);
	target.target.sessions = BIT(HIS) | BIT(HIS + 1) | BIT(HIS + 2);
	sampling_choose(&target, 1);
	sampling_run(his.pid, 20);
	cr_assert_gt(sampling_hits(0), 0);
	cr_assert_eq(sampling_taken_by(HIS), sampling_hits(0));
	cr_assert_eq(sampling_taken_by(HIS + 1), sampling_hits(0));
	cr_assert_eq(sampling_taken_by(HIS + 2), 0);
	/* A session that goes takes no other's right with it. */
	sampling.plan.running &= ~BIT(HIS);
	sampling_choose(&target, 1);
	sampling_run(his.pid, 20);
	cr_assert_gt(sampling_hits(0), 0);
	cr_assert_eq(sampling_taken_by(HIS + 1), sampling_hits(0));
	cr_assert_eq(sampling_taken_by(HIS), 0);
	busy_stop(&his);
}

/* A slot that was root's is given to him. */
Test(rights, a_slot_keeps_nothing_of_who_had_it)
{
	struct busy_process roots = busy_start(&(struct busy){.depth = 5, .in_kernel = true});
	struct sampler_target target = sampling_by_pid(roots.pid);
	struct sampler_pace pace;

	target.target.sessions = BIT(HIS);
	sampling.plan.running = 0;
	sampling_add_session(HIS, INTERVAL_NS, 0);
	sampling.sessions[HIS].anybody = sampling.sessions[HIS].kernel = true;
	sampling_choose(&target, 1);
	sampling_run(roots.pid, 20);
	cr_assert_gt(sampling_taken_by(HIS), 0);
	cr_assert_gt(sampling_main()->n_kernel, 0);

	sampling.plan.running = 1;
	sampling_choose(NULL, 0);
	sampler_clear_slot(sampling.sampler, HIS);
	sampler_read_pace(sampling.sampler, HIS, &pace);
	cr_assert_eq(pace.gap_n, 0);
	sampling_add_session(HIS, INTERVAL_NS, NOBODY);
	sampling_choose(&target, 1);
	sampling_run(roots.pid, 20);
	cr_assert_eq(sampling_hits(0), 0);
	cr_assert_gt(sampling_lost_by(HIS, OX_LOST_NOT_PERMITTED), 0);
	busy_stop(&roots);
}

Test(rights, kernel_stacks_are_of_samples_that_one_with_that_right_takes)
{
	struct busy_process one = busy_start(&(struct busy){.depth = 5, .in_kernel = true});
	struct busy_process two = busy_start(&(struct busy){.depth = 5, .in_kernel = true});
	struct sampler_target targets[] = {sampling_by_pid(one.pid), sampling_by_pid(two.pid),
					   sampling_by_pid(two.pid)};

	targets[2].target.sessions = BIT(ROOTS);
	sampling_add_session(ROOTS, INTERVAL_NS, 0);
	sampling.sessions[ROOTS].anybody = sampling.sessions[ROOTS].kernel = true;
	sampling_choose(targets, 3);
	sampling_run_both(&one, &two);
	cr_assert_gt(sampling_main()->count, 0);
	for (size_t i = 0; i < sampling.n_seen; i++)
		if (sampling.seen[i].id.pid == (uint32_t)one.pid)
			cr_assert_eq(sampling.seen[i].n_kernel, 0);
	cr_assert_eq(sampling_taken_by(0), sampling_hits(0));
	cr_assert_eq(sampling_taken_by(ROOTS), sampling_hits(two.pid));
	busy_stop(&one);
	busy_stop(&two);
}
