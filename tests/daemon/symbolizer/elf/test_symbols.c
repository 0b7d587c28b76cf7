/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/symbolizer/elf/file.h"
#include "tests/fuzz/fuzz_symbols.c"
#include "tests/support/made/elf_image.h"

static struct binary *opened[128];
static size_t n_opened;

static void teardown(void)
{
	while (n_opened > 0)
		binary_free(opened[--n_opened]);
}

TestSuite(symbols, .fini = teardown);

static struct binary *open_fd(int fd)
{
	cr_assert(eq(int, binary_open(fd, &opened[n_opened]), 0));
	return opened[n_opened++];
}

static struct binary *open_image(const struct image *image)
{
	_cleanup_close_ int fd = image_open_bytes(image->bytes, image->size);

	return open_fd(fd);
}

static struct binary *open_wanted(const struct wanted *wanted, size_t n)
{
	struct image image;

	image_init(&image);
	image_add_symbols(&image, SHT_SYMTAB, wanted, n);
	return open_image(&image);
}

/* Expects the name at an offset of the code; "" if it has none. */
static const char *name_at(const struct binary *binary, uint64_t offset)
{
	struct symbol symbol = {.name = ""};
	uint64_t vaddr;

	cr_assert(eq(int, binary_find_vaddr(binary, TEXT_OFFSET + offset, &vaddr), 0));
	cr_assert(eq(u64, vaddr, TEXT_VADDR + offset));
	cr_assert(eq(int, binary_find(binary, vaddr, &symbol), symbol.name[0] != '\0'));
	return symbol.name;
}

#define assert_name(binary, offset, wanted) \
	cr_assert(eq(str, (char *)name_at(binary, offset), (char *)(wanted)))

Test(symbols, by_offset_in_the_file)
{
	const struct wanted wanted[] = {{"second", 0x100, 0x20, GLOBAL_FUNCTION},
					{"first", 0, 0x10, GLOBAL_FUNCTION}};
	struct binary *binary = open_wanted(wanted, 2);
	struct symbol symbol;
	uint64_t vaddr;

	assert_name(binary, 0, "first");
	assert_name(binary, 0xf, "first");
	assert_name(binary, 0x10, "");
	assert_name(binary, 0x11f, "second");
	assert_name(binary, 0x120, "");
	cr_assert(eq(int, binary_find(binary, TEXT_VADDR + 0x110, &symbol), 1));
	cr_assert(eq(u64, symbol.start, TEXT_VADDR + 0x100));
	cr_assert(eq(int, binary_find_vaddr(binary, TEXT_OFFSET - 1, &vaddr), -ENOENT));
	cr_assert(eq(int, binary_find_vaddr(binary, TEXT_OFFSET + TEXT_BYTES, &vaddr), -ENOENT));
}

Test(symbols, without_a_size_end_at_the_next_or_the_section)
{
	const struct wanted wanted[] = {{"a", 0, 0, GLOBAL_FUNCTION},
					{"b", 0x100, 0x10, GLOBAL_FUNCTION},
					{"c", 0x800, 0, GLOBAL_FUNCTION},
					{"d", TEXT_BYTES - 8, 0x100000, GLOBAL_FUNCTION},
					{"e", TEXT_BYTES, 0, GLOBAL_FUNCTION}};
	struct binary *binary = open_wanted(wanted, 5);

	assert_name(binary, 0xff, "a");
	assert_name(binary, 0x110, "");
	assert_name(binary, TEXT_BYTES - 9, "c");
	assert_name(binary, TEXT_BYTES - 1, "d");
}

Test(symbols, end_with_their_section)
{
	const struct wanted wanted[] = {{"long", 0x7f0, 0x100, GLOBAL_FUNCTION},
					{"outside", 0x900, 0x10, GLOBAL_FUNCTION}};
	struct binary *binary;
	struct image image;

	image_init(&image);
	image_section(&image, 2)->sh_size = 0x800;
	image_add_symbols(&image, SHT_SYMTAB, wanted, 2);
	binary = open_image(&image);
	assert_name(binary, 0x7ff, "long");
	assert_name(binary, 0x800, "");
	assert_name(binary, 0x900, "");
}

Test(symbols, best_alias)
{
	const struct wanted wanted[] = {
		{"aaa_weak", 0, 8, WEAK_FUNCTION},
		{"__strong", 0, 8, GLOBAL_FUNCTION},
		{"strong_long", 0, 8, GLOBAL_FUNCTION},
		{"strong", 0, 8, GLOBAL_FUNCTION},
		{"__libc_strong", 0, 8, GLOBAL_FUNCTION},
		{"a", 0, 8, LOCAL_FUNCTION},
		{"b", 0, 0, ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE)},
		{"local", 16, 8, LOCAL_FUNCTION},
		{"weak_one", 16, 8, WEAK_FUNCTION},
		{"yy", 32, 8, GLOBAL_FUNCTION},
		{"xx", 32, 8, GLOBAL_FUNCTION},
	};
	struct binary *binary = open_wanted(wanted, array_length(wanted));

	assert_name(binary, 0, "strong");
	assert_name(binary, 16, "weak_one");
	assert_name(binary, 32, "xx");
}

Test(symbols, labels_and_functions_inside_functions)
{
	const struct wanted wanted[] = {
		{"outer", 0, 0x100, GLOBAL_FUNCTION},
		{"label", 0x20, 0, LOCAL_LABEL},
		{"inner", 0x40, 0x10, GLOBAL_FUNCTION},
		{"assembler", 0x200, 0, LOCAL_LABEL},
		{"data", 0x300, 8, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT)},
	};
	struct binary *binary = open_wanted(wanted, array_length(wanted));

	assert_name(binary, 0x30, "outer");
	assert_name(binary, 0x48, "inner");
	assert_name(binary, 0x58, "outer");
	assert_name(binary, 0x100, "");
	assert_name(binary, 0x304, "assembler");
}

Test(symbols, names_are_cut_demangled_and_cleaned)
{
	const struct wanted wanted[] = {
		{"memcpy@@GLIBC_2.14", 0, 8, GLOBAL_FUNCTION},
		{"old@GLIBC_2.2.5", 8, 8, GLOBAL_FUNCTION},
		{"_ZN3foo3barEi", 16, 8, GLOBAL_FUNCTION},
		{"_ZN4core3fmt3pad17h0123456789abcdefE", 24, 8, GLOBAL_FUNCTION},
		{"a\x1b[31m\nb", 32, 8, GLOBAL_FUNCTION},
		{"\xff", 40, 8, GLOBAL_FUNCTION},
	};
	struct binary *binary = open_wanted(wanted, array_length(wanted));

	for (int again = 0; again < 2; again++) {
		assert_name(binary, 0, "memcpy");
		assert_name(binary, 8, "old");
		assert_name(binary, 16, "foo::bar");
		assert_name(binary, 24, "core::fmt::pad");
		assert_name(binary, 32,
			    "a\xef\xbf\xbd[31m\xef\xbf\xbd"
			    "b");
		assert_name(binary, 40, "\xef\xbf\xbd");
	}
}

Test(symbols, a_file_of_hostile_names_is_soon_shown_as_it_is)
{
	char names[30][64];
	struct wanted wanted[30] = {};
	struct binary *binary;

	for (int i = 0; i < 30; i++) {
		sprintf(names[i], "_RMINtC1a3b%02dFGzzzzzzzz_EuEp", i);
		wanted[i] = (struct wanted){names[i], i * 8, 8, GLOBAL_FUNCTION};
	}
	wanted[29].name = "_Z3foov";
	binary = open_wanted(wanted, 30);
	assert_name(binary, 29 * 8, "foo");
	for (int i = 0; i < 29; i++)
		assert_name(binary, i * 8, names[i]);
	binary = open_wanted(wanted, 30);
	for (int i = 0; i < 29; i++)
		assert_name(binary, i * 8, names[i]);
	assert_name(binary, 29 * 8, "_Z3foov");
}

static void add_debugdata(struct image *image, const void *data, size_t size)
{
	_cleanup_free_ uint8_t *packed = malloc(IMAGE_BYTES);
	size_t length = 0;

	cr_assert(eq(int,
		     lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, data, size, packed, &length,
					     IMAGE_BYTES),
		     LZMA_OK));
	image_add_section(image, ".gnu_debugdata", SHT_PROGBITS, packed, length);
}

Test(symbols, stripped_file_with_debugdata)
{
	const struct wanted dynamic[] = {{"exported", 0, 16, GLOBAL_FUNCTION}},
			    hidden[] = {{"hidden", 0x40, 16, GLOBAL_FUNCTION}};
	struct image image, inner;
	struct binary *binary;

	image_init(&inner);
	image_add_symbols(&inner, SHT_SYMTAB, hidden, 1);
	image_init(&image);
	image_add_symbols(&image, SHT_DYNSYM, dynamic, 1);
	add_debugdata(&image, inner.bytes, inner.size);
	binary = open_image(&image);
	assert_name(binary, 0, "exported");
	assert_name(binary, 0x48, "hidden");
}

Test(symbols, debugdata_that_unpacks_without_end_is_left_out)
{
	const struct wanted dynamic[] = {{"exported", 0, 16, GLOBAL_FUNCTION}};
	_cleanup_free_ char *zeros = calloc(1, SYMBOLS_DEBUGDATA_MAX + 1);
	const struct wanted hidden[] = {{"hidden", 0x40, 16, GLOBAL_FUNCTION}};
	struct image image, *inner = (struct image *)zeros;
	struct binary *binary;

	image_init(inner);
	image_add_symbols(inner, SHT_SYMTAB, hidden, 1);
	image_init(&image);
	image_add_symbols(&image, SHT_DYNSYM, dynamic, 1);
	add_debugdata(&image, zeros, SYMBOLS_DEBUGDATA_MAX + 1);
	binary = open_image(&image);
	assert_name(binary, 0, "exported");
	assert_name(binary, 0x48, "");
}

Test(symbols, debugdata_with_tables_behind_its_end_is_left_out)
{
	const struct wanted dynamic[] = {{"exported", 0, 16, GLOBAL_FUNCTION}};
	const struct wanted hidden[] = {{"hidden", 0x40, 16, GLOBAL_FUNCTION}};

	for (size_t section = 3; section < 5; section++) {
		struct image image, inner;
		struct binary *binary;

		image_init(&inner);
		image_add_symbols(&inner, SHT_SYMTAB, hidden, 1);
		image_section(&inner, section)->sh_size = 0x100000;
		image_init(&image);
		image_add_symbols(&image, SHT_DYNSYM, dynamic, 1);
		add_debugdata(&image, inner.bytes, inner.size);
		binary = open_image(&image);
		assert_name(binary, 0, "exported");
		assert_name(binary, 0x48, "");
	}
}

static int open_result(const void *bytes, size_t size)
{
	_cleanup_close_ int fd = image_open_bytes(bytes, size);
	struct binary *binary = NULL;
	int r = binary_open(fd, &binary);

	binary_free(binary);
	return r;
}

Test(symbols, refuses_what_is_no_program_of_this_machine)
{
	_cleanup_close_ int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int huge = memfd_create("huge", MFD_CLOEXEC);
	struct binary *binary;
	struct image image;

	cr_assert(eq(int, binary_open(directory, &binary), -EINVAL));
	cr_assert(eq(int, ftruncate(huge, SYMBOLS_FILE_BYTES_MAX + 1), 0));
	cr_assert(eq(int, binary_open(huge, &binary), -EFBIG));
	cr_assert(eq(int, open_result("", 0), -ENOEXEC));
	cr_assert(eq(int, open_result("#!/bin/sh\n", 10), -ENOEXEC));
	image_init(&image);
	cr_assert(eq(int, open_result(image.bytes, image.size), 0));
	cr_assert(eq(int, open_result(image.bytes, sizeof(image.header) - 1), -ENOEXEC));
	image.header.e_type = ET_NONE;
	cr_assert(eq(int, open_result(image.bytes, image.size), -ENOEXEC));
	image.header.e_type = ET_CORE;
	cr_assert(eq(int, open_result(image.bytes, image.size), -ENOEXEC));
	image.header.e_type = ET_EXEC;
	image.header.e_machine = EM_AARCH64;
	cr_assert(eq(int, open_result(image.bytes, image.size), -ENOEXEC));
	image.header.e_machine = EM_X86_64;
	image.header.e_ident[EI_CLASS] = ELFCLASS32;
	cr_assert(eq(int, open_result(image.bytes, image.size), -ENOEXEC));
	image.header.e_ident[EI_CLASS] = ELFCLASS64;
	image.header.e_ident[EI_DATA] = ELFDATA2MSB;
	cr_assert(eq(int, open_result(image.bytes, image.size), -ENOEXEC));
}

/* Compiles a text. Returns a descriptor of the result. */
static int compile(const char *command, const char *text)
{
	char source[] = "/tmp/test_symbols.XXXXXX", output[64], line[512];
	_cleanup_close_ int fd = mkstemp(source);
	int result;

	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	snprintf(output, sizeof(output), "%s.out", source);
	snprintf(line, sizeof(line), "%s -o %s %s", command, output, source);
	cr_assert(eq(int, system(line), 0), "%s", line);
	result = open(output, O_RDONLY | O_CLOEXEC);
	cr_assert(ge(int, result, 0));
	unlink(source);
	unlink(output);
	return result;
}

static const char c_source[] = "int there(int);\n"
			       "__attribute__((noinline)) static int hidden(int a)\n"
			       "{ return there(a) + 1; }\n"
			       "int open_to_all(int a) { return hidden(a) + 2; }\n";

static const char cplusplus_source[] =
	"#include <string>\n"
	"namespace tests { struct leaf { std::string work(const std::string &); }; }\n"
	"std::string tests::leaf::work(const std::string &a) { return a + a; }\n";

static bool has_name(int fd, const char *name)
{
	struct binary *binary = open_fd(fd);
	struct symbol symbol;
	struct stat st;
	uint64_t vaddr;

	cr_assert(eq(int, fstat(fd, &st), 0));
	for (int64_t offset = 0; offset < st.st_size; offset++)
		if (binary_find_vaddr(binary, offset, &vaddr) == 0 &&
		    binary_find(binary, vaddr, &symbol) == 1 && strcmp(symbol.name, name) == 0)
			return true;
	return false;
}

Test(symbols, of_compiled_files)
{
	static const char *const commands[] = {
		"cc -x c -O1 -shared -fPIC",
		"cc -x c -O1 -shared -fPIC -fcf-protection=full -Wl,-z,now",
		"cc -x c -O1 -shared -fPIC -Wl,-z,lazy -Wl,-z,ibtplt",
	};
	_cleanup_close_ int stripped = compile("cc -x c -O1 -shared -fPIC -s", c_source);
	_cleanup_close_ int cplusplus = compile("c++ -x c++ -O1 -shared -fPIC", cplusplus_source);

	for (size_t i = 0; i < array_length(commands); i++) {
		_cleanup_close_ int fd = compile(commands[i], c_source);

		cr_assert(has_name(fd, "open_to_all"), "%s", commands[i]);
		cr_assert(has_name(fd, "hidden"), "%s", commands[i]);
		cr_assert(has_name(fd, "there@plt"), "%s", commands[i]);
	}
	cr_assert(has_name(stripped, "open_to_all"));
	cr_assert(has_name(stripped, "there@plt"));
	cr_assert(not(has_name(stripped, "hidden")));
	cr_assert(has_name(cplusplus, "tests::leaf::work"));
}

Test(symbols, cut_short_at_every_byte)
{
	const struct wanted wanted[] = {{"first", 0, 0x10, GLOBAL_FUNCTION},
					{"_ZN3foo3barEi", 0x10, 0x10, GLOBAL_FUNCTION}};
	struct image image;

	image_init(&image);
	image_add_symbols(&image, SHT_SYMTAB, wanted, 2);
	for (size_t size = 0; size < image.size; size += size < TEXT_OFFSET ? 16 : 1)
		cr_assert(eq(int, LLVMFuzzerTestOneInput(image.bytes, size), 0));
}

/* Tries numbers that are likely to break a reader, anywhere in the file. */
static void mutate(uint8_t *data, size_t size, unsigned int *seed)
{
	static const uint64_t values[] = {
		0,          1,         0xff,       0x7fff,         0xffff,   0x7fffffff,
		UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 7, 0x401000, 0x1000};
	static const size_t widths[] = {1, 2, 4, 8};

	for (int i = rand_r(seed) % 4; i >= 0; i--) {
		uint64_t value = values[rand_r(seed) % array_length(values)];
		size_t width = widths[rand_r(seed) % array_length(widths)];
		size_t at = rand_r(seed) % (size - 8);

		if (rand_r(seed) % 4 == 0)
			value = rand_r(seed);
		memcpy(data + (at & ~(width - 1)), &value, width);
	}
}

/* Runs n mutations of the headers and tables, where every 8 bytes are hit; code and zeros are not
 * worth the time. */
static void run_mutations(const uint8_t *seed_data, size_t size, size_t from, size_t bytes, int n,
			  unsigned int seed)
{
	_cleanup_free_ uint8_t *data = malloc(size);

	for (int i = 0; i < n; i++) {
		memcpy(data, seed_data, size);
		mutate(data + from, bytes, &seed);
		cr_assert(eq(int, LLVMFuzzerTestOneInput(data, size), 0));
	}
}

Test(symbols, survive_mutations_of_a_made_up_file)
{
	const struct wanted wanted[] = {{"first", 0, 0x10, GLOBAL_FUNCTION},
					{"_ZN3foo3barEi", 0x10, 0x10, GLOBAL_FUNCTION},
					{"third@@V1", 0x40, 0, GLOBAL_FUNCTION},
					{"there", 0x50, 0, LOCAL_LABEL}};
	struct image image, inner;

	image_init(&inner);
	image_add_symbols(&inner, SHT_SYMTAB, wanted, 4);
	image_init(&image);
	image_add_symbols(&image, SHT_DYNSYM, wanted, 4);
	add_debugdata(&image, inner.bytes, inner.size);
	run_mutations(image.bytes, image.size, 0, 64 + 2 * sizeof(Elf64_Phdr), 1500, 1);
	run_mutations(image.bytes, image.size, 0x800, 64, 500, 2);
	run_mutations(image.bytes, image.size, image.header.e_shoff,
		      image.size - image.header.e_shoff, 3000, 3);
	run_mutations(inner.bytes, inner.size, inner.header.e_shoff,
		      inner.size - inner.header.e_shoff, 2000, 4);
}

Test(symbols, survive_mutations_of_compiled_files)
{
	_cleanup_close_ int fd = compile("c++ -x c++ -O1 -shared -fPIC", cplusplus_source);
	_cleanup_free_ uint8_t *data = NULL;
	Elf64_Ehdr header;
	struct stat st;

	cr_assert(eq(int, fstat(fd, &st), 0));
	data = malloc(st.st_size);
	cr_assert(read(fd, data, st.st_size) == st.st_size);
	memcpy(&header, data, sizeof(header));
	run_mutations(data, st.st_size, 0, 1024, 500, 5);
	run_mutations(data, st.st_size, header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr), 1000,
		      6);
	run_mutations(data, st.st_size, 0, st.st_size, 1000, 7);
}
