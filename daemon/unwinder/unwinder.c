/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/unwinder/internal.h"

struct unwinder *unwinder_new(struct files *files, struct interpreters *interpreters,
			      struct symbolizer *symbolizer, unwinder_warn_fn warn, void *userdata)
{
	struct unwinder *unwinder = calloc(1, sizeof(*unwinder));

	assert(files && interpreters && symbolizer && warn);
	if (!unwinder)
		return NULL;
	unwinder->files = files;
	unwinder->interpreters = interpreters;
	unwinder->symbolizer = symbolizer;
	unwinder->warn = warn;
	unwinder->userdata = userdata;
	unwinder->rules = table_new();
	return unwinder->rules ? unwinder : unwinder_free(unwinder);
}

struct unwinder *unwinder_free(struct unwinder *unwinder)
{
	if (!unwinder)
		return NULL;
	unwinder_forget_processes(unwinder);
	if (unwinder->rules)
		unwinder_drop_tables(unwinder, false);
	table_free(unwinder->rules);
	free(unwinder->states);
	free(unwinder);
	return NULL;
}

void unwinder_attach(struct unwinder *unwinder, struct sampler *sampler)
{
	unwinder_forget_processes(unwinder);
	unwinder_drop_tables(unwinder, false);
	unwinder->life++;
	unwinder->n_evicted = 0;
	unwinder->sampler = sampler;
}

/* ---- ranges ---- */

/* Finds the bias of a mapping: ELF vaddr = address - bias. Returns 0, or -ENOENT if what is mapped
 * there is in no segment of the file. */
static int find_bias(const struct unwinder *unwinder, const struct maps_view *view, uint32_t number,
		     uint64_t *ret)
{
	uint64_t vaddr = 0;
	int r = 0;

	if (number != VDSO_NUMBER)
		r = files_find_vaddr(unwinder->files, number, view->mapping->file_offset, &vaddr);
	*ret = view->mapping->start - vaddr;
	return r;
}

static struct ox_range make_range(struct unwinder *unwinder, const struct image *image,
				  const struct maps_view *view, uint32_t *ret_number)
{
	const struct unwind_file *file =
		unwinder_get_file(unwinder, image, view->mapping, ret_number);
	uint64_t pages = (view->end - view->start) >> 12;
	struct ox_range range = {
		.start = view->start,
		.length = pages > UINT32_MAX ? UINT32_MAX : pages,
	};

	if (file && find_bias(unwinder, view, *ret_number, &range.bias) < 0) {
		*ret_number = NO_NUMBER;
		file = NULL;
	}
	range_set_table(&range, file);
	/* A file that cannot be opened (any more) may have had a table. */
	if (!file && mapping_is_file(view->mapping))
		range.n_pages = OX_RANGE_WAITING;
	return range;
}

/* ---- processes ---- */

struct unwound_layout {
	uint32_t ranges, n_ranges;
	uint32_t *files;
};

static int layout_make(struct unwinder *unwinder, const struct image *image, uint64_t as_of_ns,
		       struct unwound_layout *ret)
{
	_cleanup_free_ struct maps_view *views = NULL;
	_cleanup_free_ struct ox_range *ranges = NULL;
	_cleanup_free_ uint32_t *files = NULL;
	ssize_t n = maps_list(image->maps, as_of_ns, &views);
	int r;

	*ret = (struct unwound_layout){};
	if (n <= 0)
		return n;
	if (n > OX_RANGES_MAX)
		n = OX_RANGES_MAX; /* the lowest ones; the others count as unknown */
	ranges = calloc(n, sizeof(*ranges));
	files = calloc(n, sizeof(*files));
	if (!ranges || !files)
		return -ENOMEM;
	/* All requests come first: the reply to one may take room, or make some. */
	for (ssize_t i = 0; i < n; i++)
		ranges[i] = make_range(unwinder, image, &views[i], &files[i]);
	r = unwinder_alloc(unwinder, n * OX_RANGE_WORDS, &ret->ranges);
	if (r < 0)
		return r;
	for (ssize_t i = 0; i < n; i++)
		if (files[i] != NO_NUMBER)
			range_set_table(&ranges[i], &unwinder->states[files[i]]);
	memcpy(sampler_blocks_at(unwinder->sampler, ret->ranges), ranges, n * sizeof(*ranges));
	ret->n_ranges = n;
	ret->files = take_ptr(files);
	return 0;
}

/* Frees a layout that the kernel side does not have. */
static void layout_done(struct unwinder *unwinder, struct unwound_layout *layout)
{
	if (layout->n_ranges)
		sampler_blocks_free_block(unwinder->sampler, layout->ranges,
					  layout->n_ranges * OX_RANGE_WORDS);
	free(layout->files);
}

/* Replaces the ranges of a process, and frees the old ones once the kernel side reads no more of
 * them. */
static void unwound_replace(struct unwinder *unwinder, struct unwound *unwound,
			    const struct unwound_layout *layout)
{
	if (unwound->n_ranges) {
		sampler_quiesce(unwinder->sampler);
		sampler_blocks_free_block(unwinder->sampler, unwound->ranges,
					  unwound->n_ranges * OX_RANGE_WORDS);
	}
	free(unwound->files);
	unwound->ranges = layout->ranges;
	unwound->n_ranges = layout->n_ranges;
	unwound->files = layout->files;
}

void unwinder_mark(struct unwinder *unwinder, uint32_t pid)
{
	struct unwound *unwound = unwound_get(unwinder, pid);
	struct ox_process process;

	if (unwound && sampler_get_process(unwinder->sampler, pid, &process) == 0)
		unwound->marked_epoch = process.epoch;
}

/* Gives the kernel side the layout of a process. Returns 0; 1 if the process paged in code since
 * the mark, since an event of that was suppressed; or a negative errno. */
static int publish(struct unwinder *unwinder, struct unwound *unwound, const struct image *image,
		   const struct unwound_layout *layout, uint64_t as_of_ns)
{
	const struct interpreter *interpreter =
		interpreters_find(unwinder->interpreters, image, as_of_ns);
	struct ox_process process;
	int r = sampler_get_process(unwinder->sampler, unwound->pid, &process);
	bool moved = r == 0 && process.epoch != unwound->marked_epoch;

	if (r < 0)
		return r;
	unwinder->epoch += OX_EPOCH_STEP;
	process.epoch = unwinder->epoch;
	process.as_of_ns = as_of_ns;
	process.ranges = layout->ranges;
	process.n_ranges = layout->n_ranges;
	process.interpreter = interpreter ? interpreter->place : (struct ox_interpreter){};
	process.event_state = 0;
	unwound->marked_epoch = process.epoch;
	r = sampler_set_process(unwinder->sampler, unwound->pid, &process);
	return r < 0 ? r : moved;
}

bool unwinder_is_current(const struct unwinder *unwinder, const struct image *image)
{
	const struct unwound *unwound = *unwound_slot(unwinder, image->pid);

	if (!unwound || unwound->image != image->id || unwound->generation != image->generation ||
	    unwound->is_held)
		return false;
	return !unwound->asks_again || unwound->used_ns + UNWINDER_IDLE_NS < unwinder->now_ns;
}

int unwinder_update(struct unwinder *unwinder, const struct image *image, uint64_t as_of_ns)
{
	struct unwound *unwound = unwound_get(unwinder, image->pid);
	uint64_t n_late = files_count_late(unwinder->files);
	struct unwound_layout layout;
	int r;

	assert(unwinder->sampler && image->maps);
	if (!unwound)
		return -ENOMEM;
	unwound->is_held = false;
	if (unwinder_is_current(unwinder, image) && unwound->n_ranges) {
		layout =
			(struct unwound_layout){unwound->ranges, unwound->n_ranges, unwound->files};
		return publish(unwinder, unwound, image, &layout, as_of_ns);
	}
	r = layout_make(unwinder, image, as_of_ns, &layout);
	if (r < 0)
		return r;
	r = publish(unwinder, unwound, image, &layout, as_of_ns);
	if (r < 0) {
		layout_done(unwinder, &layout);
		unwinder_forget(unwinder, image->pid);
		return r;
	}
	unwound_replace(unwinder, unwound, &layout);
	unwound->image = image->id;
	unwound->generation = image->generation;
	unwound->used_ns = as_of_ns;
	unwound->asks_again = files_count_late(unwinder->files) != n_late;
	return r;
}

void unwinder_expect(struct unwinder *unwinder, const struct image *image, uint64_t as_of_ns)
{
	const struct ox_process unseen = {};

	if (sampler_add_process(unwinder->sampler, image->pid, &unseen) == 0)
		(void)unwinder_update(unwinder, image, as_of_ns);
}

void unwinder_hold(struct unwinder *unwinder, uint32_t pid)
{
	struct unwound *unwound = *unwound_slot(unwinder, pid);

	if (unwound)
		unwound->is_held = true;
}

void unwinder_touch(struct unwinder *unwinder, uint32_t pid, uint64_t at_ns)
{
	struct unwound *unwound = *unwound_slot(unwinder, pid);

	if (unwound)
		unwound->used_ns = at_ns;
	if (at_ns > unwinder->now_ns)
		unwinder->now_ns = at_ns;
}

void unwinder_forget(struct unwinder *unwinder, uint32_t pid)
{
	struct unwound **slot = unwound_slot(unwinder, pid);
	struct unwound_layout none = {};

	if (!*slot)
		return;
	sampler_drop_process(unwinder->sampler, pid);
	unwound_replace(unwinder, *slot, &none);
	unwound_remove(slot);
}

void unwinder_forget_all(struct unwinder *unwinder)
{
	for (size_t i = 0; i < UNWOUND_BUCKETS; i++)
		while (unwinder->unwound[i])
			unwinder_forget(unwinder, unwinder->unwound[i]->pid);
	/* This drops also the processes whose event never came. */
	if (unwinder->sampler)
		sampler_drop_processes(unwinder->sampler);
}

void unwinder_clear(struct unwinder *unwinder)
{
	unwinder_forget_all(unwinder);
	if (unwinder->sampler)
		sampler_quiesce(unwinder->sampler);
	unwinder_drop_tables(unwinder, unwinder->sampler);
	unwinder->life++;
}

void unwinder_foreach(struct unwinder *unwinder, void (*fn)(void *userdata, uint32_t pid),
		      void *userdata)
{
	for (size_t i = 0; i < UNWOUND_BUCKETS; i++)
		for (struct unwound *at = unwinder->unwound[i], *next; at; at = next) {
			next = at->next; /* fn may find that the process has ended */
			fn(userdata, at->pid);
		}
}

void unwinder_get_state(const struct unwinder *unwinder, struct unwinder_state *ret)
{
	*ret = (struct unwinder_state){.n_evicted = unwinder->n_evicted};
	if (unwinder->sampler) {
		ret->bytes = sampler_blocks_bytes(unwinder->sampler);
		ret->budget_bytes = sampler_blocks_budget(unwinder->sampler);
	}
	for (const struct unwind_table *at = unwinder->tables; at; at = at->next)
		ret->n_tables++;
	for (size_t i = 0; i < unwinder->states_size; i++) {
		ret->n_waiting += unwinder->states[i].state == TABLE_WAITING;
		ret->n_refused += unwinder->states[i].state == TABLE_REFUSED ||
				  unwinder->states[i].state == TABLE_FAILED;
	}
}
