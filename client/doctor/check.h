/* SPDX-License-Identifier: MIT */
/*
 * The checks. Each one examines one side of the machine and adds a finding for each thing that it
 * examined, good or bad, in the order of oxprofctl(1). No check changes anything, starts anything
 * or waits.
 */
#pragma once

#include "client/doctor/finding.h"
#include "client/doctor/machine.h"

#define KERNEL_RELEASE_BYTES 128

/* The advice for a plain user where root sees more. */
#define ADVICE_ROOT "ask as root: sudo oxprofctl doctor"

void kernel_check(const struct machine *machine, struct findings *findings);
void events_check(const struct machine *machine, struct findings *findings);
void service_check(const struct machine *machine, struct findings *findings);
void system_check(const struct machine *machine, struct findings *findings);
void storage_check(const struct machine *machine, struct findings *findings);
void symbols_check(const struct machine *machine, struct findings *findings);
void programs_check(const struct machine *machine, struct findings *findings);

/* Reads the release of the kernel, as "6.1.0-28-amd64"; "" where it cannot be read. */
void kernel_read_release(const struct machine *machine, char ret[static KERNEL_RELEASE_BYTES]);
/* True if the unit is known to give oxprofd this capability (CAP_* of linux/capability.h). */
bool service_has_capability(const struct machine *machine, unsigned int capability);
/* True if the daemon, by its status (NULL: none), has its BPF programs in the kernel. */
bool daemon_has_loaded(struct json_object *status);
/* Returns the ID of a user, or -1 where there is no such user. */
int64_t user_find(const struct machine *machine, const char *name);

/* The room that there is for the history. */
struct disk_room {
	uint64_t free_bytes;
	uint64_t free_inodes;    /* UINT64_MAX: the file system has no limit */
	uint64_t database_bytes; /* UINT64_MAX: not known */
	uint64_t max_bytes;      /* MaxSize=; 0: no limit */
	uint64_t keep_bytes;     /* KeepFree= */
};
/* Adds the finding "disk". */
void disk_judge(const char *directory, const struct disk_room *room, struct findings *findings);
