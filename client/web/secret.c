/* SPDX-License-Identifier: MIT */
#include "client/web/secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define SECRET_BITS 128

int web_secret_make(char ret[static WEB_SECRET_BYTES])
{
	unsigned char bytes[SECRET_BITS / 8];

	/* Up to 256 bytes come at once or not at all. */
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -errno;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

bool web_secret_is(const char *given, const char *secret)
{
	size_t length = strlen(secret);
	volatile unsigned char difference = 0;

	if (!given || length == 0 || strlen(given) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char)(given[i] ^ secret[i]);
	return difference == 0;
}
