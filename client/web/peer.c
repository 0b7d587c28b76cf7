/* SPDX-License-Identifier: MIT */
#include "client/web/peer.h"

#include <assert.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"

#define ANY_STATE UINT32_MAX
/* The last number is no user: (uid_t)-1 means "none" to the kernel. */
#define UID_MAX (UINT32_MAX - 1)

/* ---- friends ---- */

static void add_uid(struct web_friends *friends, uid_t uid)
{
	assert(friends->n < WEB_FRIENDS_MAX);
	if (!web_friends_has(friends, uid))
		friends->uids[friends->n++] = uid;
}

static void add_text(struct web_friends *friends, const char *text)
{
	uint64_t uid;

	if (text && parse_u64(text, UID_MAX, &uid) == 0)
		add_uid(friends, (uid_t)uid);
}

void web_friends_init(struct web_friends *friends, uid_t real, uid_t effective,
		      const char *sudo_uid, const char *pkexec_uid)
{
	friends->n = 0;
	add_uid(friends, 0);
	add_uid(friends, real);
	add_uid(friends, effective);
	add_text(friends, sudo_uid);
	add_text(friends, pkexec_uid);
}

bool web_friends_has(const struct web_friends *friends, uid_t uid)
{
	for (size_t i = 0; i < friends->n; i++)
		if (friends->uids[i] == uid)
			return true;
	return false;
}

/* ---- the question to the kernel ---- */

struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 request;
};

union answer {
	struct nlmsghdr head;
	char bytes[2048]; /* attributes follow, which are of no interest */
};

/* Writes an address of the question. Nothing is written for NULL, which is how the kernel has the
 * other end of a socket that listens. */
static void put_address(const struct sockaddr *address, __be16 *ret_port, __be32 ret[static 4])
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;

	if (!address)
		return;
	if (address->sa_family == AF_INET6) {
		*ret_port = six->sin6_port;
		memcpy(ret, &six->sin6_addr, sizeof(six->sin6_addr));
	} else {
		*ret_port = four->sin_port;
		memcpy(ret, &four->sin_addr, sizeof(four->sin_addr));
	}
}

static struct question make_question(const struct sockaddr *from, const struct sockaddr *to)
{
	struct question question = {
		.head = {.nlmsg_len = sizeof(question),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST},
		.request = {.sdiag_family = (__u8)from->sa_family,
			    .sdiag_protocol = IPPROTO_TCP,
			    .idiag_states = ANY_STATE,
			    .id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}},
	};
	struct inet_diag_sockid *id = &question.request.id;

	assert(from->sa_family == AF_INET || from->sa_family == AF_INET6);
	assert(!to || to->sa_family == from->sa_family);
	put_address(from, &id->idiag_sport, id->idiag_src);
	put_address(to, &id->idiag_dport, id->idiag_dst);
	return question;
}

/* Reads what the kernel has sent: an error, or a socket. Returns 0 or a negative errno. */
static int read_answer(const union answer *answer, size_t length, struct inet_diag_msg *ret)
{
	const struct nlmsgerr *error = (const void *)(answer->bytes + NLMSG_HDRLEN);

	if (length >= NLMSG_LENGTH(sizeof(*error)) && answer->head.nlmsg_type == NLMSG_ERROR)
		return error->error < 0 ? error->error : -EBADMSG;
	if (length < NLMSG_LENGTH(sizeof(*ret)) || answer->head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -EBADMSG;
	memcpy(ret, answer->bytes + NLMSG_HDRLEN, sizeof(*ret));
	return 0;
}

/* Finds the socket at `from` that is connected to `to`, or listens where that is NULL. Returns 0 or
 * a negative errno. */
static int find_socket(const struct sockaddr *from, const struct sockaddr *to,
		       struct inet_diag_msg *ret)
{
	struct question question = make_question(from, to);
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	union answer answer;
	ssize_t length;
	int r;

	if (fd < 0 || send(fd, &question, sizeof(question), 0) < 0)
		return -errno;
	/* The kernel has answered before send() returns, so there is nothing to wait for. */
	length = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
	if (length < 0)
		return -errno;
	r = read_answer(&answer, (size_t)length, ret);
	if (r < 0)
		return r;
	/* Where nobody is connected from there, the kernel names who listens at that port. */
	return ret->id.idiag_dport == question.request.id.idiag_dport ? 0 : -ENOENT;
}

int web_peer_find_owner(const struct sockaddr *peer, const struct sockaddr *own, uid_t *ret)
{
	struct inet_diag_msg found;
	int r;

	assert(own);
	r = find_socket(peer, own, &found);
	if (r < 0)
		return r;
	/* A socket that no program has any more has no inode, and the kernel says 0 for its user,
	 * which is not to be taken for root. */
	if (found.idiag_inode == 0)
		return -ENOTCONN;
	*ret = found.idiag_uid;
	return 0;
}

int web_peer_probe(const struct sockaddr *own)
{
	struct inet_diag_msg found;
	int r = find_socket(own, NULL, &found);

	if (r < 0)
		return r;
	return found.idiag_inode != 0 && found.idiag_uid == geteuid() ? 0 : -EOPNOTSUPP;
}
