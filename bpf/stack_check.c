/* SPDX-License-Identifier: MIT */
/*
 * Checks, when the kernel side is built, that it will load: how deep is the stack of its deepest
 * call chain, counted as Linux 6.1 counts it? A program there has 512 bytes for all functions of a
 * chain together and 8 of them at most (check_max_stack_depth() in kernel/bpf/verifier.c); each
 * frame is rounded up to 32 bytes, and a function that is handed to bpf_loop() counts as called
 * by the one that hands it over. Newer kernels round less, and some give each function a stack of
 * its own.
 *
 *     stack_check OBJECT BYTES
 *
 * Prints the deepest chain. Exits with 1 where that takes more than BYTES, or more frames than 8.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUNCTIONS_MAX 256
#define CALLS_MAX     64 /* that one function makes */
#define FRAMES_MAX    8
#define FRAME_ROUND   32u

/* Relocations of an ELF file for BPF (Documentation/bpf/llvm_reloc.rst). */
#define R_BPF_64_64 1  /* an address: of a map, or of a function */
#define R_BPF_64_32 10 /* a call */

struct function {
	const char *name;
	size_t section;
	size_t begin, end; /* instructions of the section */
	unsigned stack_bytes;
	unsigned calls[CALLS_MAX], n_calls;
	/* The deepest chain from here on down: its size, and the next function of it. */
	unsigned chain_bytes, chain_frames;
	int chain_next; /* -1: none */
	bool is_known, is_open;
};

struct object {
	Elf *elf;
	Elf_Data *symbols;
	size_t n_symbols, strings;
	struct function functions[FUNCTIONS_MAX];
	unsigned n_functions;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "stack_check: %s: %s\n", what, why);
	exit(2);
}

/* Returns the index of the function that begins at an instruction; exits where there is none. */
static unsigned function_find(const struct object *object, size_t section, size_t begin)
{
	for (unsigned i = 0; i < object->n_functions; i++)
		if (object->functions[i].section == section && object->functions[i].begin == begin)
			return i;
	fail("a call", "its function has no symbol");
	return 0;
}

static struct function *function_at(struct object *object, size_t section, size_t at)
{
	for (unsigned i = 0; i < object->n_functions; i++) {
		struct function *function = &object->functions[i];

		if (function->section == section && at >= function->begin && at < function->end)
			return function;
	}
	return NULL;
}

static void function_add_call(struct function *function, unsigned callee)
{
	if (function->n_calls == CALLS_MAX)
		fail(function->name, "has too many calls");
	function->calls[function->n_calls++] = callee;
}

static void read_functions(struct object *object)
{
	for (size_t i = 0; i < object->n_symbols; i++) {
		GElf_Sym symbol;
		struct function *function = &object->functions[object->n_functions];

		gelf_getsym(object->symbols, (int)i, &symbol);
		if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
			continue;
		if (object->n_functions == FUNCTIONS_MAX)
			fail("the object", "has too many functions");
		function->name = elf_strptr(object->elf, object->strings, symbol.st_name);
		function->section = symbol.st_shndx;
		function->begin = symbol.st_value / sizeof(struct bpf_insn);
		function->end = (symbol.st_value + symbol.st_size) / sizeof(struct bpf_insn);
		object->n_functions++;
	}
}

/* Reads the calls by relocation: to another section, or to a function that is global. */
static void read_relocations(struct object *object, size_t section, Elf_Data *code,
			     Elf_Data *relocations)
{
	const struct bpf_insn *instructions = code->d_buf;

	for (size_t i = 0; i < relocations->d_size / sizeof(Elf64_Rel); i++) {
		GElf_Rel relocation;
		GElf_Sym symbol;
		size_t at, begin;

		gelf_getrel(relocations, (int)i, &relocation);
		gelf_getsym(object->symbols, (int)GELF_R_SYM(relocation.r_info), &symbol);
		at = relocation.r_offset / sizeof(struct bpf_insn);
		begin = symbol.st_value / sizeof(struct bpf_insn);
		if (GELF_R_TYPE(relocation.r_info) == R_BPF_64_32)
			begin += instructions[at].imm + 1;
		else if (GELF_R_TYPE(relocation.r_info) == R_BPF_64_64)
			begin += instructions[at].imm / (int)sizeof(struct bpf_insn);
		else
			continue;
		/* Addresses of maps and variables are relocated, too. */
		if (GELF_R_TYPE(relocation.r_info) == R_BPF_64_32 ||
		    GELF_ST_TYPE(symbol.st_info) == STT_FUNC ||
		    (GELF_ST_TYPE(symbol.st_info) == STT_SECTION &&
		     function_at(object, symbol.st_shndx, begin)))
			function_add_call(function_at(object, section, at),
					  function_find(object, symbol.st_shndx, begin));
	}
}

static bool is_relocated(Elf_Data *relocations, size_t at)
{
	for (size_t i = 0; relocations && i < relocations->d_size / sizeof(Elf64_Rel); i++) {
		GElf_Rel relocation;

		gelf_getrel(relocations, (int)i, &relocation);
		if (relocation.r_offset / sizeof(struct bpf_insn) == at)
			return true;
	}
	return false;
}

/* Reads the calls within a section to a static function, which need no relocation. */
static void read_calls(struct object *object, size_t section, Elf_Data *code, Elf_Data *relocations)
{
	const struct bpf_insn *instructions = code->d_buf;

	for (size_t at = 0; at < code->d_size / sizeof(*instructions); at++)
		if (instructions[at].code == (BPF_JMP | BPF_CALL) &&
		    instructions[at].src_reg == BPF_PSEUDO_CALL && !is_relocated(relocations, at))
			function_add_call(
				function_at(object, section, at),
				function_find(object, section,
					      at + (size_t)(long)instructions[at].imm + 1));
}

static void function_use_stack(struct function *function, int offset)
{
	if (offset < 0 && (unsigned)-offset > function->stack_bytes)
		function->stack_bytes = (unsigned)-offset;
}

/*
 * Finds the lowest address that a function makes of its frame pointer, r10: it reads or writes
 * there, or adds a number to a copy of it. Whatever is made of such an address is higher.
 */
static void measure_stack(struct function *function, const struct bpf_insn *instructions)
{
	bool is_frame[11] = {[BPF_REG_10] = true};

	for (size_t at = function->begin; at < function->end; at++) {
		const struct bpf_insn *insn = &instructions[at];
		int class = BPF_CLASS(insn->code);

		if (class == BPF_LDX && insn->src_reg == BPF_REG_10)
			function_use_stack(function, insn->off);
		if ((class == BPF_ST || class == BPF_STX) && insn->dst_reg == BPF_REG_10)
			function_use_stack(function, insn->off);
		if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X))
			is_frame[insn->dst_reg] = insn->src_reg == BPF_REG_10;
		else if (insn->code == (BPF_ALU64 | BPF_ADD | BPF_K) && is_frame[insn->dst_reg])
			function_use_stack(function, insn->imm);
		else if (class == BPF_ALU || class == BPF_ALU64 || class == BPF_LDX ||
			 class == BPF_LD)
			is_frame[insn->dst_reg] = insn->dst_reg == BPF_REG_10;
	}
}

static unsigned frame_bytes(const struct function *function)
{
	unsigned bytes = function->stack_bytes ?: 1;

	return (bytes + FRAME_ROUND - 1) / FRAME_ROUND * FRAME_ROUND;
}

static void find_chain(struct object *object, struct function *function)
{
	if (function->is_known)
		return;
	if (function->is_open)
		fail(function->name, "calls itself");
	function->is_open = true;
	function->chain_next = -1;
	for (unsigned i = 0; i < function->n_calls; i++) {
		struct function *callee = &object->functions[function->calls[i]];

		find_chain(object, callee);
		if (callee->chain_frames > function->chain_frames)
			function->chain_frames = callee->chain_frames;
		if (function->chain_next < 0 || callee->chain_bytes > function->chain_bytes) {
			function->chain_bytes = callee->chain_bytes;
			function->chain_next = (int)function->calls[i];
		}
	}
	function->chain_bytes += frame_bytes(function);
	function->chain_frames++;
	function->is_known = true;
}

static void read_section(struct object *object, Elf_Scn *scn)
{
	Elf_Scn *other = NULL;
	Elf_Data *relocations = NULL, *code = elf_getdata(scn, NULL);
	size_t section = elf_ndxscn(scn);
	GElf_Shdr header;

	while ((other = elf_nextscn(object->elf, other)))
		if (gelf_getshdr(other, &header) && header.sh_type == SHT_REL &&
		    header.sh_info == section)
			relocations = elf_getdata(other, NULL);
	for (unsigned i = 0; i < object->n_functions; i++)
		if (object->functions[i].section == section)
			measure_stack(&object->functions[i], code->d_buf);
	if (relocations)
		read_relocations(object, section, code, relocations);
	read_calls(object, section, code, relocations);
}

static void read_object(struct object *object)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr header;

	while ((scn = elf_nextscn(object->elf, scn)))
		if (gelf_getshdr(scn, &header) && header.sh_type == SHT_SYMTAB) {
			object->symbols = elf_getdata(scn, NULL);
			object->n_symbols = header.sh_size / header.sh_entsize;
			object->strings = header.sh_link;
		}
	if (!object->symbols)
		fail("the object", "has no symbols");
	read_functions(object);
	while ((scn = elf_nextscn(object->elf, scn)))
		if (gelf_getshdr(scn, &header) && header.sh_type == SHT_PROGBITS &&
		    header.sh_flags & SHF_EXECINSTR && header.sh_size)
			read_section(object, scn);
}

static void print_chain(FILE *f, const struct object *object, const struct function *function)
{
	for (;;) {
		fprintf(f, "%s %u", function->name, frame_bytes(function));
		if (function->chain_next < 0)
			break;
		function = &object->functions[function->chain_next];
		fputs(" > ", f);
	}
	fputc('\n', f);
}

static int check(struct object *object, unsigned limit)
{
	const struct function *deepest = &object->functions[0];
	unsigned frames = 0;
	bool is_bad;

	for (unsigned i = 0; i < object->n_functions; i++) {
		const struct function *function = &object->functions[i];

		find_chain(object, &object->functions[i]);
		if (function->chain_bytes > deepest->chain_bytes)
			deepest = function;
		if (function->chain_frames > frames)
			frames = function->chain_frames;
	}
	is_bad = deepest->chain_bytes > limit || frames > FRAMES_MAX;
	fprintf(is_bad ? stderr : stdout,
		"%sstack of the deepest call chain: %u of %u bytes, at most %u of %u frames: ",
		is_bad ? "The kernel side would not load on Linux 6.1: " : "", deepest->chain_bytes,
		limit, frames, FRAMES_MAX);
	print_chain(is_bad ? stderr : stdout, object, deepest);
	return is_bad;
}

int main(int argc, char **argv)
{
	static struct object object;
	int fd = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, r;

	if (argc != 3)
		fail("usage", "stack_check OBJECT BYTES");
	if (fd < 0)
		fail(argv[1], strerror(errno));
	elf_version(EV_CURRENT);
	object.elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!object.elf)
		fail(argv[1], elf_errmsg(-1));
	read_object(&object);
	if (!object.n_functions)
		fail(argv[1], "has no functions");
	r = check(&object, (unsigned)strtoul(argv[2], NULL, 10));
	elf_end(object.elf);
	close(fd);
	return r;
}
