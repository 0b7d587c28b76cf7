/* SPDX-License-Identifier: MIT */
#include "client/profile/stream.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "client/base/pipe.h"
#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"

struct stream {
	int fd;
	uint8_t *buffer; /* of the largest part so far */
	size_t size;
	Oxprof__Part *part;
	char *failure;
	bool ended;
};

int stream_new(int fd, struct stream **ret)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	assert(fd >= 0);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	stream->fd = fd;
	*ret = stream;
	return 0;
}

struct stream *stream_free(struct stream *stream)
{
	if (stream) {
		if (stream->part)
			oxprof__part__free_unpacked(stream->part, NULL);
		close(stream->fd);
		free(stream->buffer);
		free(stream->failure);
		free(stream);
	}
	return NULL;
}

const char *stream_failure(const struct stream *stream)
{
	return stream->failure ?: "";
}

/* Reads the length of the next part. Returns 1, 0 where nothing follows, or a negative errno. */
static int read_length(struct stream *stream, uint32_t *ret)
{
	uint32_t length;
	ssize_t n = pipe_read_all(stream->fd, &length, sizeof(length));

	if (n <= 0)
		return (int)n;
	if ((size_t)n < sizeof(length))
		return -EPIPE;
	*ret = le32toh(length);
	return *ret <= OX_EXPORT_PART_BYTES ? 1 : -EBADMSG;
}

static int read_bytes(struct stream *stream, uint32_t length)
{
	ssize_t n;

	if (length > stream->size) {
		free(stream->buffer);
		stream->size = 0;
		stream->buffer = malloc(length);
		if (!stream->buffer)
			return -ENOMEM;
		stream->size = length;
	}
	n = pipe_read_all(stream->fd, stream->buffer, length);
	if (n < 0)
		return (int)n;
	return (size_t)n == length ? 0 : -EPIPE;
}

/* Notes the message at the end, in which the daemon says whether the stream is complete. Returns 1,
 * -EREMOTEIO where it is not, or -ENOMEM. */
static int take_end(struct stream *stream)
{
	const Oxprof__End *end = stream->part->end;

	stream->ended = end;
	if (!end || !end->failure || !*end->failure)
		return 1;
	stream->failure = strdup(end->failure);
	return stream->failure ? -EREMOTEIO : -ENOMEM;
}

int stream_next(struct stream *stream, const Oxprof__Part **ret)
{
	uint32_t length = 0;
	int r;

	if (stream->part)
		oxprof__part__free_unpacked(take_ptr(stream->part), NULL);
	r = read_length(stream, &length);
	if (r == 0 && !stream->ended)
		return -EPIPE;
	if (r > 0 && stream->ended)
		return -EBADMSG;
	if (r <= 0)
		return r;
	r = read_bytes(stream, length);
	if (r < 0)
		return r;
	stream->part = oxprof__part__unpack(NULL, length, stream->buffer);
	if (!stream->part)
		return -EBADMSG;
	*ret = stream->part;
	return take_end(stream);
}
