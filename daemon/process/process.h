/* SPDX-License-Identifier: MIT */
/*
 * Reads what /proc says of a process; only this folder reads /proc/PID. The root of /proc is a
 * parameter, so that tests can bring their own. Sizes are bounded; nothing of a process is trusted.
 * -ESRCH says that there is no such process (any more).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/process/maps.h"

#define PROCESS_CMDLINE_BYTES 4096
#define PROCESS_MAPS_BYTES    (16u << 20) /* of /proc/PID/maps; the rest is passed over */

struct process_stat {
	char comm[16];
	char state;
	uint32_t ppid;
	uint64_t start_ticks; /* CLOCK_BOOTTIME in clock ticks */
};
/* Reads /proc/PID/stat, whose comm may hold spaces and brackets. Returns 0, -EINVAL where the text
 * is of another form, or another negative errno. */
int process_read_stat(const char *proc, uint32_t pid, struct process_stat *ret);

struct process_ids {
	uint32_t ruid, euid, suid, fsuid;
	bool has_one_gid; /* all four are the same: it gained no group by set-gid */
	uint32_t owner;   /* owner of /proc/PID/status: root where the process is not dumpable */
	uint32_t tgid;    /* differs from the pid that was asked for where that was a thread */
	uint32_t ns_pid;  /* its pid in the innermost pid namespace */
};
/* Reads /proc/PID/status. Returns 0, -EINVAL where the text is of another form, or another negative
 * errno. */
int process_read_ids(const char *proc, uint32_t pid, struct process_ids *ret);

/* Reads the text of /proc/PID/status, which is cut behind that many bytes. Returns 0 or a negative
 * errno. */
#define PROCESS_STATUS_BYTES 8192
int process_read_status(const char *proc, uint32_t pid, char ret[static PROCESS_STATUS_BYTES]);
/* Returns the text behind "KEY:" at the beginning of a line, NULL where there is none. */
const char *process_find_field(const char *text, const char *key);

/* Texts for the history, cleaned (text_clean), "" where unreadable. */
struct process_info {
	char comm[64];
	char exe[4096];
	char cmdline[PROCESS_CMDLINE_BYTES];
	char cgroup[4096]; /* path in the v2 hierarchy */
	char unit[256];    /* the innermost *.service or *.scope, else *.slice of the cgroup */
};
/* Reads these texts. Returns 0 or a negative errno. */
int process_read_info(const char *proc, uint32_t pid, struct process_info *ret);

/* Adds the mappings of /proc/PID/maps to maps, by maps_parse(). Returns how many were added (a
 * kernel thread: 0) or a negative errno. */
int process_read_maps(const char *proc, uint32_t pid, uint64_t since_ns, struct maps *maps);

/*
 * Opens the file behind a mapping, for reading only, regular files only, with all capabilities:
 * through map_files, never by a name (also right after the file was deleted or replaced; needs
 * CAP_CHECKPOINT_RESTORE). So it is a file that the process has mapped in this moment. Never blocks
 * on a FIFO and never touches a device. Returns the fd or a negative errno: -ESTALE where another
 * file has taken the place of the one that was mapped, -EINVAL not a regular file, -ENOENT no file
 * behind it, -ESRCH no such process.
 */
int process_open_mapped(const char *proc, uint32_t pid, const struct mapping *mapping);
/* Opens the file of a process that is gone, likewise with all capabilities, at its path as PID 1
 * sees it: only where the file there is certainly the one that was mapped, by its number and since
 * it is older than at_ns (CLOCK_MONOTONIC), when it was mapped. Returns the fd or a negative errno,
 * -ESTALE where it may be another. */
int process_open_gone(const char *proc, const struct mapping *mapping, uint64_t at_ns);
/* Checks, as far as the mapping knows, that an open file is the one that was mapped. Returns 0,
 * -ESTALE for another file, -EINVAL for one that is not regular, or another negative errno. */
int process_check_mapped(int fd, const struct mapping *mapping);

/* Opens the root of the process's view of the file system. Returns an O_PATH descriptor, -ESRCH
 * where there is no such process, or another negative errno. */
int process_open_root(const char *proc, uint32_t pid);
/* The view that a process has of the file system: processes for which all three are the same find
 * the same file at a path. */
struct process_view {
	uint64_t device, inode; /* of its root */
	uint64_t namespace;     /* inode of the mount namespace */
};
/* Reads the view of a process. Returns 0 or a negative errno. */
int process_read_view(const char *proc, uint32_t pid, struct process_view *ret);

/* Calls fn for each process; a negative result stops and is returned. Returns 0 or that result. */
typedef int (*process_fn)(void *userdata, uint32_t pid);
int process_foreach(const char *proc, process_fn fn, void *userdata);
/* Opens /proc/PID. Returns an O_PATH descriptor, -ESRCH where there is no such process, or another
 * negative errno. */
int process_open_directory(const char *proc, uint32_t pid);
