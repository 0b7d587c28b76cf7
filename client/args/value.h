/* SPDX-License-Identifier: MIT */
/* Parsers of the values of options. Each returns 0, -ENOMEM, or -EINVAL where the text is not what
 * the option expects. */
#pragma once

#include "client/args/request.h"

/* Adds a target; option is one of the target options, value is NULL for --all. Returns also -E2BIG,
 * where OX_TARGETS_MAX targets are there already. */
int value_add_target(const char *value, enum option_id option, struct request *request);
int value_parse_frequency(const char *text, uint64_t *ret_interval_ns);
int value_parse_pattern(const char *text, const char **ret);
/* Accepts one of the words between the bars of the option's argument; *ret borrows the text. */
int value_parse_word(enum option_id option, const char *text, const char **ret);
int value_parse_max(const char *text, struct request *request);
/* Parses the number of a session, or "all". */
int value_parse_session(const char *text, struct window *ret);
/* Parses "SINCE..UNTIL", of which one may be missing, or "session:N". */
int value_parse_window(const char *text, uint64_t now_usec, struct window *ret);
int value_parse_threshold(const char *text, struct request *request);
int value_parse_port(const char *text, uint16_t *ret);
int value_parse_format(const char *text, enum format *ret);

/* Returns the format that the suffix of a file name stands for, else FORMAT_TABLE. */
enum format format_of_file(const char *name);
