/* SPDX-License-Identifier: MIT */
/* Definitions of code objects (bpf/python.h): each is sent when its code object is first seen. */
#pragma once

/* The budget of one CPU: DEFINE_BURST definitions at once, and one more each DEFINE_NS. A program
 * that brings new code without end costs no more than that. */
#define DEFINE_BURST 1024
#define DEFINE_NS    250000

__u32 last_definition = 0;

static __always_inline int head_send(struct define_scratch *scratch, const struct ox_layout *layout)
{
	struct ox_definition *head = (void *)scratch->fragment.bytes;

	head->version = layout->version;
	head->first_line = code_number(scratch, layout->code_first_line);
	return fragment_send(OX_FRAGMENT_HEAD, 0, 0, sizeof(*head), 0);
}

/* True if one more definition may be sent now, which counts it. */
static __always_inline bool define_may(struct define_scratch *scratch)
{
	__u64 now = bpf_ktime_get_ns(), more = (now - scratch->left_ns) / DEFINE_NS;

	if (more) {
		more += scratch->n_left;
		scratch->n_left = more > DEFINE_BURST ? DEFINE_BURST : more;
		scratch->left_ns = now;
	}
	/* The search for a class must not be cut short: the next sample has time for it. */
	if (scratch->n_defined >= DEFINE_MAX || !scratch->n_left ||
	    scratch->class_steps > CLASS_STEPS_MAX / 2)
		return false;
	scratch->n_defined++;
	scratch->n_left--;
	return true;
}

/* Sends the definition of the code object in the scratch. Returns its number, 0 where it could not
 * be sent. */
__noinline __u32 define(__u32 layout_index)
{
	const struct ox_layout *layout = layout_get(layout_index);
	struct define_scratch *scratch = define_get();

	if (!scratch || !define_may(scratch))
		return 0;
	scratch->is_short = false;
	scratch->id = __sync_fetch_and_add(&last_definition, 1) + 1;
	if (!scratch->id || scratch->id == KNOWN_BUSY)
		return 0;
	if (string_send(layout_index, OX_FRAGMENT_NAME, code_word(scratch, layout->code_name)))
		return 0;
	string_send(layout_index, OX_FRAGMENT_FILE, code_word(scratch, layout->code_file));
	string_send(layout_index, OX_FRAGMENT_MODULE, module_find(layout_index, scratch->globals));
	class_send(class_find(layout_index));
	lines_send(code_word(scratch, layout->code_lines));
	return head_send(scratch, layout) ? 0 : scratch->id;
}

/* Returns the number of the code object in the scratch, which is defined here where it is not
 * known; 0 where it has none. */
static __always_inline __u32 define_code(struct define_scratch *scratch,
					 const struct ox_layout *layout)
{
	struct known *wanted = &scratch->wanted;
	struct known_set *set = known_set_of(scratch->process, scratch->code_address);

	if (!set)
		return 0;
	wanted->first_line = code_number(scratch, layout->code_first_line);
	wanted->process = scratch->process;
	wanted->code = scratch->code_address;
	wanted->name = code_word(scratch, layout->code_name);
	wanted->lines = code_word(scratch, layout->code_lines);
	wanted->id = known_find(set, wanted);
	if (wanted->id)
		return wanted->id;
	wanted->id = define(scratch->layout);
	/* A definition of which a part had no room is sent again with the next sample. */
	if (wanted->id && !scratch->is_short)
		known_put(set, wanted);
	return wanted->id;
}
