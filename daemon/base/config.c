/* SPDX-License-Identifier: MIT */
#include "daemon/base/config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"
#include "daemon/base/text.h"

#define LINE_BYTES_MAX 8192
#define WHY_BYTES      256
#define SPACES         " \t\r"

void config_init(struct config *config)
{
	*config = (struct config){
		.interval_ns = OX_INTERVAL_DEFAULT_NS,
		.unwind_max_bytes = OX_UNWIND_DEFAULT_BYTES,
		.max_size = {.percent = 10, .bytes = UINT64_C(1) << 30},
		.keep_free = {.percent = 15, .bytes = UINT64_C(4) << 30},
	};
	memcpy(config->database, OX_DATABASE_PATH, sizeof(OX_DATABASE_PATH));
	memcpy(config->symbolizer, OX_SYMBOLIZER_PROGRAM, sizeof(OX_SYMBOLIZER_PROGRAM));
	memcpy(config->deputy, OX_DEPUTY_PATH, sizeof(OX_DEPUTY_PATH));
}

uint64_t config_size_bytes(const struct config_size *size, uint64_t total_bytes)
{
	uint64_t bytes = total_bytes / 100 * size->percent;

	if (!size->percent)
		return size->bytes;
	return size->bytes && size->bytes < bytes ? size->bytes : bytes;
}

/* Setters return 0, or a negative errno, and then config is as it was. */

static int set_interval(struct config *config, const char *value)
{
	return parse_interval_ns(value, OX_INTERVAL_MIN_NS, OX_INTERVAL_MAX_NS,
				 &config->interval_ns);
}

static int set_frequency(struct config *config, const char *value)
{
	return parse_frequency_ns(value, OX_INTERVAL_MIN_NS, OX_INTERVAL_MAX_NS,
				  &config->interval_ns);
}

static int set_unwind_memory(struct config *config, const char *value)
{
	uint64_t bytes;
	int r = parse_bytes(value, &bytes);

	if (r < 0)
		return r;
	if (bytes < OX_UNWIND_MIN_BYTES || bytes > OX_UNWIND_MAX_BYTES)
		return -ERANGE;
	config->unwind_max_bytes = bytes;
	return 0;
}

static int set_path(struct config *config, const char *value)
{
	size_t length = strlen(value);

	if (length >= sizeof(config->database))
		return -ENAMETOOLONG;
	if (*value != '/' || value[length - 1] == '/' || !text_is_clean(value))
		return -EINVAL;
	memcpy(config->database, value, length + 1);
	return 0;
}

/* Reads "64M" or "15%". */
static int set_size(struct config_size *size, const char *value)
{
	struct config_size given = {0};
	int r = parse_percent(value, &given.percent);

	if (r < 0)
		r = r == -ERANGE ? r : parse_bytes(value, &given.bytes);
	if (r == 0)
		*size = given;
	return r;
}

static int set_max_size(struct config *config, const char *value)
{
	return set_size(&config->max_size, value);
}

static int set_keep_free(struct config *config, const char *value)
{
	return set_size(&config->keep_free, value);
}

static void reset_interval(struct config *config, const struct config *initial)
{
	config->interval_ns = initial->interval_ns;
}

static void reset_unwind_memory(struct config *config, const struct config *initial)
{
	config->unwind_max_bytes = initial->unwind_max_bytes;
}

static void reset_path(struct config *config, const struct config *initial)
{
	memcpy(config->database, initial->database, sizeof(config->database));
}

static void reset_max_size(struct config *config, const struct config *initial)
{
	config->max_size = initial->max_size;
}

static void reset_keep_free(struct config *config, const struct config *initial)
{
	config->keep_free = initial->keep_free;
}

#define SIZE "bytes, as 4096, 64M or 2G, or 1% to 99% of the file system; "

static const struct key {
	const char *section;
	const char *name;
	const char *wanted;
	int (*set)(struct config *config, const char *value);
	void (*reset)(struct config *config, const struct config *initial);
} keys[] = {
	{"Sampling", "Interval", "0.0001 to 10 seconds", set_interval, reset_interval},
	{"Sampling", "Frequency", "0.1 to 10000 Hz", set_frequency, reset_interval},
	{"Sampling", "UnwindMemory", "1M to 256M", set_unwind_memory, reset_unwind_memory},
	{"Storage", "Path", "an absolute path of a file", set_path, reset_path},
	{"Storage", "MaxSize", SIZE "0: no limit", set_max_size, reset_max_size},
	{"Storage", "KeepFree", SIZE "0: nothing is kept", set_keep_free, reset_keep_free},
};

struct parser {
	struct config *config;
	struct config initial;
	const char *section; /* NULL: none, or one that is not known */
	bool in_section;     /* some section has begun */
	const char *file;
	unsigned line;
	config_warn_fn warn;
	void *userdata;
	int n_warnings;
};

static void __attribute__((format(printf, 2, 3)))
warn(struct parser *parser, const char *format, ...)
{
	char why[WHY_BYTES], clean[WHY_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	text_clean(why, strlen(why), clean, sizeof(clean));
	parser->warn(parser->userdata, parser->file, parser->line, clean);
	parser->n_warnings++;
}

static void read_section(struct parser *parser, char *line)
{
	size_t length = strlen(line);

	parser->section = NULL;
	parser->in_section = true;
	if (line[length - 1] != ']') {
		warn(parser, "'%.64s' has no ']' at its end, what follows is ignored", line);
		return;
	}
	line[length - 1] = '\0';
	for (size_t i = 0; i < array_length(keys) && !parser->section; i++)
		if (strcmp(keys[i].section, line + 1) == 0)
			parser->section = keys[i].section;
	if (!parser->section)
		warn(parser, "unknown section [%.64s], ignored", line + 1);
}

static void set_value(struct parser *parser, const struct key *key, const char *value)
{
	int r;

	if (!*value) {
		key->reset(parser->config, &parser->initial);
		return;
	}
	r = key->set(parser->config, value);
	if (r < 0)
		warn(parser, "%s=%.64s: %s, wanted: %s; ignored", key->name, value,
		     r == -EINVAL ? "not understood" : "out of range", key->wanted);
}

/* Cuts the spaces at both ends. */
static char *trim(char *text)
{
	char *end;

	text += strspn(text, SPACES);
	end = text + strlen(text);
	while (end > text && strchr(SPACES, end[-1]))
		*--end = '\0';
	return text;
}

static void read_setting(struct parser *parser, char *line)
{
	char *equals = strchr(line, '='), *name;

	if (!equals) {
		warn(parser, "'%.64s' is neither [Section] nor Key=value, ignored", line);
		return;
	}
	*equals = '\0';
	name = trim(line);
	if (!parser->section) {
		if (!parser->in_section)
			warn(parser, "%.64s= stands before any [Section], ignored", name);
		return; /* the unknown section was warned about, once */
	}
	for (size_t i = 0; i < array_length(keys); i++) {
		if (strcmp(keys[i].section, parser->section) == 0 &&
		    strcmp(keys[i].name, name) == 0) {
			set_value(parser, &keys[i], trim(equals + 1));
			return;
		}
	}
	warn(parser, "unknown key %.64s= in section [%s], ignored", name, parser->section);
}

static void read_line(struct parser *parser, const char *text, size_t length)
{
	char copy[LINE_BYTES_MAX], *line;

	if (length >= sizeof(copy)) {
		warn(parser, "the line is longer than %d bytes, ignored", LINE_BYTES_MAX - 1);
		return;
	}
	if (memchr(text, '\0', length)) {
		warn(parser, "the line has a zero byte in it, ignored");
		return;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	line = trim(copy);
	if (*line == '[')
		read_section(parser, line);
	else if (*line && *line != '#' && *line != ';')
		read_setting(parser, line);
}

int config_parse(struct config *config, const char *file, const char *text, size_t length,
		 config_warn_fn warn_fn, void *userdata)
{
	struct parser parser = {
		.config = config, .file = file, .warn = warn_fn, .userdata = userdata};

	assert(warn_fn && file && (text || !length));
	config_init(&parser.initial);
	for (size_t at = 0; at < length;) {
		const char *end = memchr(text + at, '\n', length - at);
		size_t n = end ? (size_t)(end - text) - at : length - at;

		parser.line++;
		read_line(&parser, text + at, n);
		at += n + 1;
	}
	return parser.n_warnings;
}
