/* SPDX-License-Identifier: MIT */
#include "daemon/resolver.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/array.h"
#include "daemon/cleanup.h"
#include "daemon/parse.h"
#include "daemon/process.h"
#include "daemon/symbols.h"
#include "daemon/table.h"

/* What an address is remembered by: the mappings of an image may change under it. */
struct address_key {
	uint64_t address;
	uint32_t image;
	uint32_t generation;
};

/* A frame's key in the table: this, then four texts with their ends. */
struct frame_key {
	uint64_t offset;
	uint32_t kind;
	uint32_t module; /* where the texts begin, behind the function's */
	uint32_t build_id;
	uint32_t file;
	char texts[];
};

struct resolver {
	char *proc;
	struct symbols *symbols;
	struct table *addresses;
	uint32_t *frame_of; /* by index of the address */
	size_t frame_of_size;
	struct table *frames;
	uint32_t kernel_generation;
};

struct resolver *resolver_new(const char *proc)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return NULL;
	resolver->proc = strdup(proc);
	resolver->symbols = symbols_new();
	resolver->addresses = table_new();
	resolver->frames = table_new();
	if (!resolver->proc || !resolver->symbols || !resolver->addresses || !resolver->frames)
		return resolver_free(resolver);
	return resolver;
}

struct resolver *resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return NULL;
	table_free(resolver->frames);
	table_free(resolver->addresses);
	symbols_free(resolver->symbols);
	free(resolver->frame_of);
	free(resolver->proc);
	free(resolver);
	return NULL;
}

void resolver_clear(struct resolver *resolver)
{
	table_clear(resolver->addresses);
	table_clear(resolver->frames);
}

size_t resolver_bytes(const struct resolver *resolver)
{
	return table_bytes(resolver->addresses) + table_bytes(resolver->frames) +
	       resolver->frame_of_size * sizeof(uint32_t);
}

uint32_t resolver_count(const struct resolver *resolver)
{
	return table_count(resolver->frames);
}

static int intern_frame(struct resolver *resolver, const struct frame *frame, uint32_t *ret_frame)
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
	key->module = a;
	key->build_id = a + b;
	key->file = a + b + c;
	memcpy(key->texts, frame->function, a);
	memcpy(key->texts + key->module, frame->module, b);
	memcpy(key->texts + key->build_id, frame->build_id, c);
	memcpy(key->texts + key->file, frame->file, d);
	r = table_intern(resolver->frames, key, length, ret_frame);
	return r < 0 ? r : 0;
}

void resolver_get_frame(const struct resolver *resolver, uint32_t frame, struct frame *ret)
{
	const struct frame_key *key = table_get_key(resolver->frames, frame, NULL);

	*ret = (struct frame){
		.kind = key->kind,
		.function = key->texts,
		.module = key->texts + key->module,
		.file = key->texts + key->file,
		.build_id = key->texts + key->build_id,
		.offset = key->offset,
	};
}

/* "libc.so.6" of "/usr/lib/libc.so.6", fit to be shown. */
static void module_of_path(const char *path, char *ret, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *name = path[0] == '[' || !slash ? path : slash + 1;

	text_clean(name, strlen(name), ret, size);
	if (!ret[0])
		snprintf(ret, size, "[anon]");
}

static struct binary *open_binary(struct resolver *resolver, uint32_t pid,
				  const struct mapping *mapping)
{
	_cleanup_close_ int fd = process_open_mapped(resolver->proc, pid, mapping);
	struct binary *binary = NULL;
	char id[2 * BUILD_ID_BYTES + 1] = "";

	if (fd < 0)
		fd = process_open_path(resolver->proc, mapping);
	if (fd < 0 || symbols_open(resolver->symbols, fd, &binary) < 0)
		return NULL;
	/* Another file may have taken the place of the one that was mapped. */
	for (unsigned i = 0; i < mapping->build_id_bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", mapping->build_id[i]);
	return !id[0] || !strcmp(id, binary_build_id(binary)) ? binary : NULL;
}

/* What stands for something that has no name of its own. */
static int name_special(struct resolver *resolver, const char *function, const char *module,
			uint32_t *ret_frame)
{
	struct frame frame = {
		.kind = FRAME_NATIVE,
		.function = function,
		.module = module,
		.file = "",
		.build_id = "",
	};

	return intern_frame(resolver, &frame, ret_frame);
}

static int name_in_file(struct resolver *resolver, const struct image *image,
			const struct mapping *mapping, uint64_t address, uint32_t *ret_frame)
{
	uint64_t file_offset = address - mapping->start + mapping->file_offset;
	struct binary *binary = open_binary(resolver, image->pid, mapping);
	struct symbol symbol = {.name = "", .start = file_offset};
	char module[256], file[4096], offset[32];
	struct frame frame = {.kind = FRAME_NATIVE, .module = module, .file = file};

	module_of_path(mapping->path, module, sizeof(module));
	text_clean(mapping->path, strlen(mapping->path), file, sizeof(file));
	if (binary && binary_find(binary, file_offset, &symbol) < 0)
		symbol = (struct symbol){.name = "", .start = file_offset};
	frame.build_id = binary ? binary_build_id(binary) : "";
	frame.offset = symbol.start;
	frame.function = symbol.name;
	if (!symbol.name[0]) {
		snprintf(offset, sizeof(offset), "+0x%llx", (unsigned long long)symbol.start);
		frame.function = offset;
	}
	return intern_frame(resolver, &frame, ret_frame);
}

static int name_new_address(struct resolver *resolver, const struct image *image, uint64_t address,
			    uint64_t at_ns, uint32_t *ret_frame)
{
	const struct mapping *mapping = maps_find(image->maps, address, at_ns);
	char module[256];

	if (!mapping)
		return name_special(resolver, "[unknown]", "[unmapped]", ret_frame);
	if (mapping->path[0] == '/' && mapping->path[1] != '/')
		return name_in_file(resolver, image, mapping, address, ret_frame);
	module_of_path(mapping->path, module, sizeof(module));
	return name_special(resolver, "[unknown]", module, ret_frame);
}

static bool address_is_known(const struct resolver *resolver, const struct address_key *key,
			     uint32_t *ret_frame)
{
	uint32_t index;

	if (table_find(resolver->addresses, key, sizeof(*key), &index) < 0)
		return false;
	*ret_frame = resolver->frame_of[index];
	return true;
}

static int address_remember(struct resolver *resolver, const struct address_key *key,
			    uint32_t frame)
{
	uint32_t index;
	int r = table_intern(resolver->addresses, key, sizeof(*key), &index);

	if (r < 0)
		return r;
	r = array_fit(resolver->frame_of, resolver->frame_of_size, index + 1);
	if (r < 0)
		return r;
	resolver->frame_of[index] = frame;
	return 0;
}

int resolver_name_user(struct resolver *resolver, const struct image *image, uint64_t address,
		       uint64_t at_ns, uint32_t *ret_frame)
{
	struct address_key key = {.address = address};
	int r;

	if (!image)
		return name_special(resolver, "[unknown]", "[gone]", ret_frame);
	key.image = image->id;
	key.generation = image->generation;
	if (address_is_known(resolver, &key, ret_frame))
		return 0;
	r = name_new_address(resolver, image, address, at_ns, ret_frame);
	return r < 0 ? r : address_remember(resolver, &key, *ret_frame);
}

int resolver_name_cut(struct resolver *resolver, uint32_t *ret_frame)
{
	return name_special(resolver, "[cut]", "", ret_frame);
}

void resolver_forget_kernel(struct resolver *resolver)
{
	resolver->kernel_generation++;
}

int resolver_name_kernel(struct resolver *resolver, const struct ksyms *ksyms, uint64_t address,
			 uint32_t *ret_frame)
{
	const char *name = "[unknown]", *module = "kernel";
	struct address_key key = {
		.address = address,
		.image = 0, /* the kernel */
		.generation = resolver->kernel_generation,
	};
	char bracketed[80];
	struct frame frame = {.kind = FRAME_KERNEL, .file = "", .build_id = ""};
	int r;

	if (address_is_known(resolver, &key, ret_frame))
		return 0;
	if (ksyms)
		(void)ksyms_find(ksyms, address, &name, &module);
	snprintf(bracketed, sizeof(bracketed), "[%s]", module);
	frame.function = name;
	frame.module = bracketed;
	r = intern_frame(resolver, &frame, ret_frame);
	return r < 0 ? r : address_remember(resolver, &key, *ret_frame);
}
