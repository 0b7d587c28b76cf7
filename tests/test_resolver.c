/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <gnu/libc-version.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/cleanup.h"
#include "daemon/resolver.h"

#define NOW UINT64_C(1000)

static struct resolver *resolver;

static void set_up(void)
{
	resolver = resolver_new("/proc");
	cr_assert_not_null(resolver);
}

static void tear_down(void)
{
	resolver_free(resolver);
}

TestSuite(resolver, .init = set_up, .fini = tear_down);

/* Functions that are looked for; what they do keeps them apart and long. */
static volatile uint64_t sink;

__attribute__((noinline)) static void known_function(void)
{
	for (int i = 0; i < 10; i++)
		sink += i;
}

__attribute__((noinline)) static void other_function(void)
{
	for (int i = 0; i < 10; i++)
		sink *= i;
}

static uint32_t name_user(const struct image *image, const void *address, struct frame *ret)
{
	uint32_t frame;

	cr_assert_eq(resolver_name_user(resolver, image, (uintptr_t)address, NOW, &frame), 0);
	resolver_get_frame(resolver, frame, ret);
	return frame;
}

/* The module is the last part of the file, where there is one. */
static void assert_frame(const struct frame *frame, enum frame_kind kind, const char *function,
			 const char *module)
{
	const char *slash = strrchr(frame->file, '/');

	cr_assert_eq(frame->kind, kind);
	cr_assert_str_eq(frame->function, function);
	cr_assert_str_eq(frame->module, module);
	if (module[0] == '[')
		cr_assert_str_empty(frame->file);
	else
		cr_assert_str_eq(slash ? slash + 1 : "none", module);
	cr_assert_eq(frame->line, 0);
}

/* An image of which the test says what is mapped. */
struct fake {
	struct image image;
};

static void fake_init(struct fake *fake, uint32_t pid)
{
	*fake = (struct fake){.image = {.id = 77, .pid = pid, .maps = maps_new()}};
	cr_assert_not_null(fake->image.maps);
}

static void fake_map(struct fake *fake, uint64_t start, const char *path, uint8_t build_id_bytes)
{
	struct mapping mapping = {
		.start = start,
		.end = start + 0x100000,
		.file_offset = 0x1000,
		.build_id_bytes = build_id_bytes,
		.path = path,
	};

	cr_assert_eq(maps_add(fake->image.maps, &mapping), 0);
	fake->image.generation++;
}

static void fake_done(struct fake *fake)
{
	maps_free(fake->image.maps);
}

Test(resolver, names_functions_of_this_program_and_its_libraries)
{
	struct images *images = images_new("/proc");
	const struct image *image = images_find(images, getpid(), NOW);
	struct frame frame;

	cr_assert_not_null(image);
	name_user(image, (char *)known_function + 3, &frame);
	assert_frame(&frame, FRAME_NATIVE, "known_function", "test_resolver");
	cr_assert_geq(strlen(frame.build_id), 16);
	cr_assert_neq(frame.offset, 0);
	name_user(image, (char *)other_function + 1, &frame);
	assert_frame(&frame, FRAME_NATIVE, "other_function", "test_resolver");
	name_user(image, (void *)gnu_get_libc_version, &frame);
	assert_frame(&frame, FRAME_NATIVE, "gnu_get_libc_version", "libc.so.6");
	images_free(images);
}

Test(resolver, equal_frames_have_one_index)
{
	struct images *images = images_new("/proc");
	const struct image *image = images_find(images, getpid(), NOW);
	uint32_t first, second, other;
	struct frame frame;

	cr_assert_eq(resolver_count(resolver), 0);
	first = name_user(image, known_function, &frame);
	cr_assert_eq(name_user(image, known_function, &frame), first);
	second = name_user(image, (char *)known_function + 4, &frame);
	other = name_user(image, other_function, &frame);
	cr_assert_eq(first, 0);
	cr_assert_eq(second, first);
	cr_assert_eq(other, 1);
	cr_assert_eq(resolver_count(resolver), 2);
	cr_assert_gt(resolver_bytes(resolver), 0);
	resolver_clear(resolver);
	cr_assert_eq(resolver_count(resolver), 0);
	/* Nothing of before is believed: the index it had would be wrong now. */
	cr_assert_eq(name_user(image, other_function, &frame), 0);
	cr_assert_str_eq(frame.function, "other_function");
	images_free(images);
}

Test(resolver, memory_without_a_file_has_no_functions)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct images *images = images_new("/proc");
	const struct image *image = images_find(images, getpid(), NOW);
	struct frame frame;

	cr_assert_neq(code, MAP_FAILED);
	name_user(image, code, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[anon]");
	name_user(image, (void *)getauxval(AT_SYSINFO_EHDR), &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[vdso]");
	name_user(image, (void *)8, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[unmapped]");
	images_free(images);
	munmap(code, 4096);
}

Test(resolver, a_process_that_is_gone_has_no_names)
{
	struct frame frame;

	name_user(NULL, known_function, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[gone]");
	cr_assert_eq(name_user(NULL, other_function, &frame), 0);
}

Test(resolver, a_file_that_cannot_be_read_gives_offsets)
{
	struct fake fake;
	struct frame frame;

	fake_init(&fake, getpid());
	fake_map(&fake, 0x10000000, "/nowhere/lib\nfoo.so", 0);
	name_user(&fake.image, (void *)0x10000234, &frame);
	assert_frame(&frame, FRAME_NATIVE, "+0x1234",
		     "lib\xef\xbf\xbd"
		     "foo.so");
	cr_assert_eq(frame.offset, 0x1234);
	cr_assert_str_empty(frame.build_id);
	fake_done(&fake);
}

Test(resolver, another_file_in_its_place_gives_no_names)
{
	char path[4096] = "";
	struct fake fake;
	struct frame frame;

	cr_assert_gt(readlink("/proc/self/exe", path, sizeof(path) - 1), 0);
	fake_init(&fake, getpid());
	/* The build-id that was told is all zeros; the file has another. */
	fake_map(&fake, 0x10000000, path, 20);
	name_user(&fake.image, (void *)0x10000234, &frame);
	assert_frame(&frame, FRAME_NATIVE, "+0x1234", "test_resolver");
	cr_assert_str_empty(frame.build_id);
	fake_done(&fake);
}

Test(resolver, a_change_of_the_mappings_is_seen)
{
	struct fake fake;
	struct frame frame;

	fake_init(&fake, getpid());
	fake_map(&fake, 0x10000000, "[first]", 0);
	name_user(&fake.image, (void *)0x10000234, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[first]");
	fake_map(&fake, 0x10000000, "[second]", 0);
	name_user(&fake.image, (void *)0x10000234, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[second]");
	fake.image.id++;
	fake.image.maps = maps_free(fake.image.maps);
	fake.image.maps = maps_new();
	name_user(&fake.image, (void *)0x10000234, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[unmapped]");
	fake_done(&fake);
}

static uint32_t name_kernel(const struct ksyms *ksyms, uint64_t address, struct frame *ret)
{
	uint32_t frame;

	cr_assert_eq(resolver_name_kernel(resolver, ksyms, address, &frame), 0);
	resolver_get_frame(resolver, frame, ret);
	return frame;
}

Test(resolver, names_the_kernels_functions)
{
	static const char text[] = "ffffffff81000000 T do_work\n"
				   "ffffffff81000100 t do_other\n"
				   "ffffffffc0201000 t in_module\t[ext4]\n";
	struct ksyms *ksyms = ksyms_new();
	struct frame frame;
	uint32_t first;

	cr_assert_eq(ksyms_parse(ksyms, text, sizeof(text) - 1), 0);
	ksyms_sort(ksyms);
	first = name_kernel(ksyms, UINT64_C(0xffffffff81000010), &frame);
	assert_frame(&frame, FRAME_KERNEL, "do_work", "[kernel]");
	/* Addresses of the kernel stay in memory. */
	cr_assert_eq(frame.offset, 0);
	cr_assert_eq(name_kernel(ksyms, UINT64_C(0xffffffff81000020), &frame), first);
	name_kernel(ksyms, UINT64_C(0xffffffffc0201004), &frame);
	assert_frame(&frame, FRAME_KERNEL, "in_module", "[ext4]");
	name_kernel(ksyms, 0x1234, &frame);
	assert_frame(&frame, FRAME_KERNEL, "[unknown]", "[kernel]");
	/* The same number in a process is another address. */
	name_user(NULL, (void *)0x1234, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[gone]");
	ksyms_free(ksyms);
}
