/* SPDX-License-Identifier: MIT */
/*
 * A kernel that takes its time to load a BPF program, or refuses it: preloaded into oxprofd by a
 * test (LD_PRELOAD). The programs of this size are the sampler's own; what libbpf tries out first
 * is smaller. Waits at each of them as long as there is the file /run/oxtest-loading; refuses with
 * the words of a verifier while there is /run/oxtest-refusing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LARGE 1000 /* instructions */

static const char refusal[] = "0: (b7) r0 = 0\n"
			      "combined stack size of 4 calls is 544. Too large\n"
			      "processed 12 insns (limit 1000000) max_states_per_insn 0\n";

static int refuse(union bpf_attr *attr)
{
	if (attr->log_buf && attr->log_size > sizeof(refusal))
		memcpy((void *)attr->log_buf, refusal, sizeof(refusal));
	errno = EACCES;
	return -1;
}

long syscall(long number, ...)
{
	static long (*next)(long number, ...);
	union bpf_attr *attr;
	long a[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	attr = (union bpf_attr *)a[1];
	if (number == SYS_bpf && a[0] == BPF_PROG_LOAD && attr->insn_cnt > LARGE) {
		while (access("/run/oxtest-loading", F_OK) == 0)
			usleep(10000);
		if (access("/run/oxtest-refusing", F_OK) == 0)
			return refuse(attr);
	}
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
