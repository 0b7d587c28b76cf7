/* SPDX-License-Identifier: MIT */
/*
 * A program that has an interpreter in it: embedded_work() in the first thread, embedded_thread()
 * in another one, until it is killed. With LINKED it is linked with one and begins with that;
 * without, it is plain C that keeps a CPU busy until there is a line on stdin, and then loads the
 * library that is its argument.
 */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static volatile uint64_t sink;

#define WORK(name)                                  \
	"def " name "():\n"                         \
	"    total = 0\n"                           \
	"    for i in range(100000):\n"             \
	"        total = total * 31 + i & 0xFFFF\n" \
	"    return total\n"

/* Functions of CPython, with the types of <Python.h>. */
static void (*initialize)(int signals);
static int (*run_string)(const char *code, void *flags);
static int (*state_ensure)(void);
static void (*state_release)(int state);
static void *(*save_thread)(void);

#ifdef LINKED
void Py_InitializeEx(int signals);
int PyRun_SimpleStringFlags(const char *code, void *flags);
int PyGILState_Ensure(void);
void PyGILState_Release(int state);
void *PyEval_SaveThread(void);

static int library_load(const char *path)
{
	(void)path;
	initialize = Py_InitializeEx;
	run_string = PyRun_SimpleStringFlags;
	state_ensure = PyGILState_Ensure;
	state_release = PyGILState_Release;
	save_thread = PyEval_SaveThread;
	return 0;
}
#else
static int library_load(const char *path)
{
	struct pollfd input = {.events = POLLIN};
	void *library;

	while (poll(&input, 1, 0) == 0)
		for (int i = 0; i < 100000; i++)
			sink++;
	library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	if (!library) {
		fprintf(stderr, "embed: %s\n", dlerror());
		return -1;
	}
	*(void **)&initialize = dlsym(library, "Py_InitializeEx");
	*(void **)&run_string = dlsym(library, "PyRun_SimpleStringFlags");
	*(void **)&state_ensure = dlsym(library, "PyGILState_Ensure");
	*(void **)&state_release = dlsym(library, "PyGILState_Release");
	*(void **)&save_thread = dlsym(library, "PyEval_SaveThread");
	return 0;
}
#endif

__attribute__((noinline)) static void call_python(const char *code)
{
	int state = state_ensure();

	run_string(code, NULL);
	state_release(state);
	sink++; /* not a tail call: this frame stays */
}

/* Runs C code between that is no part of an interpreter. */
__attribute__((noinline)) static void own_work(void)
{
	for (volatile int i = 0; i < 200000; i++)
		sink = sink * 31;
}

static void *thread_main(void *unused)
{
	(void)unused;
	for (;;) {
		call_python("embedded_thread()\n");
		/* Else the other one may wait for the lock for seconds. */
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	puts("ready");
	fflush(stdout);
	if (library_load(argc > 1 ? argv[1] : NULL) < 0)
		return 1;
	initialize(0);
	run_string(WORK("embedded_work") WORK("embedded_thread"), NULL);
	save_thread();
	if (pthread_create(&thread, NULL, thread_main, NULL))
		return 1;
	for (;;) {
		call_python("embedded_work()\n");
		own_work();
	}
}
