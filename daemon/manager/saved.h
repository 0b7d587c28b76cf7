/* SPDX-License-Identifier: MIT */
/*
 * The sessions in a small file, so that they go on when the daemon is started again after it was
 * killed. The file is written anew and renamed with each change, removed at an orderly end, and
 * worth nothing after the machine was started anew. Only the daemon's user may write where it lies.
 */
#pragma once

#include <stdint.h>

struct manager;

/* Sets the directory of the file; NULL: none is kept. Borrowed. */
void saved_set_directory(struct manager *manager, const char *directory);
/* Writes the file as the sessions are now. A failure is logged once. */
void saved_write(struct manager *manager);
/* Removes the file. */
void saved_remove(struct manager *manager);
/* Reads the sessions that were left behind, makes the kernel side ready for them, and begins those
 * that ran as soon as it is. What cannot be resumed is logged and dropped. */
void saved_resume(struct manager *manager);
