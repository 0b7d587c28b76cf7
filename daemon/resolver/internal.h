/* SPDX-License-Identifier: MIT */
/* What the files of the resolver's room share; nobody else includes it. */
#pragma once

#include <stdbool.h>

#include "daemon/base/table.h"
#include "daemon/objfile/debug_file.h"
#include "daemon/process/process.h"
#include "daemon/python/definitions.h"
#include "daemon/resolver/resolver.h"

/* From which files names come. The key, which the path follows: no padding. */
enum source_kind {
	SOURCE_FILE,     /* an ELF file; its number 0: it cannot be opened */
	SOURCE_VDSO,     /* the kernel's own */
	SOURCE_PERF_MAP, /* code of one image, made at run time */
	SOURCE_JITDUMP,  /* likewise */
};
struct source_key {
	uint32_t kind;
	uint32_t file;     /* number */
	uint64_t image;    /* of code made at run time */
	struct file_id id; /* the debug file; the perf map or jitdump */
	struct file_id alt_id;
	char path[];
};
struct source {
	char build_id[BUILD_ID_TEXT_BYTES];
	bool is_broken;      /* the symbolizer failed on it: it is not asked again */
	struct batch *batch; /* NULL: nothing is wanted of it at the moment */
};

/* A mapping of an image, in which addresses are. */
struct mapping_key {
	uint64_t start, end, file_offset, since_ns;
	uint64_t image;
};

/* Which source an ELF file has for those who see the same file system. */
struct file_key {
	struct process_view view;
	uint64_t file; /* number */
};

/* What an answer is remembered by. */
struct address_key {
	uint64_t address; /* offset into the file; address of the process */
	uint64_t source;  /* index */
};
struct address_names {
	uint32_t first; /* in the pool */
	uint16_t n;     /* 0: none yet */
	bool is_asked;
	bool is_named;
};

/* Code that a process makes at run time, by image. */
struct jit {
	uint32_t source;     /* index + 1; 0: none */
	uint64_t opened_ns;  /* CLOCK_MONOTONIC; when it was last looked at */
	uint64_t read_ns;    /* when it was last found to be other than before */
	uint64_t missing_ns; /* when it was last looked for in vain */
};

/* Addresses of one source that will be asked for together, with its files. */
struct batch {
	uint32_t source;
	enum symbolizer_source symbolizer_source;
	int fds[3]; /* file, debug, alt; -1: none */
	uint64_t *addresses;
	size_t n;
	size_t size;
};

/* Each holds up to three descriptors. */
#define RESOLVER_BATCHES_MAX 64

/* One that the symbolizer has. */
struct name_request {
	struct name_request *next, **link;
	struct resolver *resolver; /* NULL: it is gone */
	uint64_t generation;
	uint32_t source;
	uint64_t *addresses;
	size_t n;
};

/* What was asked last, found without a search: most addresses of a drain were in the one before. Of
 * an address of an image as its mappings are now, and only what will not be named otherwise later.
 */
struct recent {
	uint64_t address;
	uint32_t image, image_generation;
	uint32_t first; /* in the pool */
	uint32_t n;     /* 0: nothing is here */
};
#define RESOLVER_RECENT 8192 /* a power of two; 192 KB */

struct resolver {
	char *proc;
	struct symbolizer *symbolizer;
	struct files *files;
	struct inspector *inspector;
	resolver_fn fn;
	void *userdata;
	uint64_t generation; /* grows with each clear: answers to older requests mean nothing */

	struct table *frames;
	struct table *kernel; /* addresses */
	uint32_t *kernel_frames;
	size_t kernel_frames_size;
	uint32_t kernel_generation;

	struct table *by_mapping;
	uint32_t *mapping_sources; /* by index of the key: index + 1 of the source; 0: none yet */
	size_t mapping_sources_size;
	struct table *by_file;
	uint32_t *file_sources; /* likewise */
	size_t file_sources_size;
	struct table *jits; /* image -> index in jit */
	struct jit *jit;
	size_t jit_size;
	struct table *sources;
	struct source *source;
	size_t source_size;

	struct table *addresses;
	struct address_names *answers;
	size_t answers_size;
	uint32_t *pool; /* frames of the answers */
	size_t n_pool;
	size_t pool_size;
	struct recent recent[RESOLVER_RECENT];

	struct definitions *definitions;
	struct table *python_keys; /* of Python frames */
	uint32_t *python_frames;   /* by index of the key: frame + 1; 0: none yet */
	size_t python_frames_size;

	struct batch *batches[RESOLVER_BATCHES_MAX];
	size_t n_batches;
	struct name_request *requests;
	size_t request_bytes;
};

/* source.c */
/* 0 or -ENOMEM. */
int resolver_intern_source(struct resolver *resolver, const struct source_key *key,
			   const char *path, uint32_t *ret_index);
const struct source_key *resolver_source_key(const struct resolver *resolver, uint32_t source);

/* frames.c */
int resolver_intern_frame(struct resolver *resolver, const struct frame *frame, uint32_t *ret);
/* What stands for something that has no name of its own. */
int resolver_intern_special(struct resolver *resolver, const char *function, const char *module,
			    uint32_t *ret);
/* "libc.so.6" of "/usr/lib/libc.so.6", fit to be shown. */
void resolver_module_of_path(const char *path, char *ret, size_t size);
/* The frame of an address of the source that has no name (yet). */
int resolver_intern_address(struct resolver *resolver, uint32_t source, uint64_t address,
			    uint32_t *ret);
int resolver_intern_name(struct resolver *resolver, uint32_t source,
			 const struct symbolizer_name *name, uint32_t *ret);

/* open.c */
/* The source of the mapping, index + 1; 0: none (yet). 0 or -ENOMEM. */
int resolver_find_source(struct resolver *resolver, const struct image *image,
			 const struct mapping *mapping, uint32_t *ret);
/* The same, opened anew, with a batch where it can be asked. */
int resolver_open_source(struct resolver *resolver, const struct image *image,
			 const struct mapping *mapping, uint64_t at_ns, uint32_t *ret);
/* By which number the source knows an address of the process. */
uint64_t resolver_address_in(const struct mapping *mapping, uint64_t address);

/* jit.c */
/* Whether code there is made at run time. */
bool resolver_is_jit(const struct mapping *mapping);
int resolver_find_jit(struct resolver *resolver, const struct image *image, struct jit **ret);
/* Whether it is time to look whether the process has written more. */
bool resolver_may_open_jit(struct resolver *resolver, const struct image *image);
int resolver_open_jit(struct resolver *resolver, const struct image *image, uint64_t at_ns,
		      uint32_t *ret);

/* ask.c */
/* Takes the descriptors, also where it fails. 0 or -ENOMEM. */
int resolver_add_batch(struct resolver *resolver, uint32_t source,
		       enum symbolizer_source symbolizer_source, const int fds[3]);
/* The answer of an address, NULL: none. */
struct address_names *resolver_find_names(const struct resolver *resolver, uint32_t source,
					  uint64_t address);
int resolver_add_address(struct resolver *resolver, uint32_t source, uint64_t address);
void resolver_drop_batches(struct resolver *resolver);
