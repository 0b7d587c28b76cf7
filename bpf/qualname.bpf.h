/* SPDX-License-Identifier: MIT */
/*
 * Finds where a function belongs: its module by the globals of a frame, and, where there is no
 * co_qualname yet (up to 3.10), its class by the first variable of a frame.
 */
#pragma once

/* Returns where the entries of a dict's keys begin, 0 where they cannot be read. *ret_bytes is the
 * size of an entry. */
static __always_inline __u64 keys_entries(const struct ox_layout *layout, __u64 keys,
					  __u32 *ret_bytes)
{
	__u8 head[16];
	__u64 size;

	*ret_bytes = 24; /* hash, key, value */
	if (!keys || !read_user(head, sizeof(head), keys))
		return 0;
	if (layout->flags & OX_LAYOUT_KEYS) {
		if (head[10])
			*ret_bytes = 16; /* all keys are str: their hash is in them */
		return keys + 32 + (1ull << (head[9] & 31));
	}
	size = *(__u64 *)&head[8];
	if (size > 0xffffffff)
		return 0;
	return keys + 40 + size * (size > 0xffff ? 4 : size > 0xff ? 2 : 1);
}

/* True if the str is the ASCII text of n bytes, at most 8. */
static __always_inline bool string_is(const struct ox_layout *layout, __u64 address, __u64 text,
				      __u32 n)
{
	struct string_head head = {};
	__u64 word;

	if (!address || !read_user(&head, sizeof(head), address + OX_PY_STRING_LENGTH) ||
	    head.length != n)
		return false;
	word = read_word(address + layout->string_ascii_data);
	return n == 8 ? word == text : (word & ((1ull << n * 8) - 1)) == text;
}

#define TEXT_NAME 0x5f5f656d616e5f5full /* "__name__" */
#define TEXT_SELF 0x666c6573ull
#define TEXT_CLS  0x736c63ull

/* Entries that are searched for __name__: a module's dict has it as its first one, others may have
 * it a little later. */
#define NAME_ENTRIES 8

__noinline __u64 module_find(__u32 layout_index, __u64 globals)
{
	const struct ox_layout *layout = layout_get(layout_index);
	__u32 bytes = 24;
	__u64 entry =
		keys_entries(layout, globals ? read_word(globals + OX_PY_DICT_KEYS) : 0, &bytes);

	for (int i = 0; i < NAME_ENTRIES && entry; i++, entry += bytes)
		if (string_is(layout, read_word(entry + bytes - 16), TEXT_NAME, 8))
			return read_word(entry + bytes - 8);
	return 0;
}

/* ---- the class, up to 3.10 ---- */

#define CLASS_FOUND 0xffffffffu

/* Goes on to the next class of the resolution order: the entries of its dict are next. Returns
 * false where there is none. */
static __always_inline bool class_next(struct define_scratch *scratch,
				       const struct ox_layout *layout)
{
	__u64 keys;
	__u32 bytes;

	if (!scratch->n_classes)
		return false;
	scratch->n_classes--;
	scratch->class = read_word(scratch->classes);
	scratch->classes += 8;
	keys = read_word(read_word(scratch->class + OX_PY_TYPE_DICT) + OX_PY_DICT_KEYS);
	scratch->entry = keys_entries(layout, keys, &bytes);
	scratch->n_entries = scratch->entry ? read_word(keys + 32) : 0; /* dk_nentries */
	scratch->at = scratch->n_read = 0;
	return true;
}

static __always_inline bool entries_read(struct define_scratch *scratch)
{
	__u64 n = scratch->n_entries;

	asm volatile("" : "+r"(n));
	if (n > ENTRIES_READ)
		n = ENTRIES_READ;
	if (!read_user(scratch->entries, n * ENTRY_BYTES, scratch->entry))
		return false;
	scratch->entry += n * ENTRY_BYTES;
	scratch->n_entries -= n;
	scratch->n_read = n;
	scratch->at = 0;
	return true;
}

/* True if the value is a function of the code object, which it has at 16, or a classmethod,
 * staticmethod or property, which has such a function there. */
static __always_inline bool entry_is_code(const struct define_scratch *scratch, __u64 value)
{
	__u64 inner = value ? read_word(value + 16) : 0;

	return inner &&
	       (inner == scratch->code_address || read_word(inner + 16) == scratch->code_address);
}

/* Looks at one entry. Names are interned: the key of a function is the very str that is its
 * co_name. Returns 0 to go on, 1 to stop. */
static long class_step(__u32 i, __u32 *layout_index)
{
	struct define_scratch *scratch = define_get();
	const struct ox_layout *layout = layout_get(*layout_index);
	__u32 at;

	if (!scratch || scratch->class_steps >= CLASS_STEPS_MAX)
		return 1;
	scratch->class_steps++;
	if (scratch->at >= scratch->n_read) {
		if (scratch->n_entries && entries_read(scratch))
			return 0;
		return !class_next(scratch, layout);
	}
	at = scratch->at++ * ENTRY_BYTES;
	if (*(__u64 *)&scratch->entries[(at + 8) & (ENTRIES_BYTES - 8)] !=
	    code_word(scratch, layout->code_name))
		return 0;
	if (!entry_is_code(scratch, *(__u64 *)&scratch->entries[(at + 16) & (ENTRIES_BYTES - 8)]))
		return 0;
	scratch->n_classes = CLASS_FOUND;
	return 1;
}

/* Finds the class of the function: its first variable is self or cls, and one of the classes of
 * that object has the function. Returns 0 where the class cannot be told. */
__noinline __u64 class_find(__u32 layout_index)
{
	const struct ox_layout *layout = layout_get(layout_index);
	struct define_scratch *scratch = define_get();
	__u64 variable, object, order;

	if (!scratch || !layout->code_variables)
		return 0;
	variable = read_word(code_word(scratch, layout->code_variables) + OX_PY_ITEMS);
	object = read_word(scratch->frame_address + layout->frame_locals);
	if (!object)
		return 0;
	if (string_is(layout, variable, TEXT_SELF, 4))
		object = read_word(object + OX_PY_TYPE);
	else if (!string_is(layout, variable, TEXT_CLS, 3))
		return 0;
	order = read_word(object + OX_PY_TYPE_MRO);
	scratch->n_classes = order ? read_word(order + 16) & 0xffff : 0; /* ob_size */
	scratch->classes = order + OX_PY_ITEMS;
	scratch->n_entries = scratch->at = scratch->n_read = 0;
	bpf_loop(CLASS_STEPS_MAX, class_step, &layout_index, 0);
	return scratch->n_classes == CLASS_FOUND ? scratch->class : 0;
}

#define CLASS_BYTES 256

__noinline int class_send(__u64 class)
{
	struct define_scratch *scratch = define_get();
	long n;

	if (!scratch || !class)
		return -1;
	n = bpf_probe_read_user_str(scratch->fragment.bytes, CLASS_BYTES,
				    (void *)read_word(class + OX_PY_TYPE_NAME));
	if (n <= 1 || n > CLASS_BYTES)
		return -1;
	return fragment_send(OX_FRAGMENT_CLASS, 1, 0, n, 0);
}
