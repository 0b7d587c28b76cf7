/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/symtab.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "tests/support/made/elf_image.h"

static const struct wanted wanted[] = {
	{"main", 0x10, 0x20, GLOBAL_FUNCTION},
	{"", 0x30, 0x8, LOCAL_FUNCTION},
	{"label", 0x40, 0, LOCAL_LABEL},
	{"outer", 0x50, 0x10, GLOBAL_FUNCTION},
};

/* Sections 3 and 4 are the symbols and their names; symbol 0 has no name. */
static void make_image(struct image *image, uint32_t type)
{
	image_init(image);
	image_add_symbols(image, type, wanted, array_length(wanted));
}

static Elf64_Sym *get_symbol(struct image *image, size_t i)
{
	return (Elf64_Sym *)(image->bytes + image_section(image, 3)->sh_offset) + i + 1;
}

struct told {
	char text[256];
	unsigned int n;
	unsigned int most; /* 0 if there is no limit */
};

static int tell(void *userdata, const Elf64_Sym *symbol, const char *name)
{
	struct told *told = userdata;

	sprintf(told->text + strlen(told->text), "%s %lx+%lx;", name,
		(unsigned long)(symbol->st_value - TEXT_VADDR), (unsigned long)symbol->st_size);
	return ++told->n == told->most ? -ECANCELED : 0;
}

/* Reads the symbols, and returns the result; *told has to be {} before. */
static int read_image(const struct image *image, uint32_t type, struct told *told)
{
	_cleanup_(elf_file_done) struct elf_file elf = {.fd = -1};
	char *memory = malloc(image->size);
	struct elf_symtab symtab;
	int r;

	memcpy(memory, image->bytes, image->size);
	cr_assert_eq(elf_file_open_memory(&elf, memory, image->size), 0);
	r = elf_symtab_open(&symtab, &elf, type);
	return r < 0 ? r : elf_symtab_foreach(&symtab, tell, told);
}

Test(elf_symtab, all_that_have_names)
{
	struct image image;
	struct told told = {};

	make_image(&image, SHT_SYMTAB);
	cr_expect_eq(read_image(&image, SHT_SYMTAB, &told), 0);
	cr_expect_str_eq(told.text, "main 10+20;label 40+0;outer 50+10;");
	cr_expect_eq(read_image(&image, SHT_DYNSYM, &told), -ENODATA);
	make_image(&image, SHT_DYNSYM);
	told = (struct told){};
	cr_expect_eq(read_image(&image, SHT_DYNSYM, &told), 0);
	cr_expect_eq(told.n, 3);
}

Test(elf_symtab, those_that_are_not_defined_or_have_no_name_are_left_out)
{
	struct image image;
	struct told told = {};

	make_image(&image, SHT_SYMTAB);
	get_symbol(&image, 0)->st_shndx = SHN_UNDEF;
	get_symbol(&image, 2)->st_name = UINT32_MAX;
	cr_expect_eq(read_image(&image, SHT_SYMTAB, &told), 0);
	cr_expect_str_eq(told.text, "outer 50+10;");
}

Test(elf_symtab, who_is_told_ends_it)
{
	struct image image;
	struct told told = {.most = 2};

	make_image(&image, SHT_SYMTAB);
	cr_expect_eq(read_image(&image, SHT_SYMTAB, &told), -ECANCELED);
	cr_expect_eq(told.n, 2);
}

Test(elf_symtab, damage)
{
	struct image image;
	struct told told = {};

	make_image(&image, SHT_SYMTAB);
	image_section(&image, 3)->sh_link = SECTIONS + 1;
	cr_expect_eq(read_image(&image, SHT_SYMTAB, &told), -ENODATA);
	make_image(&image, SHT_SYMTAB);
	image_section(&image, 4)->sh_offset = UINT64_MAX;
	cr_expect_eq(read_image(&image, SHT_SYMTAB, &told), -ENODATA);
	make_image(&image, SHT_SYMTAB);
	image_section(&image, 3)->sh_offset = image.size - 8;
	cr_expect_eq(read_image(&image, SHT_SYMTAB, &told), -ENODATA);
	make_image(&image, SHT_SYMTAB); /* the last name has no end */
	image_section(&image, 4)->sh_size -= 3;
	cr_expect_eq(read_image(&image, SHT_SYMTAB, &told), -ENODATA);
	cr_expect_eq(told.n, 0);
}

/* Opens the file, which takes its size from fstat(). */
Test(elf_symtab, of_a_file)
{
	_cleanup_(elf_file_done) struct elf_file elf = {.fd = -1};
	_cleanup_close_ int fd = -1;
	struct elf_symtab symtab;
	struct image image;
	struct told told = {};

	make_image(&image, SHT_SYMTAB);
	fd = image_open_bytes(image.bytes, image.size);
	cr_assert_eq(elf_file_open(&elf, fd), 0);
	cr_expect_eq(elf.size, image.size);
	cr_assert_eq(elf_symtab_open(&symtab, &elf, SHT_SYMTAB), 0);
	cr_expect_eq(elf_symtab_foreach(&symtab, tell, &told), 0);
	cr_expect_eq(told.n, 3);
	elf_file_done(&elf);
	cr_expect_eq(elf_file_open(&elf, -1), -EIO);
}
