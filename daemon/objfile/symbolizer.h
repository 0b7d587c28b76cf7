/* SPDX-License-Identifier: MIT */
/*
 * The process that reads the files of others: ELF, DWARF, perf maps, jitdumps. Every byte of these
 * is chosen by whoever is profiled, so they are parsed by oxprof-symbolizer, a program without any
 * capability, file name or network, under a filter that leaves it little more than pread, mmap and
 * its socket; it gets open descriptors and gives back tables and names. This is the daemon's end.
 *
 * The process is started by the first request and by the first one after it ended. Requests are
 * answered in their order. A request that the process dies of, or that takes too much time or
 * memory, fails alone, and is told in the journal by the caller; those behind it are asked again.
 * What comes back is checked here: it may be nonsense, it is never out of bounds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/symbolizer_wire.h"

#define SYMBOLIZER_QUESTIONS_MAX 1024 /* open at a time; each keeps its descriptors */

struct symbolizer;
struct symbolizer_reply; /* borrowed for the call of symbolizer_fn */

/* error: 0; -ENOEXEC not a file of that kind; -ENODATA nothing of the kind is in it; -EFBIG;
 * -EBADMSG it is damaged, the symbolizer died of it or answered nonsense; -ETIMEDOUT; -ECANCELED:
 * the symbolizer was freed; -EIO: the symbolizer cannot be started. The function may ask, not free.
 */
typedef void (*symbolizer_fn)(void *userdata, int error, const struct symbolizer_reply *reply);

/* program: path of oxprof-symbolizer. Starts nothing yet. 0 or -ENOMEM, -errno. */
int symbolizer_new(const char *program, struct symbolizer **ret);
/* Answers what is open with -ECANCELED, ends the process. */
struct symbolizer *symbolizer_free(struct symbolizer *symbolizer);
/* Ends the process once nothing is open, so that it keeps no file and no memory; the next request
 * starts another. */
void symbolizer_stop_if_idle(struct symbolizer *symbolizer);

/* For the event loop: readable when symbolizer_dispatch() has something to do; stays the same. */
int symbolizer_fd(const struct symbolizer *symbolizer);
/* Takes in what has come, and calls the functions whose answers are there. */
void symbolizer_dispatch(struct symbolizer *symbolizer);
/* The process is ended if it took more than SYMBOLIZER_WALL_USEC, SYMBOLIZER_STARVED_USEC where it
 * is starved; call it once a second or so. */
void symbolizer_check(struct symbolizer *symbolizer);
/* Dispatches until nothing is open or the time is over. True: nothing is open. */
bool symbolizer_wait(struct symbolizer *symbolizer, uint64_t usec);
/* Ends the process and answers all that is open with -ETIMEDOUT. */
void symbolizer_give_up(struct symbolizer *symbolizer);
/* The process wants a CPU for the request in front, and got one for less than half of the time. */
bool symbolizer_is_starved(const struct symbolizer *symbolizer);
size_t symbolizer_count_open(const struct symbolizer *symbolizer);

/* The unwinding table of an ELF file. The descriptor stays the caller's. 0: fn will be called,
 * once, later; or a negative errno, and it will not: -EBUSY: too many are open; -EIO; -ENOMEM;
 * -errno of the descriptor. */
int symbolizer_ask_table(struct symbolizer *symbolizer, int fd, symbolizer_fn fn, void *userdata);

void symbolizer_reply_get_table(const struct symbolizer_reply *reply, struct symbolizer_table *ret);

/* What the file says of itself, likewise. */
int symbolizer_ask_elf_info(struct symbolizer *symbolizer, int fd, symbolizer_fn fn,
			    void *userdata);

void symbolizer_reply_get_elf_info(const struct symbolizer_reply *reply, struct elf_info *ret);

/* The interpreter in it, likewise. */
int symbolizer_ask_python(struct symbolizer *symbolizer, int fd, symbolizer_fn fn, void *userdata);

void symbolizer_reply_get_python(const struct symbolizer_reply *reply,
				 struct symbolizer_python *ret);

/* Names. */
struct symbolizer_files {
	enum symbolizer_source source;
	int file;  /* -1: only the debug file is there (SYMBOLIZER_ELF_VADDRS) */
	int debug; /* separate debug file, -1: none */
	int alt;   /* what that one shares with others (.gnu_debugaltlink), -1: none */
};
/* n: 1 to SYMBOLIZER_NAMES_MAX, else -EINVAL; the addresses are copied. Otherwise as above. */
int symbolizer_ask_names(struct symbolizer *symbolizer, const struct symbolizer_files *files,
			 const uint64_t *addresses, size_t n, symbolizer_fn fn, void *userdata);

/* Of the i-th address: how many frames it stands for, outermost first (more than one: inlined
 * functions); 0: it has no name. *ret_vaddr: the address in the file's own space. */
size_t symbolizer_reply_get_names(const struct symbolizer_reply *reply, size_t i,
				  uint64_t *ret_vaddr,
				  struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX]);
