/* SPDX-License-Identifier: MIT */
/*
 * The daemon's end of oxprof-symbolizer, the process that reads files of others: ELF, DWARF, perf
 * maps, jitdumps. Every byte of these is chosen by whoever is profiled. So they are parsed by a
 * program without any capability, file name or network, under a filter that leaves it little more
 * than pread, mmap and its socket; it gets open descriptors and sends back tables and names.
 *
 * The process is started by the first request and by the first one after it ended. The users whose
 * files are read take turns by the time that they have used; requests about the files of one user
 * are answered in their order. A request that the process dies of, or that takes too much time or
 * memory, fails alone, and the caller logs it; the requests behind it are sent to the next process.
 * Replies are checked here: they may be nonsense, but are never out of bounds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/symbolizer_wire.h"

#define SYMBOLIZER_REQUESTS_MAX      1024 /* open at a time; each holds its descriptors */
#define SYMBOLIZER_REQUESTS_PER_USER 256  /* of these, of files of one user other than root */

struct symbolizer;
struct symbolizer_reply; /* borrowed for the call of symbolizer_fn */

/* Takes the reply to a request; NULL with an error. error: 0; -ENOEXEC: not a file of that kind;
 * -ENODATA: nothing of the kind is in it; -EFBIG; -EBADMSG: the file is damaged, or the symbolizer
 * died of it or sent nonsense; -ETIMEDOUT; -ECANCELED: the symbolizer was freed; -EIO: the
 * symbolizer cannot be started. The function may add requests, but not free the symbolizer. */
typedef void (*symbolizer_fn)(void *userdata, int error, const struct symbolizer_reply *reply);

/* Makes a symbolizer; `program` is the path of oxprof-symbolizer, which is started later, by the
 * first request. Returns 0, -ENOMEM or another negative errno. */
int symbolizer_new(const char *program, struct symbolizer **ret);
/* Answers the open requests with -ECANCELED and ends the process. */
struct symbolizer *symbolizer_free(struct symbolizer *symbolizer);
/* Ends the process if no request is open, so that it keeps no file and no memory; the next request
 * starts another. */
void symbolizer_stop_if_idle(struct symbolizer *symbolizer);

/* Returns the descriptor for the event loop, always the same: it is readable when
 * symbolizer_dispatch() has something to do. */
int symbolizer_fd(const struct symbolizer *symbolizer);
/* Receives the replies that have come, and calls the functions of their requests. */
void symbolizer_dispatch(struct symbolizer *symbolizer);
/* Dispatches, and ends the process if it took more than SYMBOLIZER_WALL_USEC for a request, or
 * SYMBOLIZER_STARVED_USEC if it is starved. To be called about once a second. */
void symbolizer_check(struct symbolizer *symbolizer);
/* Dispatches until no request is open or the time is over. Returns true if none is open. */
bool symbolizer_wait(struct symbolizer *symbolizer, uint64_t usec);
/* Ends the process and answers all open requests with -ETIMEDOUT. */
void symbolizer_give_up(struct symbolizer *symbolizer);
/* True if the process wants a CPU for the first request, and got one for less than half of the
 * time. */
bool symbolizer_is_starved(const struct symbolizer *symbolizer);
size_t symbolizer_count_open(const struct symbolizer *symbolizer);

/* Asks for the unwinding table of an ELF file. The descriptor stays the caller's. Returns 0, and fn
 * will be called once, later; or a negative errno, and fn will not be called: -EBUSY if too many
 * requests are open, of all or of the owner of the file; -EIO; -ENOMEM; that of the descriptor. */
int symbolizer_ask_table(struct symbolizer *symbolizer, int fd, symbolizer_fn fn, void *userdata);

void symbolizer_reply_get_table(const struct symbolizer_reply *reply, struct symbolizer_table *ret);

/* Asks for what the file says of itself; returns likewise. */
int symbolizer_ask_elf_info(struct symbolizer *symbolizer, int fd, symbolizer_fn fn,
			    void *userdata);

void symbolizer_reply_get_elf_info(const struct symbolizer_reply *reply, struct elf_info *ret);

/* Asks for the interpreter in the file; returns likewise. */
int symbolizer_ask_python(struct symbolizer *symbolizer, int fd, symbolizer_fn fn, void *userdata);

void symbolizer_reply_get_python(const struct symbolizer_reply *reply,
				 struct symbolizer_python *ret);

/* The files that names are read from. */
struct symbolizer_files {
	enum symbolizer_source source;
	int file;  /* -1 if only the debug file is there (SYMBOLIZER_ELF_VADDRS) */
	int debug; /* separate debug file; -1 if there is none */
	int alt;   /* what `debug` shares with others (.gnu_debugaltlink); -1 if none */
};
/* Asks for the names of n addresses, which are copied: 1 to SYMBOLIZER_NAMES_MAX, else it returns
 * -EINVAL. Otherwise returns as symbolizer_ask_table(). */
int symbolizer_ask_names(struct symbolizer *symbolizer, const struct symbolizer_files *files,
			 const uint64_t *addresses, size_t n, symbolizer_fn fn, void *userdata);

/* Gets the frames that the i-th address stands for, outermost first; more than one are inlined
 * functions. *ret_vaddr is the address in the file's own space. The texts are borrowed from the
 * reply. Returns the number of frames; 0 if the address has no name. */
size_t symbolizer_reply_get_names(const struct symbolizer_reply *reply, size_t i,
				  uint64_t *ret_vaddr,
				  struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX]);
