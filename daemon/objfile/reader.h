/* SPDX-License-Identifier: MIT */
/*
 * The process that reads the files of others: ELF, DWARF, perf maps, jitdumps. Every byte of these
 * is chosen by whoever is profiled, so they are parsed by oxprof-reader, a program without any
 * capability, file name or network, under a filter that leaves it little more than pread, mmap and
 * its socket; it gets open descriptors and gives back tables and names. This is the daemon's end.
 *
 * The process is started by the first question and by the first one after it ended. Questions are
 * answered in their order. A question that the process dies of, or that takes too much time or
 * memory, fails alone, and is told in the journal by the caller; those behind it are asked again.
 * What comes back is checked here: it may be nonsense, it is never out of bounds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/reader_wire.h"

#define READER_QUESTIONS_MAX 1024 /* open at a time; each keeps its descriptors */

struct reader;
struct reader_reply; /* borrowed for the call of reader_fn */

/* error: 0; -ENOEXEC not a file of that kind; -ENODATA nothing of the kind is in it; -EFBIG;
 * -EBADMSG it is damaged, the reader died of it or answered nonsense; -ETIMEDOUT; -ECANCELED: the
 * reader was freed; -EIO: the reader cannot be started. The function may ask, not free. */
typedef void (*reader_fn)(void *userdata, int error, const struct reader_reply *reply);

/* program: path of oxprof-reader. Starts nothing yet. 0 or -ENOMEM, -errno. */
int reader_new(const char *program, struct reader **ret);
/* Answers what is open with -ECANCELED, ends the process. */
struct reader *reader_free(struct reader *reader);
/* Ends the process once nothing is open, so that it keeps no file and no memory; the next question
 * starts another. */
void reader_rest(struct reader *reader);

/* For the event loop: readable when reader_dispatch() has something to do; stays the same. */
int reader_fd(const struct reader *reader);
/* Takes in what has come, and calls the functions whose answers are there. */
void reader_dispatch(struct reader *reader);
/* The process is ended if it took more than READER_WALL_USEC, READER_STARVED_USEC where it is
 * starved; call it once a second or so. */
void reader_check(struct reader *reader);
/* Dispatches until nothing is open or the time is over. True: nothing is open. */
bool reader_wait(struct reader *reader, uint64_t usec);
/* Ends the process and answers all that is open with -ETIMEDOUT. */
void reader_give_up(struct reader *reader);
/* The process wants a CPU for the question in front, and got one for less than half of the time. */
bool reader_is_starved(const struct reader *reader);
size_t reader_count_open(const struct reader *reader);

/* The unwinding table of an ELF file. The descriptor stays the caller's. 0: fn will be called,
 * once, later; or a negative errno, and it will not: -EBUSY: too many are open; -EIO; -ENOMEM;
 * -errno of the descriptor. */
int reader_ask_table(struct reader *reader, int fd, reader_fn fn, void *userdata);

void reader_reply_get_table(const struct reader_reply *reply, struct reader_table *ret);

/* What the file says of itself, likewise. */
int reader_ask_about(struct reader *reader, int fd, reader_fn fn, void *userdata);

void reader_reply_get_about(const struct reader_reply *reply, struct reader_about *ret);

/* The interpreter in it, likewise. */
int reader_ask_python(struct reader *reader, int fd, reader_fn fn, void *userdata);

void reader_reply_get_python(const struct reader_reply *reply, struct reader_python *ret);

/* Names. */
struct reader_files {
	enum reader_source source;
	int file;  /* -1: only the debug file is there (READER_ELF_VADDRS) */
	int debug; /* separate debug file, -1: none */
	int alt;   /* what that one shares with others (.gnu_debugaltlink), -1: none */
};
/* n: 1 to READER_NAMES_MAX, else -EINVAL; the addresses are copied. Otherwise as above. */
int reader_ask_names(struct reader *reader, const struct reader_files *files,
		     const uint64_t *addresses, size_t n, reader_fn fn, void *userdata);

/* Of the i-th address: how many frames it stands for, outermost first (more than one: inlined
 * functions); 0: it has no name. *ret_vaddr: the address in the file's own space. */
size_t reader_reply_get_names(const struct reader_reply *reply, size_t i, uint64_t *ret_vaddr,
			      struct reader_name ret[static READER_INLINES_MAX]);
