/* SPDX-License-Identifier: MIT */
#include "daemon/resolver/resolver.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/loss.h"
#include "daemon/resolver/internal.h"

struct kernel_key {
	uint64_t address;
	uint64_t generation;
};

struct resolver *resolver_new(const char *proc, struct files *files, struct inspector *inspector,
			      struct symbolizer *symbolizer, resolver_fn fn, void *userdata)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	assert(files && inspector && symbolizer);
	if (!resolver)
		return NULL;
	resolver->files = files;
	resolver->inspector = inspector;
	resolver->symbolizer = symbolizer;
	resolver->fn = fn;
	resolver->userdata = userdata;
	resolver->proc = strdup(proc);
	resolver->frames = table_new();
	resolver->kernel = table_new();
	resolver->by_mapping = table_new();
	resolver->by_file = table_new();
	resolver->jits = table_new();
	resolver->sources = table_new();
	resolver->addresses = table_new();
	resolver->definitions = definitions_new();
	resolver->python_keys = table_new();
	if (!resolver->proc || !resolver->frames || !resolver->kernel || !resolver->by_mapping ||
	    !resolver->by_file || !resolver->jits || !resolver->sources || !resolver->addresses ||
	    !resolver->definitions || !resolver->python_keys)
		return resolver_free(resolver);
	return resolver;
}

static void drop_array(void *array, size_t *size)
{
	void **at = array;

	free(*at);
	*at = NULL;
	*size = 0;
}

static void drop_arrays(struct resolver *resolver)
{
	drop_array(&resolver->kernel_frames, &resolver->kernel_frames_size);
	drop_array(&resolver->mapping_sources, &resolver->mapping_sources_size);
	drop_array(&resolver->file_sources, &resolver->file_sources_size);
	drop_array(&resolver->jit, &resolver->jit_size);
	drop_array(&resolver->source, &resolver->source_size);
	drop_array(&resolver->answers, &resolver->answers_size);
	drop_array(&resolver->pool, &resolver->pool_size);
	drop_array(&resolver->python_frames, &resolver->python_frames_size);
	resolver->n_pool = 0;
}

/* Takes the resolver out of its open requests. Their replies still come and free them, so each
 * becomes a list of its own. */
static void orphan_requests(struct resolver *resolver)
{
	while (resolver->requests) {
		struct name_request *request = resolver->requests;

		resolver->requests = request->next;
		request->resolver = NULL;
		request->next = NULL;
		request->link = &request->next;
	}
}

struct resolver *resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return NULL;
	resolver_drop_batches(resolver);
	orphan_requests(resolver);
	drop_arrays(resolver);
	definitions_free(resolver->definitions);
	table_free(resolver->python_keys);
	table_free(resolver->addresses);
	table_free(resolver->sources);
	table_free(resolver->jits);
	table_free(resolver->by_file);
	table_free(resolver->by_mapping);
	table_free(resolver->kernel);
	table_free(resolver->frames);
	free(resolver->proc);
	free(resolver);
	return NULL;
}

void resolver_clear(struct resolver *resolver)
{
	resolver_drop_batches(resolver);
	resolver->generation++;
	definitions_forget(resolver->definitions);
	table_clear(resolver->python_keys);
	table_clear(resolver->addresses);
	table_clear(resolver->sources);
	table_clear(resolver->jits);
	table_clear(resolver->by_file);
	table_clear(resolver->by_mapping);
	table_clear(resolver->kernel);
	table_clear(resolver->frames);
	drop_arrays(resolver);
	memset(resolver->recent, 0, sizeof(resolver->recent));
}

size_t resolver_bytes(const struct resolver *resolver)
{
	return sizeof(*resolver) + table_bytes(resolver->addresses) +
	       table_bytes(resolver->sources) + table_bytes(resolver->jits) +
	       table_bytes(resolver->by_file) + table_bytes(resolver->by_mapping) +
	       table_bytes(resolver->kernel) + table_bytes(resolver->frames) +
	       resolver->kernel_frames_size * sizeof(*resolver->kernel_frames) +
	       resolver->mapping_sources_size * sizeof(*resolver->mapping_sources) +
	       resolver->file_sources_size * sizeof(*resolver->file_sources) +
	       resolver->jit_size * sizeof(*resolver->jit) +
	       resolver->source_size * sizeof(*resolver->source) +
	       resolver->answers_size * sizeof(*resolver->answers) +
	       resolver->pool_size * sizeof(*resolver->pool) + resolver->request_bytes +
	       definitions_bytes(resolver->definitions) + table_bytes(resolver->python_keys) +
	       resolver->python_frames_size * sizeof(*resolver->python_frames);
}

static struct recent *recent_at(struct resolver *resolver, const struct image *image,
				uint64_t address)
{
	uint64_t mixed = (address ^ (uint64_t)image->id << 40) * UINT64_C(0x9e3779b97f4a7c15);

	return &resolver->recent[mixed >> 32 & (RESOLVER_RECENT - 1)];
}

/* Returns the frames that the address was last named by, or NULL where it has to be looked up. */
static const struct recent *recent_find(struct resolver *resolver, const struct image *image,
					uint64_t address, uint64_t at_ns)
{
	const struct recent *recent = recent_at(resolver, image, address);

	return recent->n && recent->address == address && recent->image == image->id &&
			       recent->image_generation == image->generation &&
			       at_ns >= image->changed_ns
		       ? recent
		       : NULL;
}

static void recent_put(struct resolver *resolver, const struct image *image, uint64_t address,
		       uint64_t at_ns, const struct address_names *answer)
{
	assert(answer->n > 0 && answer->first + answer->n <= resolver->n_pool);
	if (at_ns >= image->changed_ns)
		*recent_at(resolver, image, address) = (struct recent){
			.address = address,
			.image = image->id,
			.image_generation = image->generation,
			.first = answer->first,
			.n = answer->n,
		};
}

/* True if the address has names or is asked for. */
static bool is_asked(const struct resolver *resolver, uint32_t source, uint64_t address)
{
	const struct address_names *answer = resolver_find_names(resolver, source, address);

	return answer && answer->is_asked;
}

/*
 * True if the address need not be asked for: it has names, is asked for, or will never have one.
 * For code made at run time the process may have written the name by now, or another file.
 */
static bool is_known(struct resolver *resolver, const struct image *image,
		     const struct mapping *mapping, uint32_t source, uint64_t address)
{
	const struct address_names *answer = resolver_find_names(resolver, source, address);

	if (!resolver_is_jit(mapping))
		return resolver->source[source].is_broken || (answer && answer->is_asked);
	if (!answer || !answer->is_asked)
		return false;
	return answer->n == 0 || answer->is_named || !resolver_may_open_jit(resolver, image);
}

int resolver_want(struct resolver *resolver, const struct image *image, uint64_t address,
		  uint64_t at_ns)
{
	const struct mapping *mapping;
	uint32_t source;
	int r;

	if (!image || recent_find(resolver, image, address, at_ns))
		return 0;
	mapping = maps_find(image->maps, address, at_ns);
	if (!mapping)
		return 0;
	address = resolver_address_in(mapping, address);
	r = resolver_find_source(resolver, image, mapping, &source);
	if (r < 0 || (source && is_known(resolver, image, mapping, source - 1, address)))
		return r;
	r = resolver_open_source(resolver, image, mapping, at_ns, &source);
	/* The source may be another one now: the files were opened again. */
	if (r < 0 || !source || !resolver->source[source - 1].batch ||
	    is_asked(resolver, source - 1, address))
		return r;
	return resolver_add_address(resolver, source - 1, address);
}

static int name_in(struct resolver *resolver, const struct image *image,
		   const struct mapping *mapping, uint64_t address, uint64_t at_ns,
		   uint32_t ret_frames[static RESOLVER_INLINES_MAX], uint32_t *ret_n)
{
	uint64_t inner = resolver_address_in(mapping, address);
	const struct address_names *answer = NULL;
	char module[256];
	uint32_t source;
	int r = resolver_find_source(resolver, image, mapping, &source);

	if (r < 0)
		return r;
	if (source)
		answer = resolver_find_names(resolver, source - 1, inner);
	if (answer && answer->n > 0) {
		assert(answer->n <= RESOLVER_INLINES_MAX);
		memcpy(ret_frames, resolver->pool + answer->first, answer->n * sizeof(*ret_frames));
		*ret_n = answer->n;
		/* The names of code made at run time may change. */
		if (!resolver_is_jit(mapping))
			recent_put(resolver, image, address, at_ns, answer);
		return 0;
	}
	*ret_n = 1;
	if (source && !resolver_is_jit(mapping))
		return resolver_intern_address(resolver, source - 1, inner, ret_frames);
	resolver_module_of_path(mapping->path, module, sizeof(module));
	return resolver_intern_special(resolver, "[unknown]", module, ret_frames);
}

int resolver_name_user(struct resolver *resolver, const struct image *image, uint64_t address,
		       uint64_t at_ns, uint32_t ret_frames[static RESOLVER_INLINES_MAX],
		       uint32_t *ret_n)
{
	const struct recent *recent = image ? recent_find(resolver, image, address, at_ns) : NULL;
	const struct mapping *mapping;

	if (recent) {
		memcpy(ret_frames, resolver->pool + recent->first, recent->n * sizeof(*ret_frames));
		*ret_n = recent->n;
		return 0;
	}
	mapping = image ? maps_find(image->maps, address, at_ns) : NULL;
	if (mapping)
		return name_in(resolver, image, mapping, address, at_ns, ret_frames, ret_n);
	*ret_n = 1;
	return resolver_intern_special(resolver, "[unknown]", image ? "[unmapped]" : "[gone]",
				       ret_frames);
}

int resolver_name_end(struct resolver *resolver, enum ox_stop end, uint32_t *ret_frame)
{
	char name[64];

	assert(end > OX_STOP_ROOT && end < OX_N_STOPS);
	snprintf(name, sizeof(name), "[%s]", stop_name(end));
	return resolver_intern_special(resolver, name, "", ret_frame);
}

int resolver_name_other(struct resolver *resolver, uint32_t *ret_frame)
{
	return resolver_intern_special(resolver, "[other]", "", ret_frame);
}

void resolver_forget_kernel(struct resolver *resolver)
{
	resolver->kernel_generation++;
}

static int remember_kernel(struct resolver *resolver, const struct kernel_key *key, uint32_t frame)
{
	uint32_t index;
	int r;

	/* The room comes first: a key that is there has a frame. */
	r = array_reserve(resolver->kernel_frames, resolver->kernel_frames_size,
			  (size_t)table_count(resolver->kernel) + 1);
	if (r < 0)
		return r;
	r = table_intern(resolver->kernel, key, sizeof(*key), &index);
	if (r < 0)
		return r;
	resolver->kernel_frames[index] = frame;
	return 0;
}

int resolver_name_kernel(struct resolver *resolver, const struct ksyms *ksyms, uint64_t address,
			 uint32_t *ret_frame)
{
	const struct kernel_key key = {address, resolver->kernel_generation};
	const char *name = "[unknown]", *module = "kernel";
	struct frame frame = {.kind = FRAME_KERNEL, .file = "", .build_id = ""};
	char bracketed[80];
	uint32_t index;
	int r;

	if (table_find(resolver->kernel, &key, sizeof(key), &index) == 0) {
		*ret_frame = resolver->kernel_frames[index];
		return 0;
	}
	if (ksyms)
		(void)ksyms_find(ksyms, address, &name, &module);
	snprintf(bracketed, sizeof(bracketed), "[%s]", module);
	frame.function = name;
	frame.module = bracketed;
	r = resolver_intern_frame(resolver, &frame, ret_frame);
	return r < 0 ? r : remember_kernel(resolver, &key, *ret_frame);
}
