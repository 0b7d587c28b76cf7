/* SPDX-License-Identifier: MIT */
/* Frames, interned by their texts. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/resolver/internal.h"

/* A frame's key in the table; four texts with their NULs follow. */
struct frame_key {
	uint64_t offset;
	uint32_t kind;
	uint32_t line;
	uint32_t module; /* where each text begins; the function's is at 0 */
	uint32_t build_id;
	uint32_t file;
	char texts[];
};

int resolver_intern_frame(struct resolver *resolver, const struct frame *frame, uint32_t *ret)
{
	size_t a = strlen(frame->function) + 1, b = strlen(frame->module) + 1;
	size_t c = strlen(frame->build_id) + 1, d = strlen(frame->file) + 1;
	size_t length = sizeof(struct frame_key) + a + b + c + d;
	_cleanup_free_ struct frame_key *key = calloc(1, length);
	int r;

	if (!key)
		return -ENOMEM;
	key->offset = frame->offset;
	key->kind = frame->kind;
	key->line = frame->line;
	key->module = a;
	key->build_id = a + b;
	key->file = a + b + c;
	memcpy(key->texts, frame->function, a);
	memcpy(key->texts + key->module, frame->module, b);
	memcpy(key->texts + key->build_id, frame->build_id, c);
	memcpy(key->texts + key->file, frame->file, d);
	r = table_intern(resolver->frames, key, length, ret);
	return r < 0 ? r : 0;
}

void resolver_get_frame(const struct resolver *resolver, uint32_t frame, struct frame *ret)
{
	const struct frame_key *key;

	assert(frame < table_count(resolver->frames));
	key = table_get_key(resolver->frames, frame, NULL);
	*ret = (struct frame){
		.kind = key->kind,
		.function = key->texts,
		.module = key->texts + key->module,
		.file = key->texts + key->file,
		.build_id = key->texts + key->build_id,
		.line = key->line,
		.offset = key->offset,
	};
}

uint32_t resolver_count(const struct resolver *resolver)
{
	return table_count(resolver->frames);
}

void resolver_module_of_path(const char *path, char *ret, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *name = path[0] == '[' || !slash ? path : slash + 1;

	text_clean(name, strlen(name), ret, size);
	if (!ret[0])
		snprintf(ret, size, "[anon]");
}

int resolver_intern_special(struct resolver *resolver, const char *function, const char *module,
			    uint32_t *ret)
{
	struct frame frame = {
		.kind = FRAME_NATIVE,
		.function = function,
		.module = module,
		.file = "",
		.build_id = "",
	};

	return resolver_intern_frame(resolver, &frame, ret);
}

/* Returns the ELF vaddr where the file tells it, so that resymbolizing can name the frame later;
 * else the address itself. */
static uint64_t find_vaddr(const struct resolver *resolver, const struct source_key *key,
			   uint64_t address)
{
	uint64_t vaddr = address;

	if (key->kind == SOURCE_FILE && key->file)
		(void)files_find_vaddr(resolver->files, key->file, address, &vaddr);
	return vaddr;
}

int resolver_intern_address(struct resolver *resolver, uint32_t source, uint64_t address,
			    uint32_t *ret)
{
	const struct source_key *key = resolver_source_key(resolver, source);
	char function[32];
	struct symbolizer_name name = {.function = function, .file = ""};

	name.start = find_vaddr(resolver, key, address);
	snprintf(function, sizeof(function), "+0x%llx", (unsigned long long)name.start);
	if (key->kind != SOURCE_FILE)
		snprintf(function, sizeof(function), "[unknown]");
	if (key->kind != SOURCE_FILE)
		name.start = 0;
	return resolver_intern_name(resolver, source, &name, ret);
}

int resolver_intern_name(struct resolver *resolver, uint32_t source,
			 const struct symbolizer_name *name, uint32_t *ret)
{
	const struct source_key *key = resolver_source_key(resolver, source);
	char module[256], file[4096] = "";
	struct frame frame = {
		.kind = FRAME_NATIVE,
		.function = name->function[0] ? name->function : "[unknown]",
		.module = module,
		.file = name->file[0] ? name->file : file,
		.build_id = resolver->source[source].build_id,
		.line = name->line,
		.offset = name->start,
	};

	resolver_module_of_path(key->path, module, sizeof(module));
	if (key->kind == SOURCE_FILE)
		text_clean(key->path, strlen(key->path), file, sizeof(file));
	return resolver_intern_frame(resolver, &frame, ret);
}
