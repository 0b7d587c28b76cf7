/* SPDX-License-Identifier: MIT */
#include "daemon/bus/direct.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

struct direct {
	sd_event *event;
	sd_event_source *source;
	direct_fn fn;
	void *userdata;
	sd_bus *connections[DIRECT_MAX]; /* NULL: free */
};

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	(void)unlink(path);
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return r;
	return listen(fd, DIRECT_MAX) < 0 ? -errno : take_fd(&fd);
}

static bool peer_is_root(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct direct *direct = userdata;
	sd_bus *bus = sd_bus_message_get_bus(message);

	for (size_t i = 0; i < DIRECT_MAX; i++)
		if (direct->connections[i] == bus)
			direct->connections[i] = sd_bus_close_unref(bus);
	(void)sd_event_source_set_enabled(direct->source, SD_EVENT_ON);
	return 0;
}

static int start_server(sd_bus *bus)
{
	sd_id128_t id;
	int r = sd_id128_randomize(&id);

	if (r < 0)
		return r;
	r = sd_bus_set_description(bus, "direct");
	if (r < 0)
		return r;
	r = sd_bus_set_server(bus, true, id);
	if (r < 0)
		return r;
	r = sd_bus_negotiate_fds(bus, true);
	return r < 0 ? r : sd_bus_start(bus);
}

static int start_connection(struct direct *direct, sd_bus *bus)
{
	int r = start_server(bus);

	if (r < 0)
		return r;
	r = sd_bus_attach_event(bus, direct->event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return r;
	r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus.Local",
				"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
				"Disconnected", on_disconnected, direct);
	return r < 0 ? r : direct->fn(direct->userdata, bus);
}

/* Takes the descriptor. Returns NULL where there is no connection. */
static sd_bus *open_connection(struct direct *direct, int fd)
{
	sd_bus *bus = NULL;

	if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0) {
		close(fd);
		return sd_bus_unref(bus);
	}
	return start_connection(direct, bus) < 0 ? sd_bus_close_unref(bus) : bus;
}

/* Finds a place for a connection; NULL: there is none. */
static sd_bus **find_free(struct direct *direct)
{
	for (size_t i = 0; i < DIRECT_MAX; i++)
		if (!direct->connections[i])
			return &direct->connections[i];
	return NULL;
}

static int on_connect(sd_event_source *source, int listening, uint32_t events, void *userdata)
{
	struct direct *direct = userdata;
	sd_bus **connection = find_free(direct);
	int fd;

	if (!connection)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return 0;
	if (peer_is_root(fd))
		*connection = open_connection(direct, fd);
	else
		close(fd);
	return 0;
}

int direct_new(sd_event *event, const char *path, direct_fn fn, void *userdata, struct direct **ret)
{
	struct direct *direct = calloc(1, sizeof(*direct));
	int fd = direct ? listen_at(path) : -ENOMEM, r;

	assert(fn);
	if (fd < 0) {
		free(direct);
		return fd;
	}
	*direct = (struct direct){.event = event, .fn = fn, .userdata = userdata};
	r = sd_event_add_io(event, &direct->source, fd, EPOLLIN, on_connect, direct);
	if (r < 0) {
		close(fd);
		free(direct);
		return r;
	}
	(void)sd_event_source_set_io_fd_own(direct->source, true);
	*ret = direct;
	return 0;
}

struct direct *direct_free(struct direct *direct)
{
	if (!direct)
		return NULL;
	for (size_t i = 0; i < DIRECT_MAX; i++)
		sd_bus_flush_close_unref(direct->connections[i]);
	sd_event_source_disable_unref(direct->source);
	free(direct);
	return NULL;
}
