/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/resolver/resolver.h"
#include "tests/support/directory.h"
#include "tests/support/fake/inspector.h"
#include "tests/support/fake/symbolizer.h"
#include "tests/support/shell.h"
#include "tests/support/skip.h"

#define run(...) shell_run(directory, __VA_ARGS__)

#define WAIT_USEC UINT64_C(5000000)

#define NOW  UINT64_C(1000)
#define HERE UINT64_C(0x10000000) /* where the images of the tests have something mapped */

static struct resolver *resolver;
static struct symbolizer *symbolizer;
static struct files *files;
static char directory[256];
static char proc[300];
static char start_directory[256];
static char warning[2048];
static int n_warnings;

static void on_failure(void *userdata, const char *text)
{
	snprintf(warning, sizeof(warning), "%s", text);
	n_warnings++;
}

static void make_resolver(const char *proc_root)
{
	symbolizer = fake_reader_new();
	files = files_new(proc_root, &fake_inspector);
	resolver = resolver_new(proc_root, files, &fake_inspector, symbolizer, on_failure, NULL);
	cr_assert(resolver && files);
}

static void set_up(void)
{
	cr_assert_not_null(getcwd(start_directory, sizeof(start_directory)));
	directory_make(directory, sizeof(directory));
	snprintf(proc, sizeof(proc), "%s/proc", directory);
	make_resolver("/proc");
}

static void drop_resolver(void)
{
	resolver_free(resolver);
	fake_reader_free(symbolizer);
	files_free(files);
}

static void tear_down(void)
{
	drop_resolver();
	directory_remove(directory);
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

static uint32_t name_at(const struct image *image, uint64_t address, uint64_t at_ns,
			struct frame *ret)
{
	uint32_t frames[RESOLVER_INLINES_MAX], n = 0;

	cr_assert_eq(resolver_want(resolver, image, address, at_ns), 0);
	resolver_ask(resolver, WAIT_USEC);
	cr_assert_eq(resolver_name_user(resolver, image, address, at_ns, frames, &n), 0);
	cr_assert(n > 0 && n <= RESOLVER_INLINES_MAX);
	resolver_get_frame(resolver, frames[n - 1], ret);
	return frames[n - 1];
}

static uint32_t name_user(const struct image *image, const void *address, struct frame *ret)
{
	return name_at(image, (uintptr_t)address, NOW, ret);
}

static void assert_frame(const struct frame *frame, enum frame_kind kind, const char *function,
			 const char *module)
{
	cr_assert_eq(frame->kind, kind);
	cr_assert_str_eq(frame->function, function);
	cr_assert_str_eq(frame->module, module);
	if (module[0] == '[')
		cr_assert_str_empty(frame->build_id);
}

/* Makes an image without mappings: the test adds them. */
static struct image image_new(uint32_t pid)
{
	static uint32_t last_id = 76;
	struct image image = {.id = ++last_id, .pid = pid, .maps = maps_new()};

	cr_assert_not_null(image.maps);
	return image;
}

static void image_map(struct image *image, uint64_t start, const char *path, uint64_t since_ns)
{
	struct mapping mapping = {
		.start = start,
		.end = start + 0x100000,
		.since_ns = since_ns,
		.path = path,
	};

	cr_assert_geq(maps_add(image->maps, &mapping), 0);
	image->generation++;
	if (since_ns > image->changed_ns)
		image->changed_ns = since_ns;
}

static void image_done(struct image *image)
{
	maps_free(image->maps);
}

/* Makes a library with one function at the start of its text, 0x1000. */
static void make_library(const char *path, const char *function)
{
	run("mkdir -p $(dirname %s) && echo 'volatile int s; void %s(void) { s = 1; s = 2; }' >l.c "
	    "&& "
	    "cc -g -O1 -shared -fPIC -nostdlib -Wl,--build-id -o %s l.c",
	    path, function, path);
}

Test(resolver, names_functions_of_this_program_and_its_libraries)
{
	struct images *images = images_new("/proc");
	const struct image *image = images_find(images, getpid(), NOW);
	struct frame frame;

	cr_assert_not_null(image);
	name_user(image, (char *)known_function + 3, &frame);
	assert_frame(&frame, FRAME_NATIVE, "known_function", "test_daemon_resolver_resolver");
	cr_assert_geq(strlen(frame.build_id), 16);
	cr_assert_neq(frame.offset, 0);
	cr_assert_not_null(strstr(frame.file, "test_resolver.c"));
	cr_assert_neq(frame.line, 0);
	name_user(image, (char *)other_function + 1, &frame);
	assert_frame(&frame, FRAME_NATIVE, "other_function", "test_daemon_resolver_resolver");
	name_user(image, (void *)gnu_get_libc_version, &frame);
	assert_frame(&frame, FRAME_NATIVE, "gnu_get_libc_version", "libc.so.6");
	images_free(images);
}

Test(resolver, all_addresses_of_a_file_are_one_request)
{
	struct images *images = images_new("/proc");
	const struct image *image = images_find(images, getpid(), NOW);
	struct frame frame;

	for (uintptr_t i = 0; i < 8; i++)
		cr_assert_eq(resolver_want(resolver, image, (uintptr_t)known_function + i, NOW), 0);
	cr_assert_eq(resolver_want(resolver, image, (uintptr_t)known_function, NOW), 0);
	resolver_ask(resolver, WAIT_USEC);
	cr_assert_eq(symbolizer->n_requests, 1);
	cr_assert_eq(symbolizer->n_addresses, 8);
	name_user(image, known_function, &frame);
	cr_assert_eq(symbolizer->n_requests, 1, "what is known is not asked again");
	images_free(images);
}

Test(resolver, equal_frames_have_one_index)
{
	struct images *images = images_new("/proc");
	const struct image *image = images_find(images, getpid(), NOW);
	uint32_t first, other;
	struct frame frame;

	cr_assert_eq(resolver_count(resolver), 0);
	first = name_user(image, known_function, &frame);
	cr_assert_eq(name_user(image, known_function, &frame), first);
	other = name_user(image, other_function, &frame);
	cr_assert_neq(other, first);
	cr_assert_eq(resolver_count(resolver), 2);
	cr_assert_gt(resolver_bytes(resolver), 0);
	resolver_clear(resolver);
	files_clear(files);
	cr_assert_eq(resolver_count(resolver), 0);
	/* Nothing from before the clear is used: its index would be wrong now. */
	cr_assert_eq(name_user(image, other_function, &frame), 0);
	cr_assert_str_eq(frame.function, "other_function");
	images_free(images);
}

Test(resolver, an_answer_that_comes_later_is_there_the_next_time)
{
	char path[512];
	struct image image = image_new(getpid());
	uint32_t before, frames[RESOLVER_INLINES_MAX], n;
	struct frame frame;

	snprintf(path, sizeof(path), "%s/liblate.so", directory);
	make_library("liblate.so", "late");
	image_map(&image, HERE, path, 0);
	symbolizer->is_late = true;
	before = name_at(&image, HERE + 0x1000, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "+0x1000", "liblate.so");
	cr_assert_eq(frame.offset, 0x1000);
	cr_assert_eq(strlen(frame.build_id), 40);
	name_at(&image, HERE + 0x1000, NOW, &frame);
	cr_assert_eq(symbolizer->n_requests, 1, "asked once while it is open");
	symbolizer->is_late = false;
	symbolizer_wait(symbolizer, 0);
	cr_assert_eq(resolver_name_user(resolver, &image, HERE + 0x1000, NOW, frames, &n), 0);
	cr_assert_eq(n, 1);
	cr_assert_neq(frames[0], before);
	resolver_get_frame(resolver, frames[0], &frame);
	assert_frame(&frame, FRAME_NATIVE, "late", "liblate.so");
	image_done(&image);
}

Test(resolver, a_file_that_cannot_be_looked_at_for_now_has_its_names_later)
{
	char path[512];
	struct image image = image_new(getpid());
	struct frame frame;

	snprintf(path, sizeof(path), "%s/liblater.so", directory);
	make_library("liblater.so", "later");
	image_map(&image, HERE, path, 0);
	fake_inspector.error = -EAGAIN;
	name_at(&image, HERE + 0x1000, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "+0x1000", "liblater.so");
	cr_assert_eq(symbolizer->n_requests, 0);
	fake_inspector.error = 0;
	name_at(&image, HERE + 0x1000, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "later", "liblater.so");
	cr_assert_eq(strlen(frame.build_id), 40);
	image_done(&image);
}

Test(resolver, an_answer_from_before_a_clear_is_nobodys)
{
	struct images *images = images_new("/proc");
	const struct image *image = images_find(images, getpid(), NOW);
	struct frame frame;

	symbolizer->is_late = true;
	name_user(image, known_function, &frame);
	resolver_clear(resolver);
	files_clear(files);
	symbolizer->is_late = false;
	symbolizer_wait(symbolizer, 0);
	cr_assert_eq(resolver_count(resolver), 0);
	symbolizer->is_late = true;
	name_user(image, known_function, &frame);
	images_free(images);
	/* The resolver may be freed before the reply comes, too. */
}

Test(resolver, a_file_that_breaks_the_reader_is_told_once_and_left_alone)
{
	char path[512];
	struct image image = image_new(getpid());
	struct frame frame;

	snprintf(path, sizeof(path), "%s/libbad.so", directory);
	make_library("libbad.so", "bad");
	image_map(&image, HERE, path, 0);
	symbolizer->error = -EBADMSG;
	name_at(&image, HERE + 0x1000, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "+0x1000", "libbad.so");
	cr_assert_eq(strlen(frame.build_id), 40);
	cr_assert_eq(n_warnings, 1);
	cr_assert_not_null(strstr(warning, "/libbad.so: "), "%s", warning);
	name_at(&image, HERE + 0x1004, NOW, &frame);
	cr_assert_eq(symbolizer->n_requests, 1);
	cr_assert_eq(n_warnings, 1);
	image_done(&image);
}

Test(resolver, a_reader_that_does_not_start_is_asked_again)
{
	char path[512];
	struct image image = image_new(getpid());
	struct frame frame;

	snprintf(path, sizeof(path), "%s/libfine.so", directory);
	make_library("libfine.so", "fine");
	image_map(&image, HERE, path, 0);
	symbolizer->error = -EIO;
	name_at(&image, HERE + 0x1000, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "+0x1000", "libfine.so");
	cr_assert_eq(n_warnings, 0);
	symbolizer->error = 0;
	name_at(&image, HERE + 0x1000, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "fine", "libfine.so");
	image_done(&image);
}

Test(resolver, two_libraries_at_one_address_one_after_the_other)
{
	char first[512], second[512];
	struct image image = image_new(getpid());
	struct frame frame;

	snprintf(first, sizeof(first), "%s/liba.so", directory);
	snprintf(second, sizeof(second), "%s/libb.so", directory);
	make_library("liba.so", "of_a");
	make_library("libb.so", "of_b");
	image_map(&image, HERE, first, 0);
	image_map(&image, HERE, second, 5000);
	name_at(&image, HERE + 0x1000, 6000, &frame);
	assert_frame(&frame, FRAME_NATIVE, "of_b", "libb.so");
	name_at(&image, HERE + 0x1000, 4000, &frame);
	assert_frame(&frame, FRAME_NATIVE, "of_a", "liba.so");
	image_done(&image);
}

/* Makes a /proc with the processes 1, 10 and 11, each with a root of its own. */
static void make_containers(void)
{
	static const int pids[] = {1, 10, 11};

	for (size_t i = 0; i < array_length(pids); i++)
		run("mkdir -p proc/%d root%d && ln -s ../../root%d proc/%d/root", pids[i], pids[i],
		    pids[i], pids[i]);
	make_library("root10/lib.so", "inside");
	run("objcopy --only-keep-debug root10/lib.so d.debug && strip root10/lib.so && "
	    "ln root10/lib.so root11/lib.so");
}

Test(resolver, processes_of_one_file_ask_once)
{
	struct image first, second;
	struct frame frame;

	drop_resolver();
	make_containers();
	run("rm proc/11/root && ln -s ../../root10 proc/11/root");
	make_resolver(proc);
	first = image_new(10);
	second = image_new(11);
	image_map(&first, HERE, "/lib.so", 0);
	image_map(&second, 2 * HERE, "/lib.so", 0);
	name_at(&first, HERE + 0x1000, NOW, &frame);
	cr_assert_eq(symbolizer->n_requests, 1);
	name_at(&second, 2 * HERE + 0x1000, NOW, &frame);
	cr_assert_eq(symbolizer->n_requests, 1);
	image_done(&first);
	image_done(&second);
}

/* The lines are in the debug file alone. */
Test(resolver, debug_file_of_a_container_names_nothing_outside)
{
	struct image first, second;
	struct frame frame;

	drop_resolver();
	make_containers();
	run("id=$(readelf -n d.debug | sed -n 's/.*Build ID: //p') && "
	    "d=root10/usr/lib/debug/.build-id/$(echo $id | cut -c1-2) && mkdir -p $d && "
	    "cp d.debug $d/$(echo $id | cut -c3-).debug");
	make_resolver(proc);
	first = image_new(10);
	second = image_new(11);
	image_map(&first, HERE, "/lib.so", 0);
	image_map(&second, HERE, "/lib.so", 0);
	name_at(&first, HERE + 0x1000, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "inside", "lib.so");
	cr_assert_eq(frame.line, 1);
	name_at(&second, HERE + 0x1000, NOW, &frame);
	cr_assert_eq(frame.line, 0);
	cr_assert_str_eq(frame.file, "/lib.so");
	image_done(&first);
	image_done(&second);
}

Test(resolver, memory_without_a_file_has_no_functions)
{
	struct image image = image_new(getpid());
	struct frame frame;

	image_map(&image, HERE, "", 0);
	name_at(&image, HERE + 0x10, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[anon]");
	name_at(&image, 8, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[unmapped]");
	cr_assert_eq(symbolizer->n_requests, 0);
	image_done(&image);
}

Test(resolver, the_vdso_has_its_names)
{
	uint64_t start = getauxval(AT_SYSINFO_EHDR);
	struct images *images = images_new("/proc");
	const struct image *image = images_find(images, getpid(), NOW);
	bool found = false;
	struct frame frame;

	for (uint64_t at = 0; at < 4096 && !found; at += 16) {
		name_at(image, start + at, NOW, &frame);
		cr_assert_str_eq(frame.module, "[vdso]");
		found = strstr(frame.function, "clock_gettime");
	}
	cr_assert(found);
	images_free(images);
}

/* Returns the path at which a process of this name space writes its perf map. */
static void perf_map_path(char *ret, size_t size)
{
	snprintf(ret, size, "/tmp/perf-%d.map", getpid());
}

static void append_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "a");

	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

Test(resolver, code_made_at_run_time_by_the_perf_map)
{
	struct image image = image_new(getpid());
	struct frame frame;
	char path[64];

	perf_map_path(path, sizeof(path));
	append_text(path, "10000000 100 first\n");
	image_map(&image, HERE, "", 0);
	name_at(&image, HERE + 0x10, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "first", "[jit]");
	cr_assert_eq(frame.offset, HERE);
	name_at(&image, HERE + 0x200, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[jit]");
	/* The file was written to meanwhile: it is read again, at most once in RESOLVER_JIT_NS. */
	append_text(path, "10000300 100 second\n10000000 100 other\n10000200 100 late\n");
	name_at(&image, HERE + 0x310, NOW, &frame);
	cr_assert_str_eq(frame.function, "[unknown]");
	usleep(RESOLVER_JIT_NS / 1000 + 1000);
	name_at(&image, HERE + 0x200, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "late", "[jit]");
	name_at(&image, HERE + 0x310, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "second", "[jit]");
	name_at(&image, HERE + 0x10, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "other", "[jit]");
	unlink(path);
	image_done(&image);
}

/* The seed has a function from 0x1000 on, moved to 0x3000. */
Test(resolver, code_made_at_run_time_by_the_jitdump)
{
	struct image image = image_new(getpid());
	struct frame frame;
	char path[512];
	void *map;
	int fd;

	if (geteuid() != 0) {
		image_done(&image);
		skip_loudly("only root can open what is mapped");
	}
	run("cp %s/fuzz/seeds/jitdump/records jit-1.dump", start_directory);
	snprintf(path, sizeof(path), "%s/jit-1.dump", directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	cr_assert(fd >= 0 && map != MAP_FAILED);
	close(fd);
	image_map(&image, (uintptr_t)map, path, 0);
	image_map(&image, 0, "", 0);
	name_at(&image, 0x300a, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "first", "[jit]");
	cr_assert_str_eq(frame.file, "a.js");
	cr_assert_eq(frame.line, 2);
	image_done(&image);
}

Test(resolver, perf_map_of_somebody_else_is_not_believed)
{
	struct image image = image_new(getpid());
	struct timespec old[2] = {{1, 0}, {1, 0}};
	struct frame frame;
	char path[64];

	perf_map_path(path, sizeof(path));
	append_text(path, "10000000 100 forged\n");
	image_map(&image, HERE, "", 0);
	/* The file is from before the process began. */
	cr_assert_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	name_at(&image, HERE + 0x10, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[anon]");
	unlink(path);
	/* The file is a link to where another user may write. */
	resolver_clear(resolver);
	run("echo 10000000 100 linked >m && ln -s $PWD/m %s", path);
	name_at(&image, HERE + 0x10, NOW, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[anon]");
	unlink(path);
	if (geteuid() == 0) {
		resolver_clear(resolver);
		append_text(path, "10000000 100 foreign\n");
		cr_assert_eq(chown(path, 12345, 12345), 0);
		name_at(&image, HERE + 0x10, NOW, &frame);
		assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[anon]");
		unlink(path);
	}
	image_done(&image);
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
	struct image image = image_new(getpid());
	struct frame frame;

	image_map(&image, HERE, "/nowhere/lib\nfoo.so", 0);
	name_user(&image, (void *)(HERE + 0x1234), &frame);
	assert_frame(&frame, FRAME_NATIVE, "+0x1234",
		     "lib\xef\xbf\xbd"
		     "foo.so");
	cr_assert_eq(frame.offset, 0x1234);
	cr_assert_str_empty(frame.build_id);
	image_done(&image);
}

Test(resolver, another_file_in_its_place_gives_no_names)
{
	struct mapping mapping = {
		.start = HERE,
		.end = 2 * HERE,
		.build_id_bytes = 4,
		.build_id = {1, 2, 3, 0xab},
	};
	struct image image = image_new(getpid());
	char path[4096] = "";
	struct frame frame;

	cr_assert_gt(readlink("/proc/self/exe", path, sizeof(path) - 1), 0);
	mapping.path = path;
	cr_assert_geq(maps_add(image.maps, &mapping), 0);
	name_user(&image, (void *)(HERE + 0x1234), &frame);
	assert_frame(&frame, FRAME_NATIVE, "+0x1234", "test_daemon_resolver_resolver");
	/* The build-id is the mapping's: with it the name can be found later. */
	cr_assert_str_eq(frame.build_id, "010203ab");
	image_done(&image);
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
	/* The symbols are others now: the names of the old ones are not used. */
	resolver_forget_kernel(resolver);
	name_kernel(NULL, UINT64_C(0xffffffff81000010), &frame);
	assert_frame(&frame, FRAME_KERNEL, "[unknown]", "[kernel]");
	/* The same number in a process is another address. */
	name_user(NULL, (void *)0x1234, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[unknown]", "[gone]");
	ksyms_free(ksyms);
}

Test(resolver, the_end_of_a_stack_has_its_name)
{
	struct frame frame;
	uint32_t index;

	cr_assert_eq(resolver_name_end(resolver, OX_STOP_NO_TABLE, &index), 0);
	resolver_get_frame(resolver, index, &frame);
	assert_frame(&frame, FRAME_NATIVE, "[no-table]", "");
}

/* ---- Python ---- */

static int add_part(uint32_t id, enum ox_fragment_kind kind, const void *data, size_t bytes)
{
	struct ox_fragment part = {.id = id, .kind = kind, .width = 1, .bytes = bytes};
	char sent[sizeof(part) + 256];

	cr_assert_leq(bytes, 256);
	memcpy(sent, &part, sizeof(part));
	memcpy(sent + sizeof(part), data, bytes);
	return resolver_add_part(resolver, (const struct ox_fragment *)sent, sizeof(part) + bytes);
}

/* Adds a code object of Python 3.8 with line 11 from position 0 on and line 12 from 8 on. */
static void define(uint32_t id, const char *name)
{
	struct ox_definition head = {0x0308, 10};

	cr_assert_eq(add_part(id, OX_FRAGMENT_NAME, name, strlen(name)), 0);
	cr_assert_eq(add_part(id, OX_FRAGMENT_MODULE, "app.views", 9), 0);
	cr_assert_eq(add_part(id, OX_FRAGMENT_FILE, "/srv/app/views.py", 17), 0);
	cr_assert_eq(add_part(id, OX_FRAGMENT_LINES, "\0\1\x08\1", 4), 0);
	cr_assert_eq(add_part(id, OX_FRAGMENT_HEAD, &head, sizeof(head)), 0);
}

static uint32_t name_python(uint32_t id, uint32_t position, int expected, struct frame *ret)
{
	uint64_t word = (uint64_t)id << 32 | (uint64_t)position << 1 | OX_PYTHON_ENTRY;
	uint32_t frame = UINT32_MAX;

	cr_assert_eq(resolver_name_python(resolver, word, &frame), expected, "%u", id);
	resolver_get_frame(resolver, frame, ret);
	return frame;
}

static void assert_python(uint32_t id, const char *function)
{
	struct frame frame;

	name_python(id, 0, 0, &frame);
	assert_frame(&frame, FRAME_PYTHON, function, "app.views");
}

static void assert_no_python(uint32_t id)
{
	struct frame frame;

	name_python(id, 0, 1, &frame);
	assert_frame(&frame, FRAME_PYTHON, "[unknown]", "");
	cr_assert_str_empty(frame.file);
	cr_assert_eq(frame.line, 0);
}

Test(resolver, names_python_frames_by_their_definitions)
{
	struct frame frame;
	uint32_t first;

	define(5, "index");
	first = name_python(5, 0, 0, &frame);
	assert_frame(&frame, FRAME_PYTHON, "index", "app.views");
	cr_assert_str_eq(frame.file, "/srv/app/views.py");
	cr_assert_str_empty(frame.build_id);
	cr_assert_eq(frame.line, 11);
	cr_assert_eq(frame.offset, 0);
	/* Another position may have the same line, or another one. */
	cr_assert_eq(name_python(5, 2, 0, &frame), first);
	cr_assert_neq(name_python(5, 8, 0, &frame), first);
	cr_assert_eq(frame.line, 12);
	name_python(5, OX_PYTHON_NOT_BEGUN, 0, &frame);
	cr_assert_eq(frame.line, 10);
	/* An equal code object of another process is the same frame. */
	define(6, "index");
	cr_assert_eq(name_python(6, 0, 0, &frame), first);
	define(7, "other");
	assert_python(7, "other");
	assert_python(5, "index");
}

Test(resolver, python_frames_without_a_definition_say_so)
{
	struct frame frame;

	assert_no_python(5);
	cr_assert_eq(
		resolver_name_python(resolver, (uint64_t)OX_PYTHON_NO_NAME << 1, &(uint32_t){0}),
		1);
	/* A definition that comes later counts from then on. */
	define(5, "late");
	assert_python(5, "late");
	/* This definition has an empty name. */
	define(6, "");
	name_python(6, 0, 0, &frame);
	assert_frame(&frame, FRAME_PYTHON, "[unknown]", "app.views");
	cr_assert_eq(frame.line, 11);
	cr_assert_eq(add_part(8, OX_N_PARTS, "", 0), -EBADMSG);
	cr_assert_eq(add_part(8, OX_FRAGMENT_HEAD, "", 1), -EBADMSG);
	assert_no_python(8);
}

Test(resolver, python_code_that_was_forgotten_is_known_until_it_expires)
{
	size_t before, with;

	before = resolver_bytes(resolver);
	define(5, "old");
	assert_python(5, "old");
	with = resolver_bytes(resolver);
	cr_assert_gt(with, before);
	resolver_clear(resolver);
	cr_assert_eq(resolver_count(resolver), 0);
	cr_assert_leq(resolver_bytes(resolver), with);
	assert_python(5, "old");
	define(6, "new");
	assert_python(6, "new");
	resolver_expire(resolver);
	assert_python(6, "new");
	assert_no_python(5);
	resolver_expire(resolver);
	assert_python(6, "new");
}

Test(resolver, numbers_of_another_kernel_side_mean_other_code)
{
	define(5, "before");
	define(6, "also before");
	assert_python(5, "before");
	assert_python(6, "also before");
	resolver_forget_python(resolver);
	assert_no_python(5);
	define(5, "after");
	assert_python(5, "after");
	assert_no_python(6);
}
