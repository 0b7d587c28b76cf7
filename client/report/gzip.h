/* SPDX-License-Identifier: MIT */
/* A gzip file that is written in pieces; the same bytes for the same bytes, whenever it is made. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct gzip;

/* Borrows out. NULL: no memory. */
struct gzip *gzip_new(FILE *out);
struct gzip *gzip_free(struct gzip *gzip);
/* Errors of writing stay in the FILE. */
void gzip_write(struct gzip *gzip, const void *bytes, size_t length);
void gzip_finish(struct gzip *gzip);
