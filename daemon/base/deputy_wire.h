/* SPDX-License-Identifier: MIT */
/*
 * The protocol of oxprofd (daemon/objfile/deputy.h) and oxprof-deputy over a SOCK_SEQPACKET
 * connection to OX_DEPUTY_PATH, which systemd accepts.
 *
 * oxprof-deputy begins with a reply of id 0. Then oxprofd sends a request, one packet of exactly
 * that size and by SCM_RIGHTS one descriptor, the directory that is the root for the path, and gets
 * a reply, one packet too: an error, or 0 and one descriptor, the file, for reading. A request that
 * is not as this file says ends the connection without a reply.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

#define DEPUTY_VERSION    1
#define DEPUTY_GROUPS_MAX 128
#define DEPUTY_PATH_BYTES 4096 /* with its NUL */
/* Whoever is asked for a file may be made to hang by the file system: then it ends. */
#define DEPUTY_HANG_SEC 10

/* A user's rights: what the kernel checks when a file is opened. */
struct deputy_rights {
	uint32_t uid, gid; /* of the file system: setfsuid(2) */
	uint32_t n_groups;
	uint32_t groups[DEPUTY_GROUPS_MAX]; /* supplementary */
};

struct deputy_request {
	uint32_t version;   /* DEPUTY_VERSION */
	uint32_t id;        /* not 0; the reply has it, too */
	uint32_t no_follow; /* 1: the last part of the path may not be a link */
	struct deputy_rights rights;
	char path[DEPUTY_PATH_BYTES];
};
static_assert(sizeof(struct deputy_request) == 24 + 4 * DEPUTY_GROUPS_MAX + DEPUTY_PATH_BYTES,
	      "it crosses a border");

struct deputy_reply {
	uint32_t id;
	int32_t error; /* 0, or a negative errno: -EINVAL: no regular file */
};
static_assert(sizeof(struct deputy_reply) == 8, "it crosses a border");
