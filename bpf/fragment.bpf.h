/* SPDX-License-Identifier: MIT */
/*
 * Sends fragments of definitions (bpf/python.h) to the daemon. The memory that is read belongs to
 * the process and may hold anything: what cannot be read is left out, and what one sample may send
 * is bounded.
 */
#pragma once

/* A record is a struct ox_fragment with its bytes behind it. */
#define DEFINITIONS_BYTES (2u << 20)
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, DEFINITIONS_BYTES);
} definitions SEC(".maps");

/* Returns the flags for a record: the daemon reads it with its next drain, and is woken only where
 * the buffer fills up before. */
static __always_inline __u64 definitions_flags(void)
{
	return bpf_ringbuf_query(&definitions, BPF_RB_AVAIL_DATA) > DEFINITIONS_BYTES / 4
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

#define PART_CUT (1u << 31)

/* Sends bytes of the process at an address, or of the scratch where the address is 0; `bytes` may
 * have PART_CUT. Returns 0, or -1 where they are not sent. A global function: the verifier looks at
 * it once. */
__noinline int fragment_send(__u32 kind, __u32 width, __u64 address, __u32 bytes, __u32 offset)
{
	struct define_scratch *scratch = define_get();
	__u64 n = bytes & ~PART_CUT;

	if (!scratch)
		return -1;
	/* This makes n one number, so that the verifier's bounds are those of the number that is
	 * used. */
	asm volatile("" : "+r"(n));
	if (n > OX_FRAGMENT_BYTES_MAX)
		return -1;
	if (scratch->bytes + n > DEFINE_BYTES_MAX) {
		scratch->is_short = true;
		return -1;
	}
	scratch->bytes += n;
	scratch->fragment.head.id = scratch->id;
	scratch->fragment.head.kind = kind;
	scratch->fragment.head.width = width;
	scratch->fragment.head.bytes = n;
	scratch->fragment.head.offset = offset;
	scratch->fragment.head.is_cut = bytes >> 31;
	if (n && address && bpf_probe_read_user(scratch->fragment.bytes, n, (void *)address))
		return -1;
	if (!bpf_ringbuf_output(&definitions, &scratch->fragment, sizeof(struct ox_fragment) + n,
				definitions_flags()))
		return 0;
	scratch->is_short = true;
	return -1;
}

struct string_head {
	__u64 length; /* characters */
	__u64 hash;
	__u32 state;
	__u32 reserved;
};

/* Sends a str of the process. Returns 0, or -1 where it is not sent. */
__noinline int string_send(__u32 layout_index, __u32 kind, __u64 address)
{
	const struct ox_layout *layout = layout_get(layout_index);
	struct string_head head = {};
	__u32 width, data, cut = 0;
	__u64 bytes;

	if (!address || !read_user(&head, sizeof(head), address + OX_PY_STRING_LENGTH))
		return -1;
	width = head.state >> (layout->string_kind_shift & 31) & 7;
	data = head.state >> (layout->string_ascii_shift & 31) & 1 ? layout->string_ascii_data
								   : layout->string_data;
	if (width != 1 && width != 2 && width != 4)
		return -1;
	bytes = head.length * width;
	if (head.length > OX_NAME_BYTES_MAX || bytes > OX_NAME_BYTES_MAX) {
		bytes = OX_NAME_BYTES_MAX;
		cut = PART_CUT;
	}
	return fragment_send(kind, width, address + data, bytes | cut, 0);
}

struct lines {
	__u64 address, bytes;
};

/* Sends a piece of the lines; the last one returns 1. The offset is made of i, which the verifier
 * does not know: a variable that each step changes it would follow number by number. */
static long lines_step(__u32 i, struct lines *lines)
{
	__u64 offset = (__u64)i * OX_FRAGMENT_BYTES_MAX, n = lines->bytes - offset;

	if (offset >= lines->bytes)
		return 1;
	if (n > OX_FRAGMENT_BYTES_MAX)
		n = OX_FRAGMENT_BYTES_MAX;
	return fragment_send(OX_FRAGMENT_LINES, 0, lines->address + offset, n, offset) != 0;
}

static __always_inline void lines_send(__u64 address)
{
	struct lines lines = {.address = address + OX_PY_BYTES_DATA};

	if (!address || !read_user(&lines.bytes, sizeof(lines.bytes), address + OX_PY_BYTES_SIZE))
		return;
	if (lines.bytes > OX_LINES_BYTES_MAX)
		lines.bytes = OX_LINES_BYTES_MAX;
	bpf_loop(OX_LINES_BYTES_MAX / OX_FRAGMENT_BYTES_MAX, lines_step, &lines, 0);
}
