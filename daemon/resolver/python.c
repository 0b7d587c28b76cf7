/* SPDX-License-Identifier: MIT */
/* Python frames, named by the definitions of code objects that the kernel side sends. */
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/resolver/internal.h"

/* A key of python_keys; no padding. */
struct python_key {
	uint32_t definition; /* index */
	uint32_t position;
};

int resolver_add_part(struct resolver *resolver, const struct ox_fragment *part, size_t size)
{
	return definitions_add(resolver->definitions, part, size);
}

void resolver_expire(struct resolver *resolver)
{
	definitions_expire(resolver->definitions);
}

void resolver_forget_python(struct resolver *resolver)
{
	definitions_forget(resolver->definitions);
	definitions_expire(resolver->definitions);
}

static int intern_definition(struct resolver *resolver, const struct python_key *key,
			     uint32_t *ret_frame)
{
	struct frame frame = {.kind = FRAME_PYTHON, .build_id = ""};
	struct definition definition;
	int r = definitions_get(resolver->definitions, key->definition, key->position, &definition);

	if (r < 0)
		return r;
	frame.function = definition.name[0] ? definition.name : "[unknown]";
	frame.module = definition.module;
	frame.file = definition.file;
	frame.line = definition.line;
	return resolver_intern_frame(resolver, &frame, ret_frame);
}

static int intern_unknown(struct resolver *resolver, uint32_t *ret_frame)
{
	static const struct frame unknown = {
		.kind = FRAME_PYTHON,
		.function = "[unknown]",
		.module = "",
		.file = "",
		.build_id = "",
	};
	int r = resolver_intern_frame(resolver, &unknown, ret_frame);

	return r < 0 ? r : 1;
}

int resolver_name_python(struct resolver *resolver, uint64_t word, uint32_t *ret_frame)
{
	struct python_key key = {.position = OX_PYTHON_POSITION(word)};
	uint32_t index;
	int r;

	if (!OX_PYTHON_ID(word) ||
	    definitions_find(resolver->definitions, OX_PYTHON_ID(word), &key.definition) < 0)
		return intern_unknown(resolver, ret_frame);
	r = table_intern(resolver->python_keys, &key, sizeof(key), &index);
	if (r < 0)
		return r;
	r = array_reserve(resolver->python_frames, resolver->python_frames_size, index + 1);
	if (r < 0)
		return r;
	if (!resolver->python_frames[index]) {
		r = intern_definition(resolver, &key, ret_frame);
		if (r < 0)
			return r;
		resolver->python_frames[index] = *ret_frame + 1;
	}
	*ret_frame = resolver->python_frames[index] - 1;
	return 0;
}
