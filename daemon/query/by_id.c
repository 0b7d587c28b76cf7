/* SPDX-License-Identifier: MIT */
#include "daemon/query/by_id.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/array.h"

void by_id_done(struct by_id *array)
{
	for (size_t i = 0; i < array->size; i++)
		free(array->blocks[i]);
	free(array->blocks);
	*array = (struct by_id){.element = array->element};
}

int by_id_find(struct by_id *array, int64_t id, void **ret)
{
	size_t n = (size_t)id / BY_ID_BLOCK;
	int is_new, r;

	assert(array->element > 0);
	if (id < 0 || id >= BY_ID_MAX)
		return -EOVERFLOW;
	r = array_reserve(array->blocks, array->size, n + 1);
	if (r < 0)
		return r;
	is_new = !array->blocks[n];
	if (is_new) {
		array->blocks[n] = calloc(BY_ID_BLOCK, array->element);
		if (!array->blocks[n])
			return -ENOMEM;
		array->n_used++;
	}
	*ret = (char *)array->blocks[n] + (size_t)id % BY_ID_BLOCK * array->element;
	return is_new;
}

size_t by_id_bytes(const struct by_id *array)
{
	return array->size * sizeof(*array->blocks) + array->n_used * BY_ID_BLOCK * array->element;
}
