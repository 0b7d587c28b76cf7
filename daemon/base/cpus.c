/* SPDX-License-Identifier: MIT */
#include "daemon/base/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"

static int parse_number(const char **text, unsigned long *ret)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	*ret = strtoul(*text, &end, 10);
	*text = end;
	return errno ? -EINVAL : 0;
}

static int parse_range(const char **text, bool *ret, unsigned n)
{
	unsigned long first, last;
	int r = parse_number(text, &first);

	if (r < 0)
		return r;
	last = first;
	if (**text == '-') {
		(*text)++;
		r = parse_number(text, &last);
		if (r < 0)
			return r;
	}
	if (last < first)
		return -EINVAL;
	for (unsigned long cpu = first; cpu <= last && cpu < n; cpu++)
		ret[cpu] = true;
	return 0;
}

int cpus_parse(const char *text, bool *ret, unsigned n)
{
	int r = 0;

	memset(ret, 0, n * sizeof(*ret));
	while (*text && *text != '\n') {
		r = parse_range(&text, ret, n);
		if (r < 0)
			return r;
		if (*text == ',')
			text++;
		else if (*text && *text != '\n')
			return -EINVAL;
	}
	return 0;
}

static int read_list(const char *file, bool *ret, unsigned n)
{
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	char text[4096];

	if (!f)
		return -errno;
	if (!fgets(text, sizeof(text), f))
		return -EIO;
	return cpus_parse(text, ret, n);
}

int cpus_read_online(bool *ret, unsigned n)
{
	return read_list(CPUS_ONLINE_FILE, ret, n);
}

int cpus_read_possible(bool *ret, unsigned n)
{
	return read_list(CPUS_POSSIBLE_FILE, ret, n);
}
