/* SPDX-License-Identifier: MIT */
#include "client/top/counts.h"

#include <errno.h>

static int add_one(struct json_object *counts, const char *word, uint64_t n)
{
	return tree_add(counts, word, json_object_new_uint64(tree_get_u64(counts, word) + n));
}

int top_counts_add(struct json_object *counts, struct json_object *more)
{
	int r = 0;

	if (!more)
		return 0;
	json_object_object_foreach(more, word, value)
	{
		(void)value;
		r = add_one(counts, word, tree_get_u64(more, word));
		if (r < 0)
			return r;
	}
	return 0;
}

/* A word that is in `earlier` only has gone back to nothing. */
static bool has_less(struct json_object *later, struct json_object *earlier)
{
	if (!earlier)
		return false;
	json_object_object_foreach(earlier, word, value)
	{
		(void)value;
		if (tree_get_u64(earlier, word) > (later ? tree_get_u64(later, word) : 0))
			return true;
	}
	return false;
}

int top_counts_subtract(struct json_object *later, struct json_object *earlier,
			struct json_object **ret)
{
	_cleanup_tree_ struct json_object *left = json_object_new_object();

	if (!left)
		return -ENOMEM;
	if (has_less(later, earlier))
		return -ERANGE;
	if (later) {
		json_object_object_foreach(later, word, value)
		{
			uint64_t before = earlier ? tree_get_u64(earlier, word) : 0;
			uint64_t n = tree_get_u64(later, word);

			(void)value;
			if (n > before && add_one(left, word, n - before) < 0)
				return -ENOMEM;
		}
	}
	*ret = take_ptr(left);
	return 0;
}
