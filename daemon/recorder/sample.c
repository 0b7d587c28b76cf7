/* SPDX-License-Identifier: MIT */
/* Turns one sample of the kernel into one pending count: finds its process, the callers that can be
 * trusted, and the order in which C and Python frames follow each other. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/recorder/internal.h"

/* Charges the user whose program it is with a name that nobody has met before. Returns 0, -EDQUOT
 * where the account is empty, or -ENOMEM. */
static int pay_frame(struct recorder *recorder, uint32_t frame)
{
	struct frame of;
	uint64_t bytes;

	if (array_reserve(recorder->paid, recorder->paid_size, (size_t)frame + 1) < 0)
		return -ENOMEM;
	if (recorder->paid[frame])
		return 0;
	resolver_get_frame(recorder->resolver, frame, &of);
	bytes = strlen(of.function) + strlen(of.module) + strlen(of.file);
	if (!budget_take(recorder->budget, recorder->payer, BUDGET_FRAMES, 1, recorder->now_ns) ||
	    !budget_take(recorder->budget, recorder->payer, BUDGET_BYTES, bytes, recorder->now_ns))
		return -EDQUOT;
	recorder->paid[frame] = true;
	return 0;
}

static int pay_node(struct recorder *recorder, uint32_t frame)
{
	if (!budget_take(recorder->budget, recorder->payer, BUDGET_NODES, 1, recorder->now_ns))
		return -EDQUOT;
	return pay_frame(recorder, frame);
}

static int add_node(struct recorder *recorder, uint32_t frame, uint32_t *node)
{
	struct recorder_node_key key = {*node, frame};
	uint32_t index;
	int r;

	assert(frame < resolver_count(recorder->resolver));
	if (table_find(recorder->nodes.table, &key, sizeof(key), &index) == 0) {
		*node = index + 1;
		return 0;
	}
	r = pay_node(recorder, frame);
	if (r < 0)
		return r;
	r = rows_intern(&recorder->nodes, &key, sizeof(key), &index);
	if (r < 0)
		return r;
	*node = index + 1;
	return 0;
}

static const struct image *find_image(struct recorder *recorder,
				      const struct sampler_sample *sample)
{
	return sample->n_user ? images_find(recorder->images, sample->id->pid, sample->first_ns)
			      : NULL;
}

/*
 * Returns how many of the user frames can be trusted, and how the stack ends then. The kernel side
 * followed them by the mappings of as_of_ns: for code that came later it had another file's table
 * or none, so the frames above are a guess. Where it had no ranges at all it followed frame
 * pointers to wherever they led.
 */
static uint32_t count_trusted(const struct image *image, const struct sampler_sample *sample,
			      enum ox_stop *end)
{
	uint64_t as_of_ns = sample->id->as_of_ns;

	*end = sample->end;
	if (!image || (as_of_ns && as_of_ns >= image->changed_ns))
		return sample->n_user;
	for (uint32_t i = 0; i < sample->n_user; i++) {
		const struct mapping *mapping =
			maps_find(image->maps, sample->user[i] - (i > 0), sample->first_ns);

		if (mapping && (!as_of_ns || mapping->since_ns <= as_of_ns))
			continue;
		if (mapping || i > 0)
			*end = OX_STOP_NO_TABLE;
		if (mapping)
			return i + 1;
		if (i > 0)
			return i;
	}
	return sample->n_user;
}

static void count_end(struct recorder *recorder, const struct sampler_sample *sample,
		      enum ox_stop end, const char *cgroup)
{
	static const enum ox_loss losses[] = {
		[OX_STOP_CUT] = OX_LOST_CUT,
		[OX_STOP_NO_TABLE] = OX_LOST_NO_TABLE,
		[OX_STOP_BROKEN] = OX_LOST_BROKEN,
		[OX_STOP_NO_RULE] = OX_LOST_NO_RULE,
		[OX_STOP_UNREADABLE] = OX_LOST_USER_STACK,
		[OX_STOP_PYTHON] = OX_LOST_PYTHON,
	};

	assert(end < OX_N_STOPS);
	if (end != OX_STOP_ROOT)
		recorder_count_loss(recorder, sample, losses[end]);
	recorder_count_end(recorder, sample, end, cgroup);
}

static int add_end(struct recorder *recorder, enum ox_stop end, uint32_t *node)
{
	uint32_t frame;
	int r = resolver_name_end(recorder->resolver, end, &frame);

	return r < 0 ? r : add_node(recorder, frame, node);
}

/* Adds the nodes of an address, which is several frames where functions were inlined. */
static int add_address(struct recorder *recorder, const struct image *image, uint64_t address,
		       uint64_t at_ns, uint32_t *node)
{
	uint32_t frames[RESOLVER_INLINES_MAX], n;
	int r = resolver_name_user(recorder->resolver, image, address, at_ns, frames, &n);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++) {
		r = add_node(recorder, frames[i], node);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- C and Python ---- */

/* One user stack, before it has names. */
struct user_stack {
	const struct sampler_sample *sample;
	const struct image *image;
	uint32_t n; /* C frames that are trusted */
	enum ox_stop end;
	size_t n_items;
	uint8_t codes[OX_MAX_USER_FRAMES];
	struct splice_item items[OX_MAX_USER_FRAMES + OX_MAX_PYTHON_FRAMES];
};

/* Returns how the stack ends: its C frames may be whole while its Python frames are not. */
static enum ox_stop end_of_both(const struct splice_input *input, enum ox_stop end)
{
	if (end != OX_STOP_ROOT)
		return end;
	if (input->python_end == OX_PYTHON_CUT)
		return OX_STOP_CUT;
	return splice_is_whole(input) ? OX_STOP_ROOT : OX_STOP_PYTHON;
}

static void splice_frames(struct recorder *recorder, struct user_stack *stack)
{
	const struct sampler_sample *sample = stack->sample;
	const struct interpreter *interpreter =
		stack->image
			? interpreters_find(recorder->interpreters, stack->image, sample->first_ns)
			: NULL;
	struct splice_input input = {
		.codes = stack->codes,
		.n_codes = stack->n,
		.words = sample->python,
		.n_words = sample->n_python,
		/* For a process that is gone the interpreter's C frames are not known. */
		.is_rooted = interpreter && stack->end == OX_STOP_ROOT,
		.python_end = sample->python_end,
	};

	for (uint32_t i = 0; i < stack->n; i++)
		stack->codes[i] =
			interpreter ? interpreters_classify(recorder->interpreters, interpreter,
							    sample->user[i] - (i > 0))
				    : SPLICE_OTHER;
	if (interpreter)
		stack->end = end_of_both(&input, stack->end);
	stack->n_items = splice_stacks(&input, stack->items);
}

static void order_frames(struct recorder *recorder, struct user_stack *stack)
{
	const struct sampler_sample *sample = stack->sample;

	stack->n = count_trusted(stack->image, sample, &stack->end);
	/* Samples from before the kernel side knew the interpreter have C frames only. */
	if (sample->id->python_stack) {
		splice_frames(recorder, stack);
		return;
	}
	stack->n_items = stack->n;
	for (uint32_t i = 0; i < stack->n; i++)
		stack->items[i] = (struct splice_item){i, false};
}

static int add_python(struct recorder *recorder, uint64_t word, bool *is_unnamed, uint32_t *node)
{
	uint32_t frame;
	int r = resolver_name_python(recorder->resolver, word, &frame);

	*is_unnamed |= r > 0;
	return r < 0 ? r : add_node(recorder, frame, node);
}

/* Adds the nodes of the frames, outermost first. A caller's address is the one it returns to, and
 * the call is before that: so 1 is subtracted. */
static int add_items(struct recorder *recorder, const struct user_stack *stack, bool *is_unnamed,
		     uint32_t *node)
{
	const struct sampler_sample *sample = stack->sample;

	for (size_t i = stack->n_items; i-- > 0;) {
		uint32_t at = stack->items[i].index;
		int r = stack->items[i].is_python
				? add_python(recorder, sample->python[at], is_unnamed, node)
				: add_address(recorder, stack->image, sample->user[at] - (at > 0),
					      sample->first_ns, node);

		if (r < 0)
			return r;
	}
	return 0;
}

static int add_user_stack(struct recorder *recorder, const struct sampler_sample *sample,
			  const char *cgroup, uint32_t *node)
{
	struct user_stack stack; /* not cleared: it is large */
	bool is_unnamed = false;
	int r;

	if (!sample->n_user)
		return 0;
	stack.sample = sample;
	stack.image = find_image(recorder, sample);
	if (!stack.image)
		recorder_count_loss(recorder, sample, OX_LOST_GONE);
	order_frames(recorder, &stack);
	count_end(recorder, sample, stack.end, cgroup);
	if (stack.end != OX_STOP_ROOT) {
		r = add_end(recorder, stack.end, node);
		if (r < 0)
			return r;
	}
	r = add_items(recorder, &stack, &is_unnamed, node);
	if (is_unnamed)
		recorder_count_loss(recorder, sample, OX_LOST_PYTHON_NAME);
	return r;
}

static int add_kernel_stack(struct recorder *recorder, const struct sampler_sample *sample,
			    uint32_t *node)
{
	int r = sample->kernel_cut ? add_end(recorder, OX_STOP_CUT, node) : 0;
	uint32_t frame;

	if (r < 0)
		return r;
	for (uint32_t i = sample->n_kernel; i-- > 0;) {
		r = resolver_name_kernel(recorder->resolver, recorder->ksyms,
					 sample->kernel[i] - (i > 0), &frame);
		if (r < 0)
			return r;
		r = add_node(recorder, frame, node);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Adds the sample's stacks below *node (index + 1; 0: the root) and moves it to the leaf. Returns 0
 * or -ENOMEM. */
static int add_stacks(struct recorder *recorder, const struct sampler_sample *sample,
		      const char *cgroup, uint32_t *node)
{
	int r = add_user_stack(recorder, sample, cgroup, node);

	return r < 0 ? r : add_kernel_stack(recorder, sample, node);
}

/* Puts a stack that its user's account has no room for under "[other]". */
static int add_other(struct recorder *recorder, const struct sampler_sample *sample, uint32_t *node)
{
	struct recorder_node_key key = {0};
	uint32_t index;
	int r = resolver_name_other(recorder->resolver, &key.frame);

	if (r < 0)
		return r;
	r = rows_intern(&recorder->nodes, &key, sizeof(key), &index);
	if (r < 0)
		return r;
	recorder->is_limited = true;
	*node = index + 1;
	return 0;
}

int recorder_want(void *userdata, const struct sampler_sample *sample)
{
	struct recorder *recorder = userdata;
	const struct image *image = find_image(recorder, sample);
	uint32_t process;
	/* The process is read now: it may be gone when the names have come. */
	int r = recorder_add_process(recorder, sample, &process);

	assert(recorder->is_held);

	recorder->wants_ksyms |= sample->n_kernel > 0;
	unwinder_touch(recorder->unwinder, sample->id->pid, sample->first_ns);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < sample->n_user; i++) {
		r = resolver_want(recorder->resolver, image, sample->user[i] - (i > 0),
				  sample->first_ns);
		if (r < 0)
			return r;
	}
	return 0;
}

static int count_row(struct recorder *recorder, const struct sampler_sample *sample, uint32_t task,
		     uint32_t node)
{
	struct row_key key = {.window = recorder->window, .task = task, .node = node};
	uint32_t index;
	int r = recorder_find_set(recorder, sample, &key.set);

	if (r < 0)
		return r;
	if (table_count(recorder->pending) >= RECORDER_PENDING_MAX) {
		recorder_count_loss(recorder, sample, OX_LOST_STORE);
		return 0;
	}
	/* The room comes first: a row that is pending has a count. */
	r = array_reserve(recorder->counts, recorder->counts_size,
			  (size_t)table_count(recorder->pending) + 1);
	if (r < 0)
		return r;
	r = table_intern(recorder->pending, &key, sizeof(key), &index);
	if (r < 0)
		return r;
	recorder->counts[index] = (r > 0 ? 0 : recorder->counts[index]) + sample->count;
	if (index < recorder->n_written)
		recorder->n_written = index;
	return 0;
}

static int add_sample(struct recorder *recorder, const struct sampler_sample *sample)
{
	uint32_t process, task, node = 0;
	const char *cgroup;
	int r;

	recorder->is_limited = false;
	r = recorder_add_task(recorder, sample, &process, &task);
	cgroup = r < 0 ? "" : recorder->known[process].cgroup;
	if (r < 0) {
		(void)recorder_count_sample(recorder, sample, cgroup);
		return r;
	}
	r = recorder_count_sample(recorder, sample, cgroup);
	if (r < 0)
		return r;
	recorder->payer = sample->id->uid;
	recorder->now_ns = sample->first_ns;
	r = add_stacks(recorder, sample, cgroup, &node);
	if (r == -EDQUOT)
		r = add_other(recorder, sample, &node);
	if (recorder->is_limited)
		recorder_count_loss(recorder, sample, OX_LOST_LIMIT);
	return r < 0 ? r : count_row(recorder, sample, task, node);
}

int recorder_add_sample(void *userdata, const struct sampler_sample *sample)
{
	struct recorder *recorder = userdata;
	int r = add_sample(recorder, sample);

	assert(recorder->is_held);

	if (r < 0)
		recorder_count_loss(recorder, sample, OX_LOST_STORE);
	return r;
}
