/* SPDX-License-Identifier: MIT */
/*
 * Reads the memory of the user's stack. A read costs the same for 8 bytes as for some hundreds
 * (about 80 ns), and what callers saved lies right above what their callee did: so the stack is
 * read by the piece.
 */
#pragma once

static __always_inline bool read_user(void *to, __u32 size, __u64 from)
{
	return !bpf_probe_read_user(to, size, (void *)from);
}

#define STACK_BYTES 512u
#define PAGE_BYTES  4096u

/* Reads a piece of the stack into the scratch, up to the end of the page where there is no memory
 * behind that. Returns false where nothing can be read. */
static __always_inline bool stack_load(struct scratch *scratch, __u64 address)
{
	__u64 bytes = -address & (PAGE_BYTES - 8);

	scratch->stack_at = address;
	scratch->stack_bytes = STACK_BYTES;
	if (read_user(&scratch->words[SCRATCH_STACK], STACK_BYTES, address))
		return true;
	if (!bytes || bytes >= STACK_BYTES)
		bytes = 8;
	scratch->stack_bytes = bytes;
	if (read_user(&scratch->words[SCRATCH_STACK], bytes & (STACK_BYTES - 1), address))
		return true;
	scratch->stack_bytes = 0;
	return false;
}

/* Reads one word of the stack into stack_word. Returns false where it cannot be read. */
__noinline bool stack_fetch(__u64 address)
{
	struct scratch *scratch = scratch_get();
	__u64 at;

	if (!scratch)
		return false;
	at = address - scratch->stack_at;
	if (at & 7 || at >= scratch->stack_bytes) {
		if (!stack_load(scratch, address))
			return false;
		at = 0;
	}
	scratch->stack_word = scratch->words[SCRATCH_STACK + (at / 8 & (STACK_BYTES / 8 - 1))];
	return true;
}

static __always_inline bool stack_read(__u64 address, __u64 *ret)
{
	struct scratch *scratch = scratch_get();

	if (!scratch || !stack_fetch(address))
		return false;
	*ret = scratch->stack_word;
	return true;
}
