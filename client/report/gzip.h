/* SPDX-License-Identifier: MIT */
/* A gzip file that is written in pieces. The same input makes the same bytes at any time. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct gzip;

/* Makes a gzip writer, which borrows out. Returns NULL if there is no memory. */
struct gzip *gzip_new(FILE *out);
struct gzip *gzip_free(struct gzip *gzip);
/* Compresses the bytes. Errors of writing stay in the FILE. */
void gzip_write(struct gzip *gzip, const void *bytes, size_t length);
void gzip_finish(struct gzip *gzip);
