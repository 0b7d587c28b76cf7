/* SPDX-License-Identifier: MIT */
#include "daemon/base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void write_text(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text) {
		size_t plain = strcspn(text, "\"\\\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"
					     "\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18"
					     "\x19\x1a\x1b\x1c\x1d\x1e\x1f");

		fwrite(text, 1, plain, out);
		text += plain;
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text++);
		else if (*text)
			fprintf(out, "\\u%04x", (unsigned char)*text++);
	}
	fputc('"', out);
}

static void write_key(struct json *json, const char *key)
{
	if (!json->first)
		fputc(',', json->out);
	json->first = 0;
	if (key) {
		write_text(json->out, key);
		fputc(':', json->out);
	}
}

void json_open(struct json *json, const char *key, char bracket)
{
	assert(bracket == '{' || bracket == '[');
	write_key(json, key);
	fputc(bracket, json->out);
	json->first = 1;
}

void json_close(struct json *json, char bracket)
{
	assert(bracket == '}' || bracket == ']');
	fputc(bracket, json->out);
	json->first = 0;
}

void json_add_text(struct json *json, const char *key, const char *text)
{
	if (!text || !*text) {
		json_add_null(json, key);
		return;
	}
	write_key(json, key);
	write_text(json->out, text);
}

void json_add_u64(struct json *json, const char *key, uint64_t value)
{
	write_key(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_add_known(struct json *json, const char *key, uint64_t value)
{
	if (value)
		json_add_u64(json, key, value);
	else
		json_add_null(json, key);
}

/* Writes a number with a point, whatever the locale of the program puts there. */
static void write_number(FILE *out, const char *number)
{
	static const char plain[] = "0123456789+-e.";

	while (*number) {
		if (strchr(plain, *number)) {
			fputc(*number++, out);
			continue;
		}
		fputc('.', out);
		while (*number && !strchr(plain, *number))
			number++;
	}
}

void json_add_double(struct json *json, const char *key, double value)
{
	char number[64];

	if (!isfinite(value)) {
		json_add_null(json, key);
		return;
	}
	/* The shortest that reads back as the same number. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(number, sizeof(number), "%.*g", digits, value);
		if (strtod(number, NULL) == value)
			break;
	}
	write_key(json, key);
	write_number(json->out, number);
}

void json_add_bool(struct json *json, const char *key, int value)
{
	write_key(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_add_null(struct json *json, const char *key)
{
	write_key(json, key);
	fputs("null", json->out);
}
