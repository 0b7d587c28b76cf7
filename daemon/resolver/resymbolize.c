/* SPDX-License-Identifier: MIT */
/*
 * All addresses are collected first, in slices of the table. Then the addresses of one file after
 * the other are asked for, a chunk at a time, and the names of a chunk are written before the next
 * one is asked for.
 */
#include "daemon/resolver/resymbolize.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/table.h"
#include "daemon/objfile/debug_file.h"
#include "daemon/process/rights.h"

#define SLICE       16384 /* ids of one step */
#define PATIENCE_NS UINT64_C(10000000000)

/* An address without a name, in the list of its file. */
struct address {
	int64_t frame;
	uint64_t vaddr;
	uint32_t next; /* index + 1; 0: the last */
};

struct work {
	uint32_t first; /* index + 1 of the first address still to be asked for; 0: none */
	uint64_t n, named;
	int error;
};

/* The key of a file: three texts with their NULs follow. No padding. */
struct unnamed_file_key {
	uint32_t module; /* where the text begins; the path's is at 0 */
	uint32_t build_id;
	char texts[];
};

/* The name of an address, kept until it is written. */
struct found {
	int64_t frame;
	char *function; /* NULL: none */
	char *file;
	uint32_t line;
};

struct resymbolize {
	struct store *store;
	struct symbolizer *symbolizer;
	struct inspector *inspector;
	const struct resymbolize_ops *ops;
	char *proc;
	resymbolize_wake_t wake;
	void *userdata;

	int64_t next_id, last_id; /* last_id -1: not read from the store yet */
	struct address *addresses;
	size_t n, size;
	struct table *files; /* struct unnamed_file_key */
	struct work *works;  /* by file */
	size_t works_size;

	uint32_t at; /* the file that is asked about */
	int file, debug;
	uint64_t late_ns; /* since when the file cannot be opened for now; 0: it can */
	bool is_open, is_waiting, is_abandoned;
	struct found found[RESYMBOLIZE_CHUNK];
	size_t n_found; /* addresses of the chunk; their names are there unless is_waiting */
	int error;
};

define_cleanup(struct resymbolize *, resymbolize_free);

int resymbolize_new(struct store *store, struct symbolizer *symbolizer, struct inspector *inspector,
		    const struct resymbolize_ops *ops, const char *proc, resymbolize_wake_t wake,
		    void *userdata, struct resymbolize **ret)
{
	_cleanup_(resymbolize_free_p) struct resymbolize *self = calloc(1, sizeof(*self));

	assert(store && inspector && ops && wake);
	if (!self)
		return -ENOMEM;
	*self = (struct resymbolize){.store = store,
				     .symbolizer = symbolizer,
				     .inspector = inspector,
				     .ops = ops,
				     .wake = wake,
				     .userdata = userdata,
				     .next_id = 1,
				     .last_id = -1,
				     .file = -1,
				     .debug = -1};
	self->proc = strdup(proc);
	self->files = table_new();
	if (!self->proc || !self->files)
		return -ENOMEM;
	*ret = take_ptr(self);
	return 0;
}

static void found_clear(struct resymbolize *self)
{
	for (size_t i = 0; i < self->n_found; i++) {
		free(self->found[i].function);
		free(self->found[i].file);
	}
	self->n_found = 0;
}

static void files_close(struct resymbolize *self)
{
	cleanup_close(&self->file);
	cleanup_close(&self->debug);
	self->file = self->debug = -1;
	self->is_open = false;
}

struct resymbolize *resymbolize_free(struct resymbolize *self)
{
	if (!self)
		return NULL;
	if (self->is_waiting) {
		/* The symbolizer still holds this pointer, and calls on_names() once in any case.
		 */
		self->is_abandoned = true;
		return NULL;
	}
	found_clear(self);
	files_close(self);
	table_free(self->files);
	free(self->works);
	free(self->addresses);
	free(self->proc);
	free(self);
	return NULL;
}

/* ---- collecting ---- */

static int find_file(struct resymbolize *self, const struct frame *frame, uint32_t *ret)
{
	size_t path = strlen(frame->file) + 1, module = strlen(frame->module) + 1;
	size_t build_id = strlen(frame->build_id) + 1;
	size_t length = sizeof(struct unnamed_file_key) + path + module + build_id;
	_cleanup_free_ struct unnamed_file_key *key = calloc(1, length);
	int r;

	if (!key)
		return -ENOMEM;
	key->module = path;
	key->build_id = path + module;
	memcpy(key->texts, frame->file, path);
	memcpy(key->texts + key->module, frame->module, module);
	memcpy(key->texts + key->build_id, frame->build_id, build_id);
	/* The room comes first: a file that is there has its work. */
	r = array_reserve(self->works, self->works_size, (size_t)table_count(self->files) + 1);
	if (r < 0)
		return r;
	r = table_intern(self->files, key, length, ret);
	return r < 0 ? r : 0;
}

static int take_unnamed(void *userdata, int64_t id, const struct frame *frame)
{
	struct resymbolize *self = userdata;
	struct work *work;
	uint32_t file;
	int r;

	if (self->n >= RESYMBOLIZE_ADDRESSES_MAX)
		return 0;
	r = find_file(self, frame, &file);
	if (r < 0)
		return r;
	r = array_reserve(self->addresses, self->size, self->n + 1);
	if (r < 0)
		return r;
	work = &self->works[file];
	self->addresses[self->n] =
		(struct address){.frame = id, .vaddr = frame->offset, .next = work->first};
	work->first = ++self->n;
	work->n++;
	return 0;
}

static int collect(struct resymbolize *self)
{
	int64_t from = self->next_id;
	int r;

	if (self->last_id < 0) {
		r = store_find_last_frame(self->store, &self->last_id);
		if (r < 0)
			return r;
	}
	self->next_id += SLICE;
	r = store_foreach_unnamed(self->store, from, self->next_id, take_unnamed, self);
	return r < 0 ? r : RESYMBOLIZE_MORE;
}

/* ---- the files ---- */

static bool has_build_id(const struct elf_info *info, const char *wanted)
{
	char text[BUILD_ID_TEXT_BYTES];

	build_id_format(info->build_id, info->build_id_bytes, text);
	return *text && !strcmp(text, wanted);
}

/* Opens the file at the path, which a process chose once, if everybody may read it and it has the
 * build-id. Returns the descriptor; or -1 where the file
 * is missing, has another build-id, or cannot be inspected, and only then *ret_error is set. */
static int open_agreeing(const struct resymbolize *self, const char *path, const char *build_id,
			 int *ret_error)
{
	const struct named_file named = {.proc = self->proc, .pid = 1, .path = path};
	struct deputy_rights nobody;
	_cleanup_close_ int fd = -1;
	struct elf_info info;
	int r;

	rights_set_nobody(&nobody);
	fd = inspect_open(self->inspector, &named, &nobody);
	if (fd < 0) {
		*ret_error = fd == -EAGAIN ? fd : *ret_error;
		return -1;
	}
	r = inspect_file(self->inspector, fd, &info);
	if (r < 0 && r != -ENOEXEC)
		*ret_error = r;
	return has_build_id(&info, build_id) ? take_fd(&fd) : -1;
}

static int open_debug(const struct resymbolize *self, const char *build_id, int *ret_error)
{
	char path[DEBUG_FILE_PATH_BYTES];

	return debug_file_format_path(build_id, path) < 0
		       ? -1
		       : open_agreeing(self, path, build_id, ret_error);
}

static const struct unnamed_file_key *get_key(const struct resymbolize *self, uint32_t file)
{
	return table_get_key(self->files, file, NULL);
}

/* Opens the file that is at and its debug file, as far as they are there. Returns 0, -ENOENT where
 * neither is there, or the error of the inspector. */
static int files_open(struct resymbolize *self)
{
	const struct unnamed_file_key *key = get_key(self, self->at);
	const char *build_id = key->texts + key->build_id;
	int error = -ENOENT;

	self->file = open_agreeing(self, key->texts, build_id, &error);
	self->debug = open_debug(self, build_id, &error);
	self->is_open = true;
	return self->file >= 0 || self->debug >= 0 ? 0 : error;
}

/* ---- asking ---- */

static int keep_name(struct found *found, const struct symbolizer_name *name)
{
	/* Such a name is none: it is the address again. */
	if (!*name->function || !strncmp(name->function, "+0x", 3))
		return 0;
	found->function = strdup(name->function);
	found->file = strdup(name->file);
	found->line = name->line;
	return found->function && found->file ? 0 : -ENOMEM;
}

static int keep_names(struct resymbolize *self, const struct symbolizer_reply *reply)
{
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	uint64_t vaddr;

	for (size_t i = 0; i < self->n_found; i++)
		if (self->ops->get_names(reply, i, &vaddr, names) > 0) {
			int r = keep_name(&self->found[i], &names[0]);

			if (r < 0)
				return r;
		}
	return 0;
}

/* Drops the file's other addresses, too: they would fail like the one that was asked for. */
static void file_give_up(struct resymbolize *self, int error)
{
	self->works[self->at].error = error;
	self->works[self->at].first = 0;
}

static void on_names(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct resymbolize *self = userdata;

	assert(self->is_waiting);
	self->is_waiting = false;
	if (self->is_abandoned) {
		resymbolize_free(self);
		return;
	}
	if (!error)
		self->error = keep_names(self, reply);
	else if (error == -ECANCELED)
		self->error = error;
	else
		file_give_up(self, error);
	self->wake(self->userdata);
}

static int ask(struct resymbolize *self)
{
	struct symbolizer_files files = {.source = SYMBOLIZER_ELF_VADDRS,
					 .file = self->file,
					 .debug = self->debug,
					 .alt = -1};
	struct work *work = &self->works[self->at];
	uint64_t vaddrs[RESYMBOLIZE_CHUNK];
	int r;

	assert(work->first && self->n_found == 0);
	while (work->first && self->n_found < RESYMBOLIZE_CHUNK) {
		const struct address *address = &self->addresses[work->first - 1];

		vaddrs[self->n_found] = address->vaddr;
		self->found[self->n_found++] = (struct found){.frame = address->frame};
		work->first = address->next;
	}
	self->is_waiting = true;
	r = self->ops->ask_names(self->symbolizer, &files, vaddrs, self->n_found, on_names, self);
	if (r >= 0)
		return RESYMBOLIZE_WAITING;
	self->is_waiting = false;
	file_give_up(self, r);
	return RESYMBOLIZE_MORE;
}

/* Returns true for a while: what opens and inspects files may just have to start on a busy machine.
 */
static bool may_try_again(struct resymbolize *self)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (!self->late_ns)
		self->late_ns = now_ns;
	return now_ns - self->late_ns < PATIENCE_NS;
}

static int ask_next(struct resymbolize *self)
{
	int r;

	if (self->at >= table_count(self->files))
		return RESYMBOLIZE_DONE;
	if (!self->works[self->at].first) {
		files_close(self);
		self->at++;
		return RESYMBOLIZE_MORE;
	}
	r = self->is_open ? 0 : files_open(self);
	if (r == -EAGAIN && may_try_again(self)) {
		files_close(self);
		return RESYMBOLIZE_MORE;
	}
	self->late_ns = 0;
	if (r < 0) {
		file_give_up(self, r);
		return RESYMBOLIZE_MORE;
	}
	return ask(self);
}

/* ---- writing ---- */

static int write_one(struct resymbolize *self, const struct found *found)
{
	const struct unnamed_file_key *key = get_key(self, self->at);
	struct frame frame = {
		.kind = FRAME_NATIVE,
		.function = found->function,
		.module = key->texts + key->module,
		.file = *found->file ? found->file : key->texts,
		.line = found->line,
	};

	return store_rename_frame(self->store, found->frame, &frame);
}

/* Writes the names of a chunk in one transaction, which the caller rolls back on failure. */
static int write_chunk(struct resymbolize *self, uint64_t *ret_named)
{
	int r = store_begin(self->store);

	if (r < 0)
		return r;
	for (size_t i = 0; i < self->n_found; i++) {
		if (!self->found[i].function)
			continue;
		r = write_one(self, &self->found[i]);
		if (r < 0)
			return r;
		++*ret_named;
	}
	return store_commit(self->store);
}

static int write_found(struct resymbolize *self)
{
	uint64_t named = 0;
	int r = write_chunk(self, &named);

	if (r < 0) {
		store_rollback(self->store);
		return r;
	}
	self->works[self->at].named += named;
	found_clear(self);
	return RESYMBOLIZE_MORE;
}

int resymbolize_step(struct resymbolize *self)
{
	assert(!self->is_abandoned);
	if (self->error < 0)
		return self->error;
	if (self->is_waiting)
		return RESYMBOLIZE_WAITING;
	if (self->last_id < 0 || self->next_id <= self->last_id)
		return collect(self);
	return self->n_found ? write_found(self) : ask_next(self);
}

uint32_t resymbolize_count_files(const struct resymbolize *self)
{
	return table_count(self->files);
}

void resymbolize_get_file(const struct resymbolize *self, uint32_t n, struct resymbolize_file *ret)
{
	const struct unnamed_file_key *key;
	const struct work *work;

	assert(n < table_count(self->files));
	key = get_key(self, n);
	work = &self->works[n];
	*ret = (struct resymbolize_file){
		.path = key->texts,
		.build_id = key->texts + key->build_id,
		.named = work->named,
		.unnamed = work->n - work->named,
		.error = work->error,
	};
}
