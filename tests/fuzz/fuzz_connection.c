/* SPDX-License-Identifier: MIT */
/*
 * Bytes as the packets that oxprof-opener is sent, each as long as its first byte says. Whatever
 * they are, the opener must come back, and answer no more often than there are events. For
 * libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I.
 *         tests/fuzz/fuzz_connection.c daemon/opener/connection.c daemon/base/{cpus,perf_event}.c
 *
 * test_connection.c runs it over tests/fuzz/seeds/connection and simple mutations of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/opener_wire.h"
#include "daemon/base/perf_event.h"
#include "daemon/opener/connection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send_packets(int socket, const uint8_t *data, size_t size)
{
	while (size > 0) {
		size_t length = data[0] < size ? data[0] : size - 1;

		if (send(socket, data + 1, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return;
		data += 1 + length;
		size -= 1 + length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	long events_max = 2 * sysconf(_SC_NPROCESSORS_CONF);
	struct opener_reply reply;
	const char *why;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -1;
	send_packets(sockets[0], data, size);
	shutdown(sockets[0], SHUT_WR);
	if (connection_serve(sockets[1], getuid(), 1000, &why) < 0)
		__builtin_trap();
	close(sockets[1]);
	while (recv(sockets[0], &reply, sizeof(reply), 0) == sizeof(reply))
		if (reply.error > 0 || --events_max < 0)
			__builtin_trap();
	close(sockets[0]);
	return 0;
}
