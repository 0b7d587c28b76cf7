/* SPDX-License-Identifier: MIT */
/* The values of options. 0, or -EINVAL: not what the option expects; -ENOMEM. */
#pragma once

#include "client/args/request.h"

/* option: one of the targets; value NULL for the one that has none. Also -E2BIG. */
int value_add_target(const char *value, enum option_id option, struct request *request);
int value_parse_frequency(const char *text, uint64_t *ret_interval_ns);
int value_parse_pattern(const char *text, const char **ret);
/* One of the words between the bars of the option's argument. */
int value_parse_word(enum option_id option, const char *text, const char **ret);
int value_parse_max(const char *text, struct request *request);
int value_parse_session(const char *text, int64_t *ret);
/* "SINCE..UNTIL", of which one may be missing, or "session:N". */
int value_parse_window(const char *text, uint64_t now_usec, struct window *ret);
int value_parse_threshold(const char *text, struct request *request);
int value_parse_port(const char *text, uint16_t *ret);
int value_parse_format(const char *text, enum format *ret);

/* By the suffix; FORMAT_TABLE where it says nothing. */
enum format format_of_file(const char *name);
