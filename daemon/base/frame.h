/* SPDX-License-Identifier: MIT */
/* A frame with its name: what the recorder makes of an address and the store keeps. */
#pragma once

#include <stdint.h>

/* The numbers are stored in the database; append only. */
enum frame_kind {
	FRAME_NATIVE = 0,
	FRAME_KERNEL = 1,
	FRAME_PYTHON = 2,
};

/* Returns the name for people, the bus and JSON; "" for a kind that is not known here. */
static inline const char *frame_kind_name(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_NATIVE:
		return "native";
	case FRAME_KERNEL:
		return "kernel";
	case FRAME_PYTHON:
		return "python";
	}
	return "";
}

/*
 * Texts are never NULL; "" says unknown. They are valid UTF-8 without control characters
 * (text_clean() in text.h): every byte of them was chosen by the profiled process. The offset is
 * that of the function in its file's address space (ELF vaddr); of the very instruction where the
 * function has no name, so that it can be given one later; the offset stays so then.
 */
struct frame {
	enum frame_kind kind;
	/* A native function without a name is "+0x1234", where it is in its module; shown as
	 * "libfoo.so+0x1234". */
	const char *function;
	const char *module;
	const char *file;     /* of the source; the ELF file where that is unknown */
	const char *build_id; /* lower-case hex */
	uint32_t line;        /* 0: unknown */
	uint64_t offset;
};
