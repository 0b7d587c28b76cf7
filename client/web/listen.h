/* SPDX-License-Identifier: MIT */
/* Sockets that listen on loopback. Each returns one, which the caller closes, or a negative errno.
 */
#pragma once

#include <stdint.h>

/* 127.0.0.1; port 0: a free one. */
int web_listen_4(uint16_t port, uint16_t *ret_port);
/* ::1, and not 127.0.0.1 by its other name. */
int web_listen_6(uint16_t port);
