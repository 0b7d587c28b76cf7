/* SPDX-License-Identifier: MIT */
/* Sources of names, interned: a file and its debug file, a perf map, a jitdump. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/resolver/internal.h"

const struct source_key *resolver_source_key(const struct resolver *resolver, uint32_t source)
{
	assert(source < table_count(resolver->sources));
	return table_get_key(resolver->sources, source, NULL);
}

int resolver_intern_source(struct resolver *resolver, const struct source_key *key,
			   const char *path, uint32_t *ret_index)
{
	size_t length = sizeof(*key) + strlen(path) + 1;
	_cleanup_free_ struct source_key *full = malloc(length);
	int r;

	if (!full)
		return -ENOMEM;
	*full = *key;
	memcpy(full->path, path, strlen(path) + 1);
	r = table_intern(resolver->sources, full, length, ret_index);
	if (r < 0)
		return r;
	if (array_reserve(resolver->source, resolver->source_size, *ret_index + 1) < 0)
		return -ENOMEM;
	if (r > 0)
		resolver->source[*ret_index] = (struct source){};
	return 0;
}
