/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of this folder only.
 *
 * Each cache is a table, which makes keys into dense indexes, and an array of values by that index.
 * A value that may be missing is stored as index + 1, and 0 is none. No entry is ever removed from
 * a table: its key stops being asked for. resolver_clear() empties all of them, and has to follow
 * each files_clear(), since the file numbers in keys then mean other files.
 *
 * The caches, and the events after which an entry is no longer found:
 * - recent: address, image and its generation to frames. Exec and pid reuse make another image;
 *   dlopen raises the generation. Code made at run time is never entered.
 * - by_mapping: image, range, file offset and time to source. Exec and pid reuse make another
 *   image; what a dlopen maps has another time. A source that is opened again replaces the value.
 * - by_file: view of the file system and file number to source. Processes share it, so nothing but
 *   a clear ends an entry. A file that is opened again replaces the value.
 * - jits: image to source. Exec and pid reuse make another image. A perf map or jitdump that was
 *   written to replaces the value, at most once in RESOLVER_JIT_NS.
 * - sources: files and path, or image and perf map or jitdump. Nothing but a clear ends an entry; a
 *   file that was replaced or written to is another source.
 * - addresses: source and address in it to names in the pool. Nothing but a clear ends an entry;
 *   is_asked falls where a request failed for no fault of the file.
 * - frames: texts to the indexes that callers keep. Nothing but a clear ends an entry.
 * - kernel: address and kernel generation to frame. resolver_forget_kernel() raises the generation.
 * - python_keys: code object and position to frame. resolver_forget_python() forgets the code
 *   objects, whose indexes are not used again.
 *
 * A reply that comes after a clear is dropped: its request has an older generation.
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/table.h"
#include "daemon/objfile/debug_file.h"
#include "daemon/process/process.h"
#include "daemon/python/definitions.h"
#include "daemon/resolver/resolver.h"

/* A source: the files that names come from. The path follows the key; no padding. */
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
	bool is_broken;      /* the symbolizer failed on this source, which is not asked again */
	struct batch *batch; /* NULL: no address of this source is wanted at the moment */
};

/* A mapping of an image; no padding. */
struct mapping_key {
	uint64_t start, end, file_offset, since_ns;
	uint64_t image;
};

/* An ELF file for all processes that see the same file system with the same rights; no padding. */
struct file_key {
	struct process_view view;
	uint64_t file; /* number */
	uint64_t user; /* whose rights find the debug file */
};

/* An address of a source; no padding. */
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

/* The perf map or jitdump of an image: the names of code that its process makes at run time. */
struct jit {
	uint32_t source;     /* index + 1; 0: none */
	uint64_t opened_ns;  /* CLOCK_MONOTONIC; when the file was last looked for */
	uint64_t read_ns;    /* when the file was last found to be changed */
	uint64_t missing_ns; /* when the file was last missing; 0: it was there */
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

/* A request that the symbolizer has and will call back for. */
struct name_request {
	struct name_request *next, **link;
	struct resolver *resolver; /* NULL: the resolver was freed */
	uint64_t generation;
	uint32_t source;
	uint64_t *addresses;
	size_t n;
};

/* Addresses that were named last, found without a search: most addresses of a drain were in the one
 * before. An entry holds for the present mappings of its image, and only names that will not change
 * are entered. */
struct recent {
	uint64_t address;
	uint32_t image, image_generation;
	uint32_t first; /* in the pool */
	uint32_t n;     /* 0: the entry is empty */
};
#define RESOLVER_RECENT 8192 /* a power of two; 192 KB */

struct resolver {
	char *proc;
	struct symbolizer *symbolizer;
	struct files *files;
	struct inspector *inspector;
	resolver_fn fn;
	void *userdata;
	uint64_t generation; /* grows with each clear; replies to older requests are dropped */

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

/* Interns the source: *ret_index is its index. Returns 0 or -ENOMEM. */
int resolver_intern_source(struct resolver *resolver, const struct source_key *key,
			   const char *path, uint32_t *ret_index);
const struct source_key *resolver_source_key(const struct resolver *resolver, uint32_t source);

/* frames.c: each writes the index of the frame to *ret and returns 0 or -ENOMEM. */

int resolver_intern_frame(struct resolver *resolver, const struct frame *frame, uint32_t *ret);
/* Interns a native frame of that text without a file, such as "[unknown]" or "[cut]". */
int resolver_intern_special(struct resolver *resolver, const char *function, const char *module,
			    uint32_t *ret);
/* Writes the module of a path, "libc.so.6" of "/usr/lib/libc.so.6", cleaned for terminals. */
void resolver_module_of_path(const char *path, char *ret, size_t size);
/* Interns the frame of an address of the source that has no name (yet). */
int resolver_intern_address(struct resolver *resolver, uint32_t source, uint64_t address,
			    uint32_t *ret);
int resolver_intern_name(struct resolver *resolver, uint32_t source,
			 const struct symbolizer_name *name, uint32_t *ret);

/* open.c */

/* Finds the source of the mapping without opening a file: *ret is its index + 1, or 0 where there
 * is none (yet). Returns 0 or -ENOMEM. */
int resolver_find_source(struct resolver *resolver, const struct image *image,
			 const struct mapping *mapping, uint32_t *ret);
/* Opens the source of the mapping again, and gives it a batch where it can be asked. *ret and the
 * result are those of resolver_find_source(). */
int resolver_open_source(struct resolver *resolver, const struct image *image,
			 const struct mapping *mapping, uint64_t at_ns, uint32_t *ret);
/* Returns the address as the source counts it: an offset into the file, or an address of the
 * process where code is made at run time. */
uint64_t resolver_address_in(const struct mapping *mapping, uint64_t address);

/* jit.c */

/* True if code in the mapping is made at run time. */
bool resolver_is_jit(const struct mapping *mapping);
/* Finds or adds the entry of the image; borrowed until the next call. Returns 0 or -ENOMEM. */
int resolver_find_jit(struct resolver *resolver, const struct image *image, struct jit **ret);
/* True if RESOLVER_JIT_NS have passed since the image's perf map or jitdump was looked for. */
bool resolver_may_open_jit(struct resolver *resolver, const struct image *image);
/* Opens the perf map or jitdump of the image, as resolver_open_source() does. A file that was
 * written to is another source, whose addresses are all asked for again: code may have taken the
 * place of other code. */
int resolver_open_jit(struct resolver *resolver, const struct image *image, uint64_t at_ns,
		      uint32_t *ret);

/* ask.c */

/* Makes a batch for the source, unless the source has one or is broken. Takes the descriptors, also
 * on failure. Returns 0 or -ENOMEM. */
int resolver_add_batch(struct resolver *resolver, uint32_t source,
		       enum symbolizer_source symbolizer_source, const int fds[3]);
/* Finds the names of an address, or returns NULL; borrowed until the next resolver_add_address().
 */
struct address_names *resolver_find_names(const struct resolver *resolver, uint32_t source,
					  uint64_t address);
/* Adds the address to the source's batch, which is sent when it is full. Returns 0 or -ENOMEM. */
int resolver_add_address(struct resolver *resolver, uint32_t source, uint64_t address);
/* Frees all batches that were not sent, with their descriptors. */
void resolver_drop_batches(struct resolver *resolver);
