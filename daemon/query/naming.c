/* SPDX-License-Identifier: MIT */
#include "daemon/query/naming.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/array.h"

void naming_done(struct naming *naming)
{
	free(naming->text);
	*naming = (struct naming){0};
}

void naming_clear(struct naming *naming)
{
	naming->length = 0;
}

int naming_append(struct naming *naming, const char *text)
{
	size_t length = strlen(text);
	int r;

	assert(!naming->length || naming->length < naming->size);
	r = array_reserve(naming->text, naming->size, naming->length + length + 1);
	if (r < 0)
		return r;
	memcpy(naming->text + naming->length, text, length + 1);
	naming->length += length;
	return 0;
}

int naming_append_all(struct naming *naming, const char *const *texts)
{
	int r;

	for (; *texts; texts++) {
		r = naming_append(naming, *texts);
		if (r < 0)
			return r;
	}
	return 0;
}

int naming_append_function(struct naming *naming, const char *function, const char *module)
{
	const char *name = *function ? function : NAMING_UNKNOWN;

	if (!strncmp(function, "+0x", 3))
		return naming_append_texts(naming, module, function);
	if (!*module)
		return naming_append(naming, name);
	return naming_append_texts(naming, name, "(", module, ")");
}
