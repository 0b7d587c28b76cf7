/* SPDX-License-Identifier: MIT */
#include "client/web/export.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>

#define HITS_BETWEEN_LOOKS 4096

struct export_reader {
	int client_fd;
	profile_hit_fn fn;
	void *userdata;
	uint64_t n;
};

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static bool is_gone(int client_fd)
{
	struct pollfd pollfd = {.fd = client_fd, .events = POLLRDHUP};

	return poll(&pollfd, 1, 0) > 0;
}

static int take_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct export_reader *reader = userdata;

	if (++reader->n % HITS_BETWEEN_LOOKS == 0 && is_gone(reader->client_fd))
		return -ECANCELED;
	return reader->fn(reader->userdata, profile, hit);
}

static int read_export(struct bus *bus, const struct request *request,
		       const struct bus_export_options *options, struct export_reader *reader,
		       struct profile **ret, char **ret_why)
{
	int r, fd;

	if (is_gone(reader->client_fd))
		return -ECANCELED;
	r = bus_export(bus, request, options, &fd);
	return r < 0 ? r : profile_read(fd, NULL, take_hit, reader, ret, ret_why);
}

int web_export_read(struct bus *bus, const struct request *request,
		    const struct bus_export_options *options, int client_fd, profile_hit_fn fn,
		    void *userdata, struct profile **ret, char **ret_why)
{
	struct export_reader reader = {.client_fd = client_fd, .fn = fn, .userdata = userdata};
	int r;

	assert(client_fd >= 0 && fn);
	*ret_why = NULL;
	pthread_mutex_lock(&one_at_a_time);
	r = read_export(bus, request, options, &reader, ret, ret_why);
	pthread_mutex_unlock(&one_at_a_time);
	return r;
}
