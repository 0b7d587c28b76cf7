/* SPDX-License-Identifier: MIT */
/*
 * The code object that the walk looks at, and the cache of those that were sent. A code object at
 * the address of a known one is the same one only while all that the cache keeps of it is the same.
 */
#pragma once

/* Limits of one sample; definitions beyond them are sent with the next one. */
#define DEFINE_MAX       64
#define DEFINE_BYTES_MAX (128u << 10)
#define CLASS_STEPS_MAX  2048

struct fragment_scratch {
	struct ox_fragment head;
	__u8 bytes[OX_FRAGMENT_BYTES_MAX];
};

/* Bytes that are read of a code object, a thread state or a shim; no layout needs more. */
#define PYTHON_READ_BYTES 256

/* A code object that this sample has met: a read costs more than all else that is done for a frame,
 * and the code of a live frame stays what it is. */
struct seen_code {
	__u64 code;
	__u32 id;
	__u32 sample;
};
#define SEEN_CODES 64

/* Entries of a dict are read ENTRIES_READ at a time. */
#define ENTRY_BYTES   24
#define ENTRIES_READ  40
#define ENTRIES_BYTES 1024

/* An entry of the cache: one code object of one process. */
struct known {
	__u32 id; /* 0: free; KNOWN_BUSY: being written */
	__s32 first_line;
	__u64 process; /* struct ox_process.number, and definitions_epoch above it */
	__u64 code, name, lines;
};

struct define_scratch {
	__u8 code[PYTHON_READ_BYTES];
	struct known wanted; /* the code object that is looked at */
	__u64 frame_address, code_address, globals;
	__u64 process;
	struct seen_code seen[SEEN_CODES];
	__u32 sample; /* counts */
	__u32 layout; /* index */
	__u32 id;
	/* The parts of its limits that this sample has used. */
	__u32 n_defined, bytes, class_steps;
	bool is_short; /* a part of the definition had no room */
	/* Definitions that this CPU may still send, and when their number was last raised. */
	__u32 n_left;
	__u64 left_ns;
	/* Progress of the search for a class. */
	__u64 classes, entry;
	__u32 n_classes, n_entries, at, n_read;
	__u64 class;
	__u8 entries[ENTRIES_BYTES];
	struct fragment_scratch fragment;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct define_scratch);
} define_scratches SEC(".maps");

static __always_inline struct define_scratch *define_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&define_scratches, &zero);
}

/* Returns one of the layouts. The compiler must not see which array it lies in: it would take the
 * zeros that stand there until the daemon fills it in, before load, for its contents (clang 19
 * does, and then finds arguments that nobody needs). */
static __always_inline const struct ox_layout *layout_get(__u32 index)
{
	const volatile struct ox_layout *layout = &layouts[index & (OX_LAYOUTS_MAX - 1)];

	asm volatile("" : "+r"(layout));
	return (const struct ox_layout *)layout;
}

/* Reads a word of the process. Returns 0 where it cannot be read. */
static __always_inline __u64 read_word(__u64 address)
{
	__u64 word = 0;

	return read_user(&word, sizeof(word), address) ? word : 0;
}

static __always_inline __u64 code_word(const struct define_scratch *scratch, __u32 offset)
{
	return *(const __u64 *)&scratch->code[offset & (PYTHON_READ_BYTES - 8)];
}

static __always_inline __s32 code_number(const struct define_scratch *scratch, __u32 offset)
{
	return *(const __s32 *)&scratch->code[offset & (PYTHON_READ_BYTES - 4)];
}

static __always_inline struct seen_code *seen_get(struct define_scratch *scratch, __u64 code)
{
	return &scratch->seen[(code >> 4 ^ code >> 10) & (SEEN_CODES - 1)];
}

/* ---- the cache of known code objects ---- */

#define KNOWN_BUSY 0xffffffffu
#define KNOWN_WAYS 4
#define KNOWN_SETS 8192 /* a power of two; 1.3 MB */

struct known_set {
	struct known ways[KNOWN_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KNOWN_SETS);
	__type(key, __u32);
	__type(value, struct known_set);
} known_codes SEC(".maps");

__u32 definitions_epoch = 0; /* changes when the daemon forgot all: they are sent again */

static __always_inline struct known_set *known_set_of(__u64 process, __u64 code)
{
	__u64 mixed = ((code >> 4) ^ process ^ hash_seed) * 0x9e3779b97f4a7c15ull;
	__u32 key = mixed >> 32 & (KNOWN_SETS - 1);

	return bpf_map_lookup_elem(&known_codes, &key);
}

/* Returns the id of a known code object, 0 where it is not known. The id is read before and after
 * the rest: while another CPU writes the entry, the two differ. */
static __always_inline __u32 known_find(const struct known_set *set, const struct known *wanted)
{
	for (int i = 0; i < KNOWN_WAYS; i++) {
		const volatile struct known *way = &set->ways[i];
		__u32 id = way->id;

		if (way->code == wanted->code && way->process == wanted->process &&
		    way->name == wanted->name && way->lines == wanted->lines &&
		    way->first_line == wanted->first_line && id != KNOWN_BUSY && way->id == id)
			return id;
	}
	return 0;
}

/* Puts a code object into a free entry of the set, or over another one. */
static __always_inline void known_put(struct known_set *set, const struct known *fresh)
{
	__u32 at = fresh->id & (KNOWN_WAYS - 1), seen;
	struct known *way;

	for (int i = 0; i < KNOWN_WAYS; i++)
		if (!set->ways[i].id)
			at = i;
	way = &set->ways[at & (KNOWN_WAYS - 1)];
	seen = *(volatile __u32 *)&way->id;
	if (seen == KNOWN_BUSY || __sync_val_compare_and_swap(&way->id, seen, KNOWN_BUSY) != seen)
		return;
	way->first_line = fresh->first_line;
	way->process = fresh->process;
	way->code = fresh->code;
	way->name = fresh->name;
	way->lines = fresh->lines;
	__sync_val_compare_and_swap(&way->id, KNOWN_BUSY, fresh->id);
}
