/* SPDX-License-Identifier: MIT */
#include "daemon/base/target.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"
#include "daemon/base/text.h"

#define PID_MAX        4194304 /* PID_MAX_LIMIT of the kernel */
#define COMM_BYTES_MAX 15      /* TASK_COMM_LEN - 1 */
#define UNIT_BYTES_MAX 255     /* UNIT_NAME_MAX - 1 of systemd */
#define USER_BYTES_MAX 255

static const char *const kind_names[N_TARGET_KINDS] = {
	[TARGET_PID] = "pid",       [TARGET_COMM] = "comm", [TARGET_UNIT] = "unit",
	[TARGET_CGROUP] = "cgroup", [TARGET_USER] = "user", [TARGET_ALL] = "all",
};

const char *target_kind_name(enum target_kind kind)
{
	assert(kind < N_TARGET_KINDS);
	return kind_names[kind];
}

const char *target_value(const struct target *target)
{
	const char *colon = strchr(target->text, ':');

	return target->kind == TARGET_ALL || !colon ? "" : colon + 1;
}

static int write_text(struct target *target, const char *value, const char *suffix)
{
	int n = snprintf(target->text, sizeof(target->text), "%s:%s%s", kind_names[target->kind],
			 value, suffix);

	return n < 0 || (size_t)n >= sizeof(target->text) ? -ENAMETOOLONG : 0;
}

static int write_number(struct target *target, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	return write_text(target, digits, "");
}

static int parse_pid(const char *value, struct target *target)
{
	uint64_t pid;

	if (parse_u64(value, PID_MAX, &pid) < 0 || !pid)
		return -EINVAL;
	target->pid = (uint32_t)pid;
	return write_number(target, pid);
}

static int parse_comm(const char *value, struct target *target)
{
	if (!*value)
		return -EINVAL;
	if (strlen(value) > COMM_BYTES_MAX)
		return -ENAMETOOLONG;
	return write_text(target, value, "");
}

static bool has_unit_suffix(const char *name)
{
	static const char *const suffixes[] = {".service", ".scope", ".slice",     ".socket",
					       ".mount",   ".swap",  ".automount", ".device",
					       ".path",    ".timer", ".target"};
	const char *dot = strrchr(name, '.');
	unsigned int place;

	return dot && parse_word(dot, suffixes, array_length(suffixes), &place) == 0;
}

/* Reads a unit's name. A template ("getty@.service") is refused: it never runs, only its instances
 * do. */
static int parse_unit(const char *value, struct target *target)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";
	const char *suffix = has_unit_suffix(value) ? "" : ".service";
	size_t length = strlen(value) + strlen(suffix);
	size_t prefix = *suffix ? strlen(value) : (size_t)(strrchr(value, '.') - value);
	const char *at = memchr(value, '@', prefix);

	if (length > UNIT_BYTES_MAX)
		return -ENAMETOOLONG;
	if (!prefix || value[strspn(value, allowed)] || at == value || at == value + prefix - 1)
		return -EINVAL;
	return write_text(target, value, suffix);
}

static int parse_cgroup(const char *value, struct target *target)
{
	size_t length = strlen(value);
	char path[OX_TARGET_BYTES_MAX];

	if (length >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, value, length + 1);
	if (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
	for (const char *part = path; *part; part += 1 + strcspn(part + 1, "/")) {
		size_t n = strcspn(part + 1, "/");

		if (*part != '/' || !n || (n <= 2 && strspn(part + 1, ".") == n))
			return -EINVAL;
	}
	return length ? write_text(target, path, "") : -EINVAL;
}

/* Reads a user by systemd's relaxed rule: refuses what cannot stand in /etc/passwd, or would look
 * like something else. */
static int parse_user(const char *value, struct target *target)
{
	uint64_t uid;

	if (!*value || *value == '-' || value[strcspn(value, ":/, ")])
		return -EINVAL;
	if (strlen(value) > USER_BYTES_MAX)
		return -ENAMETOOLONG;
	if (!value[strspn(value, "0123456789")])
		return parse_u64(value, UINT32_MAX - 1, &uid) < 0 ? -EINVAL
								  : write_number(target, uid);
	return write_text(target, value, "");
}

static int parse_value(const char *value, struct target *target)
{
	switch (target->kind) {
	case TARGET_PID:
		return parse_pid(value, target);
	case TARGET_COMM:
		return parse_comm(value, target);
	case TARGET_UNIT:
		return parse_unit(value, target);
	case TARGET_CGROUP:
		return parse_cgroup(value, target);
	case TARGET_USER:
		return parse_user(value, target);
	case TARGET_ALL:
	case N_TARGET_KINDS:
		break;
	}
	return -EINVAL;
}

int target_parse(const char *text, struct target *ret)
{
	struct target target = {.kind = TARGET_ALL};
	size_t length = strcspn(text, ":");
	int r = 0;

	if (strcmp(text, kind_names[TARGET_ALL]) == 0) {
		memcpy(target.text, text, length + 1);
	} else {
		target.kind = 0;
		while (target.kind < TARGET_ALL &&
		       (strlen(kind_names[target.kind]) != length ||
			memcmp(kind_names[target.kind], text, length) != 0))
			target.kind++;
		if (!text[length] || !text_is_clean(text))
			return -EINVAL;
		r = parse_value(text + length + 1, &target);
	}
	if (r < 0)
		return r;
	*ret = target;
	return 0;
}

void target_write_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == ' ' || *text == '\\')
			fprintf(out, "\\x%02x", *text);
		else
			fputc(*text, out);
	}
}

void target_unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (!strncmp(text, "\\x20", 4) || !strncmp(text, "\\x5c", 4)) {
			*out++ = text[2] == '2' ? ' ' : '\\';
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = 0;
}
