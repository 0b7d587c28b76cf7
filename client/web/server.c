/* SPDX-License-Identifier: MIT */
#include "client/web/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "client/web/deadlines.h"
#include "client/web/exchange.h"
#include "client/web/peer.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

#define HEAD_BYTES_MAX  (32u << 10) /* with the path; the library refuses longer heads */
#define CONNECTIONS_MAX 32u
#define CONNECTION_SEC  30u /* of silence */
#define N_ADDRESSES     2
#define PORT_TRIES      8
#define LISTEN_BACKLOG  SOMAXCONN /* strangers stand in it, too, until they are closed */
#define ENDING_TRIES    100
#define ENDING_WAIT_NS  10000000

/* One of the addresses that the server listens at, and the library's server there. */
struct listener {
	struct web_server *server;
	struct MHD_Daemon *daemon;
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} address;
};

struct web_server {
	struct web_shared shared;
	struct listener listeners[N_ADDRESSES];
	struct web_deadlines *deadlines;
	struct web_friends friends;
	bool sees_peers;            /* the kernel tells whose a connection is */
	atomic_bool told_strangers; /* once is enough: a stranger may come all the time */
	uint16_t port;
};

define_cleanup(struct web_server *, web_server_free);

/* ---- sockets on loopback; the functions return a descriptor that the caller owns ---- */

static int listen_at(const struct sockaddr *address, socklen_t size)
{
	_cleanup_close_ int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0)
		return -errno;
	/* The port may have connections of an earlier server in TIME_WAIT. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	if (bind(fd, address, size) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return take_fd(&fd);
}

/* Listens at 127.0.0.1; port 0: a free one. Returns the descriptor or a negative errno. */
static int listen_4(uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	_cleanup_close_ int fd = listen_at((struct sockaddr *)&address, size);

	if (fd < 0)
		return fd;
	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	*ret_port = ntohs(address.sin_port);
	return take_fd(&fd);
}

/* Listens at ::1, but not at 127.0.0.1 mapped to IPv6. Returns the descriptor or a negative errno.
 */
static int listen_6(uint16_t port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6,
				       .sin6_port = htons(port),
				       .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	return listen_at((struct sockaddr *)&address, sizeof(address));
}

/* Listens at both addresses. A machine need not have IPv6, and then *ret_6 is negative. But where
 * another program has the port at ::1, a browser would reach that program as "localhost": so this
 * is an error. Returns 0 or a negative errno. */
static int listen_at_both(uint16_t port, uint16_t *ret_port, int *ret_4, int *ret_6)
{
	_cleanup_close_ int fd = listen_4(port, ret_port);

	if (fd < 0)
		return fd;
	*ret_6 = listen_6(*ret_port);
	if (*ret_6 == -EADDRINUSE)
		return -EADDRINUSE;
	*ret_4 = take_fd(&fd);
	return 0;
}

/* Opens the sockets, and tries other free ports where one is free at 127.0.0.1 but not at ::1. */
static int open_sockets(struct web_server *server, int *ret_4, int *ret_6)
{
	uint16_t wanted = server->shared.settings.port;
	int tries = 0, r;

	do {
		r = listen_at_both(wanted, &server->port, ret_4, ret_6);
	} while (r == -EADDRINUSE && !wanted && ++tries < PORT_TRIES);
	return r;
}

/* ---- connections ---- */

static void tell(struct web_server *server, enum web_event event)
{
	server->shared.settings.on_event(server->shared.settings.userdata, event);
}

/* Says whether a connection is somebody's who may talk to this server. The library closes the
 * others before it reads or writes a byte. */
static enum MHD_Result accept_friend(void *userdata, const struct sockaddr *peer, socklen_t size)
{
	const struct listener *listener = userdata;
	struct web_server *server = listener->server;
	uid_t uid;

	if (!server->sees_peers)
		return MHD_YES;
	/* Whose connection is closed already, or cannot be found, is no friend's. */
	if (web_peer_find_owner(peer, &listener->address.any, &uid) < 0)
		return MHD_NO;
	if (web_friends_has(&server->friends, uid))
		return MHD_YES;
	if (!atomic_exchange(&server->told_strangers, true))
		tell(server, WEB_EVENT_STRANGER);
	return MHD_NO;
}

/* Returns the deadline of a connection. */
static struct web_deadline *get_deadline(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info->socket_context;
}

static int get_socket(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* Follows the connections, whose deadline the library keeps for us. It closes the socket of one
 * only after it has told of its end. */
static void follow_connection(void *userdata, struct MHD_Connection *connection, void **deadline,
			      enum MHD_ConnectionNotificationCode what)
{
	struct web_deadlines *deadlines = ((struct web_server *)userdata)->deadlines;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*deadline = web_deadlines_add(deadlines, get_socket(connection));
		if (*deadline)
			web_deadlines_begin(deadlines, *deadline, clock_monotonic_ns());
		else
			shutdown(get_socket(connection), SHUT_RDWR);
	} else if (*deadline) {
		web_deadlines_remove(deadlines, *deadline);
		*deadline = NULL;
	}
}

/* ---- the server ---- */

/* Ends the wait for a request: it is there, or as much of it as is read. */
static void end_wait(struct web_server *server, struct MHD_Connection *connection)
{
	struct web_deadline *deadline = get_deadline(connection);

	if (deadline)
		web_deadlines_end(server->deadlines, deadline);
}

/* Takes a request: its head, each part of its body, and at last nothing more. */
static enum MHD_Result handle(void *userdata, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **state)
{
	struct web_server *server = userdata;
	struct web_exchange *exchange = NULL;
	enum MHD_Result result;

	if (!*state) {
		result = web_exchange_begin(&server->shared, connection, path, method, &exchange);
		*state = exchange;
		/* A refusal does not wait for the body. */
		if (!exchange)
			end_wait(server, connection);
		return result;
	}
	if (*size)
		return web_exchange_take(*state, data, size);
	end_wait(server, connection);
	return web_exchange_respond(*state, &server->shared, connection);
}

/* Frees the exchange when its response is sent or the connection ends; the next request has its own
 * time. */
static void end_exchange(void *userdata, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct web_server *server = userdata;
	struct web_deadline *deadline = get_deadline(connection);

	*state = web_exchange_free(*state);
	if (deadline)
		web_deadlines_begin(server->deadlines, deadline, clock_monotonic_ns());
}

/* Starts the library's server on the socket, which it owns from then on, also after an error. */
static int start_daemon(struct listener *listener, int fd)
{
	struct web_server *server = listener->server;

	listener->daemon = MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			MHD_USE_ITC,
		0, accept_friend, listener, handle, server, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_NOTIFY_CONNECTION, follow_connection, server,
		MHD_OPTION_NOTIFY_COMPLETED, end_exchange, server, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SEC,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES_MAX,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (listener->daemon)
		return 0;
	close(fd);
	return -ENOMEM;
}

static int start_listener(struct web_server *server, struct listener *listener, int fd)
{
	socklen_t size = sizeof(listener->address);

	listener->server = server;
	if (getsockname(fd, &listener->address.any, &size) < 0) {
		close(fd);
		return -errno;
	}
	return start_daemon(listener, fd);
}

/* Finds out who may connect, and whether the kernel can be asked for it. A server that cannot see
 * whose a connection is still has its secrets, so it goes on and says so. */
static void meet_peers(struct web_server *server, int fd)
{
	struct sockaddr_in address = {0};
	socklen_t size = sizeof(address);

	web_friends_init(&server->friends, getuid(), geteuid(), getenv("SUDO_UID"),
			 getenv("PKEXEC_UID"));
	server->sees_peers = getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
			     web_peer_probe((struct sockaddr *)&address) == 0;
	if (!server->sees_peers)
		tell(server, WEB_EVENT_BLIND);
}

static int start_all(struct web_server *server)
{
	_cleanup_close_ int fd = -1, fd_6 = -1;
	int r = open_sockets(server, &fd, &fd_6);

	if (r < 0)
		return r;
	r = web_guard_new(server->port, &server->shared.guard);
	if (r < 0)
		return r;
	r = web_deadlines_new(N_ADDRESSES * CONNECTIONS_MAX, &server->deadlines);
	if (r < 0)
		return r;
	meet_peers(server, fd);
	r = start_listener(server, &server->listeners[0], take_fd(&fd));
	if (r < 0 || fd_6 < 0)
		return r;
	return start_listener(server, &server->listeners[1], take_fd(&fd_6));
}

int web_server_new(const struct web_settings *settings, struct web_server **ret)
{
	_cleanup_(web_server_free_p) struct web_server *server = calloc(1, sizeof(*server));
	int r;

	assert(settings->on_event);
	if (!server)
		return -ENOMEM;
	server->shared.settings = *settings;
	r = start_all(server);
	if (r < 0)
		return r;
	*ret = take_ptr(server);
	return 0;
}

/* True if all calls of the daemon end soon. To stop the library waits for its threads, and these
 * wait for the daemon. */
static bool is_idle_soon(struct web_server *server)
{
	const struct timespec pause = {.tv_nsec = ENDING_WAIT_NS};
	atomic_uint *n = &server->shared.n_working;

	atomic_store(&server->shared.ends, true);
	for (int i = 0; i < ENDING_TRIES && atomic_load(n) > 0; i++)
		nanosleep(&pause, NULL);
	return atomic_load(n) == 0;
}

struct web_server *web_server_free(struct web_server *server)
{
	if (!server || !is_idle_soon(server))
		return NULL;
	for (size_t i = 0; i < N_ADDRESSES; i++)
		if (server->listeners[i].daemon)
			MHD_stop_daemon(server->listeners[i].daemon);
	web_deadlines_free(server->deadlines);
	web_guard_free(server->shared.guard);
	free(server);
	return NULL;
}

uint16_t web_server_port(const struct web_server *server)
{
	return server->port;
}

int web_server_get_fd(const struct web_server *server)
{
	return web_deadlines_get_fd(server->deadlines);
}

void web_server_shut_late(struct web_server *server)
{
	web_deadlines_shut_late(server->deadlines, clock_monotonic_ns());
}

int web_server_invite(struct web_server *server, char ret[static WEB_SECRET_BYTES])
{
	return web_guard_invite(server->shared.guard, ret);
}
