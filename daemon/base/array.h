/* SPDX-License-Identifier: MIT */
/* Arrays that grow with what is put into them, and that are searched. */
#pragma once

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * Makes room for n elements of `element` bytes in *array, which has room for *size of them; the
 * room at least doubles, and what is new is 0. Returns 0, or -ENOMEM, and then nothing has changed.
 */
static inline int array_reserve_bytes(void **array, size_t *size, size_t n, size_t element)
{
	size_t larger = *size ? *size : 64;
	char *grown;

	assert(element > 0 && (*array || *size == 0));
	if (n <= *size)
		return 0;
	while (larger < n)
		larger *= 2;
	grown = reallocarray(*array, larger, element);
	if (!grown)
		return -ENOMEM;
	memset(grown + *size * element, 0, (larger - *size) * element);
	*array = grown;
	*size = larger;
	return 0;
}

/*
 * Makes room for n elements in arrays of millions, of which the first `used` elements are in use:
 * those from there up to the n-th are 0 afterwards. The room grows by half, and what lies behind
 * the n-th element is not touched: so it takes no memory. Returns 0, or -ENOMEM, and then nothing
 * has changed.
 */
static inline int array_extend_bytes(void **array, size_t *size, size_t used, size_t n,
				     size_t element)
{
	size_t larger = *size + *size / 2;

	assert(element > 0 && (*array || *size == 0) && used <= *size);
	if (n > *size) {
		void *grown = reallocarray(*array, larger > n ? larger : n, element);

		if (!grown)
			return -ENOMEM;
		*array = grown;
		*size = larger > n ? larger : n;
	}
	if (n > used)
		memset((char *)*array + used * element, 0, (n - used) * element);
	return 0;
}

#define array_reserve(array, size, n) \
	array_reserve_bytes((void **)&(array), &(size), n, sizeof(*(array)))
#define array_extend(array, size, used, n) \
	array_extend_bytes((void **)&(array), &(size), used, n, sizeof(*(array)))

/*
 * Returns how many elements at the front of a sorted array have a member (`.start`; nothing for the
 * element itself) of at most the key. So the last entry at or below the key is the one before that
 * index.
 */
#define array_upper_bound(array, n, member, key)                    \
	({                                                          \
		size_t low_ = 0, high_ = (n);                       \
                                                                    \
		while (low_ < high_) {                              \
			size_t middle_ = low_ + (high_ - low_) / 2; \
                                                                    \
			if ((array)[middle_] member <= (key))       \
				low_ = middle_ + 1;                 \
			else                                        \
				high_ = middle_;                    \
		}                                                   \
		low_;                                               \
	})
