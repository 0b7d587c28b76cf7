/* SPDX-License-Identifier: MIT */
/* Names for frames that had none, with a symbolizer of the test's own. */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "daemon/resolver/resymbolize.h"
#include "tests/support/directory.h"
#include "tests/support/fake/inspector.h"

#define LIBRARY "/lib/liba.so"
#define DEBUG   "/usr/lib/debug/.build-id/ab/cd01.debug"

static char directory[256], proc[300];
static struct store *store;
static struct resymbolize *work;
static unsigned n_wakes;

/* The request that is open. */
static struct request {
	uint64_t addresses[SYMBOLIZER_NAMES_MAX];
	size_t n;
	bool file, debug;
	symbolizer_fn fn;
	void *userdata;
	unsigned n_asked;
	int refuse;
} request;

static int ask_names(struct symbolizer *symbolizer, const struct symbolizer_files *files,
		     const uint64_t *addresses, size_t n, symbolizer_fn fn, void *userdata)
{
	cr_assert_null(request.fn, "one at a time");
	cr_assert_leq(n, RESYMBOLIZE_CHUNK);
	cr_assert_eq(files->source, SYMBOLIZER_ELF_VADDRS);
	request.n_asked++;
	if (request.refuse)
		return request.refuse;
	memcpy(request.addresses, addresses, n * sizeof(*addresses));
	request.n = n;
	request.file = files->file >= 0 && fcntl(files->file, F_GETFD) >= 0;
	request.debug = files->debug >= 0 && fcntl(files->debug, F_GETFD) >= 0;
	request.fn = fn;
	request.userdata = userdata;
	return 0;
}

/* Stands in for symbolizer_reply_get_names(). Odd addresses have no name; others have the name of
 * their hundred, with a function inlined in it. */
static size_t get_names(const struct symbolizer_reply *reply, size_t i, uint64_t *ret_vaddr,
			struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX])
{
	static char function[64];
	uint64_t vaddr = request.addresses[i];

	cr_assert_lt(i, request.n);
	*ret_vaddr = vaddr;
	if (vaddr & 1)
		return 0;
	snprintf(function, sizeof(function), vaddr == 0x2000 ? "+0x2000" : "f%lu",
		 (unsigned long)vaddr / 100);
	ret[0] = (struct symbolizer_name){function, "/src/a.c", vaddr, 7};
	ret[1] = (struct symbolizer_name){"inlined", "/src/b.c", vaddr, 8};
	if (vaddr == 0x3000)
		ret[0].file = "";
	return 2;
}

static const struct resymbolize_ops ops = {ask_names, get_names};

static void answer(int error)
{
	symbolizer_fn fn = take_ptr(request.fn);

	cr_assert_not_null(fn);
	fn(request.userdata, error, NULL);
}

static void wake(void *userdata)
{
	cr_assert_eq(userdata, &n_wakes);
	n_wakes++;
}

/* ---- files ---- */

static void make_directories(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void)mkdir(path, 0755);
		*at = '/';
	}
}

/* Makes a file with this build-id below PID 1's root. */
static void make_file(const char *name, const char *id)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
		Elf64_Nhdr note;
		char owner[4];
		char id[4];
	} elf = {
		.header = {.e_type = ET_DYN,
			   .e_machine = EM_X86_64,
			   .e_version = EV_CURRENT,
			   .e_phoff = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 1,
			   .e_ehsize = sizeof(Elf64_Ehdr)},
		.segment = {.p_type = PT_NOTE,
			    .p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			    .p_filesz = sizeof(Elf64_Nhdr) + 8,
			    .p_align = 4},
		.note = {.n_namesz = 4, .n_descsz = 3, .n_type = NT_GNU_BUILD_ID},
		.owner = "GNU",
	};
	char path[600];
	FILE *f;

	memcpy(elf.header.e_ident, ELFMAG, SELFMAG);
	elf.header.e_ident[EI_CLASS] = ELFCLASS64;
	elf.header.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.header.e_ident[EI_VERSION] = EV_CURRENT;
	memcpy(elf.id, id, 3);
	snprintf(path, sizeof(path), "%s/1/root%s", proc, name);
	make_directories(path);
	f = fopen(path, "we");
	cr_assert_not_null(f, "%s", path);
	cr_assert_eq(fwrite(&elf, sizeof(elf), 1, f), 1);
	fclose(f);
}

static void set_up(void)
{
	_cleanup_free_ char *aside = NULL, *why = NULL;
	char path[300];

	directory_make(directory, sizeof(directory));
	snprintf(proc, sizeof(proc), "%s/proc", directory);
	snprintf(path, sizeof(path), "%s/ox.db", directory);
	cr_assert_eq(store_open(path, 0, &store, &aside, &why), 0, "%s", why);
}

static void tear_down(void)
{
	resymbolize_free(work);
	store_free(store);
	directory_remove(directory);
}

TestSuite(resymbolize, .init = set_up, .fini = tear_down);

/* ---- the history ---- */

static int64_t add_frame(const char *function, const char *file, const char *build_id,
			 uint64_t offset)
{
	struct frame frame = {.function = function,
			      .module = "liba.so",
			      .file = file,
			      .build_id = build_id,
			      .offset = offset};
	int64_t id;

	cr_assert_eq(store_add_frame(store, &frame, &id), 0);
	return id;
}

static int64_t add_unnamed(const char *file, const char *build_id, uint64_t offset)
{
	char function[32];

	snprintf(function, sizeof(function), "+0x%lx", (unsigned long)offset);
	return add_frame(function, file, build_id, offset);
}

struct wanted {
	int64_t id;
	struct frame frame;
	unsigned n;
};

static int take_frame(void *userdata, int64_t id, const struct frame *frame)
{
	struct wanted *wanted = userdata;

	if (id != wanted->id)
		return 0;
	wanted->n++;
	cr_expect_str_eq(frame->function, wanted->frame.function);
	cr_expect_str_eq(frame->file, wanted->frame.file);
	cr_expect_str_eq(frame->module, "liba.so");
	cr_expect_eq(frame->line, wanted->frame.line);
	cr_expect_eq(frame->offset, wanted->frame.offset);
	cr_expect_str_eq(frame->build_id, wanted->frame.build_id);
	return 0;
}

static void expect_frame(int64_t id, const char *function, const char *file, uint32_t line,
			 const char *build_id, uint64_t offset)
{
	struct wanted wanted = {.id = id,
				.frame = {.function = function,
					  .file = file,
					  .line = line,
					  .build_id = build_id,
					  .offset = offset}};

	cr_assert_eq(store_foreach_frame(store, 1, take_frame, &wanted), 0);
	cr_expect_eq(wanted.n, 1);
}

static void expect_file(uint32_t n, const char *path, const char *build_id, uint64_t named,
			uint64_t unnamed, int error)
{
	struct resymbolize_file file;

	cr_assert_lt(n, resymbolize_count_files(work));
	resymbolize_get_file(work, n, &file);
	cr_expect_str_eq(file.path, path);
	cr_expect_str_eq(file.build_id, build_id);
	cr_expect_eq(file.named, named, "%s: %lu named", path, file.named);
	cr_expect_eq(file.unnamed, unnamed, "%s: %lu unnamed", path, file.unnamed);
	cr_expect_eq(file.error, error, "%s: %d", path, file.error);
}

/* ---- steps ---- */

static void start(void)
{
	struct symbolizer *symbolizer = (struct symbolizer *)directory; /* is only handed on */

	cr_assert_eq(resymbolize_new(store, symbolizer, &fake_inspector, &ops, proc, wake, &n_wakes,
				     &work),
		     0);
}

/* Takes steps up to the next request, or to the end. Returns what the last step returned. */
static int go(void)
{
	int r;

	do
		r = resymbolize_step(work);
	while (r == RESYMBOLIZE_MORE);
	return r;
}

static void go_to_request(void)
{
	cr_assert_eq(go(), RESYMBOLIZE_WAITING);
	cr_assert_eq(go(), RESYMBOLIZE_WAITING);
	cr_assert_not_null(request.fn);
}

Test(resymbolize, an_empty_history_is_done_at_once)
{
	start();
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
	cr_assert_eq(resymbolize_count_files(work), 0);
}

/* Stands for a process that opens files and is still starting. */
Test(resymbolize, a_file_that_cannot_be_opened_for_now_is_waited_for)
{
	add_unnamed(LIBRARY, "abcd01", 0x1000);
	make_file(LIBRARY, "\xab\xcd\x01");
	start();
	fake_inspector.open_error = -EAGAIN;
	for (int i = 0; i < 20; i++)
		cr_assert_eq(resymbolize_step(work), RESYMBOLIZE_MORE);
	cr_expect_null(request.fn);
	fake_inspector.open_error = 0;
	go_to_request();
	cr_expect(request.file);
	cr_expect_eq(fake_inspector.rights.uid, 65534, "whoever it was");
	answer(0);
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
}

Test(resymbolize, addresses_get_names_from_the_file_and_its_debug_file)
{
	int64_t even = add_unnamed(LIBRARY, "abcd01", 0x1000);
	int64_t odd = add_unnamed(LIBRARY, "abcd01", 0x1001);
	int64_t again = add_unnamed(LIBRARY, "abcd01", 0x2000);
	int64_t plain = add_unnamed(LIBRARY, "abcd01", 0x3000);
	int64_t named = add_frame("main", LIBRARY, "abcd01", 0x4000);
	int64_t no_id = add_unnamed(LIBRARY, "", 0x5000);

	make_file(LIBRARY, "\xab\xcd\x01");
	make_file(DEBUG, "\xab\xcd\x01");
	start();
	go_to_request();
	cr_expect(request.file && request.debug);
	cr_expect_eq(request.n, 4);
	cr_expect_eq(n_wakes, 0);
	answer(0);
	cr_expect_eq(n_wakes, 1);
	expect_frame(even, "+0x1000", LIBRARY, 0, "abcd01", 0x1000);
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
	cr_expect_eq(request.n_asked, 1);
	expect_file(0, LIBRARY, "abcd01", 2, 2, 0);
	cr_expect_eq(resymbolize_count_files(work), 1);
	expect_frame(even, "f40", "/src/a.c", 7, "abcd01", 0x1000);
	expect_frame(odd, "+0x1001", LIBRARY, 0, "abcd01", 0x1001);
	expect_frame(again, "+0x2000", LIBRARY, 0, "abcd01", 0x2000);
	expect_frame(plain, "f122", LIBRARY, 7, "abcd01", 0x3000);
	expect_frame(named, "main", LIBRARY, 0, "abcd01", 0x4000);
	expect_frame(no_id, "+0x5000", LIBRARY, 0, "", 0x5000);
	/* The next run finds what is left. */
	resymbolize_free(work);
	start();
	go_to_request();
	cr_expect_eq(request.n, 2);
	answer(0);
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
}

Test(resymbolize, another_file_under_the_same_path_names_nothing)
{
	add_unnamed(LIBRARY, "abcd01", 0x1000);
	add_unnamed("/lib/gone.so", "123456", 0x1000);
	add_unnamed("/lib/odd.so", "../../etc/x", 0x1000);
	add_unnamed("", "ab", 0x1000);
	make_file(LIBRARY, "\xab\xcd\x02");
	make_file(DEBUG, "\xab\xcd\x03");
	start();
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
	cr_expect_eq(request.n_asked, 0);
	expect_file(0, LIBRARY, "abcd01", 0, 1, -ENOENT);
	expect_file(1, "/lib/gone.so", "123456", 0, 1, -ENOENT);
	expect_file(2, "/lib/odd.so", "../../etc/x", 0, 1, -ENOENT);
	expect_file(3, "", "ab", 0, 1, -ENOENT);
}

Test(resymbolize, one_of_the_two_files_will_do)
{
	add_unnamed(LIBRARY, "abcd01", 0x1000);
	add_unnamed("/lib/b.so", "111111", 0x1000);
	make_file(DEBUG, "\xab\xcd\x01");
	make_file("/lib/b.so", "\x11\x11\x11");
	start();
	go_to_request();
	cr_expect(!request.file && request.debug);
	answer(0);
	go_to_request();
	cr_expect(request.file && !request.debug);
	answer(0);
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
	expect_file(0, LIBRARY, "abcd01", 1, 0, 0);
	expect_file(1, "/lib/b.so", "111111", 1, 0, 0);
}

Test(resymbolize, a_file_that_cannot_be_looked_at_is_told)
{
	add_unnamed(LIBRARY, "abcd01", 0x1000);
	add_unnamed("/lib/gone.so", "123456", 0x1000);
	make_file(LIBRARY, "\xab\xcd\x01");
	fake_inspector.error = -EBADMSG;
	start();
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
	cr_expect_eq(request.n_asked, 0);
	expect_file(0, LIBRARY, "abcd01", 0, 1, -EBADMSG);
	expect_file(1, "/lib/gone.so", "123456", 0, 1, -ENOENT);
}

Test(resymbolize, a_file_that_fails_costs_its_own_names_only)
{
	int64_t last;

	cr_assert_eq(store_begin(store), 0);
	for (unsigned i = 0; i < 2 * RESYMBOLIZE_CHUNK; i++)
		add_unnamed(LIBRARY, "abcd01", 2 * i);
	last = add_unnamed("/lib/b.so", "111111", 0x1000);
	cr_assert_eq(store_commit(store), 0);
	make_file(LIBRARY, "\xab\xcd\x01");
	make_file("/lib/b.so", "\x11\x11\x11");
	start();
	go_to_request();
	answer(0);
	go_to_request();
	answer(-EBADMSG);
	go_to_request();
	answer(0);
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
	expect_file(0, LIBRARY, "abcd01", RESYMBOLIZE_CHUNK, RESYMBOLIZE_CHUNK, -EBADMSG);
	expect_file(1, "/lib/b.so", "111111", 1, 0, 0);
	expect_frame(last, "f40", "/src/a.c", 7, "111111", 0x1000);
	cr_expect_eq(n_wakes, 3);
	/* The symbolizer cannot be started. */
	resymbolize_free(work);
	request.refuse = -EIO;
	start();
	cr_assert_eq(go(), RESYMBOLIZE_DONE);
	expect_file(0, LIBRARY, "abcd01", 0, RESYMBOLIZE_CHUNK, -EIO);
}

/* These are more than one slice of the table has, and more than one request. */
Test(resymbolize, many_addresses_are_asked_for_in_chunks)
{
	enum { N = 20000 };
	unsigned n_requests = 0;
	int r;

	cr_assert_eq(store_begin(store), 0);
	for (unsigned i = 0; i < N; i++)
		add_unnamed(LIBRARY, "abcd01", 2 * i);
	cr_assert_eq(store_commit(store), 0);
	make_file(LIBRARY, "\xab\xcd\x01");
	start();
	while ((r = go()) == RESYMBOLIZE_WAITING) {
		n_requests++;
		answer(0);
	}
	cr_assert_eq(r, RESYMBOLIZE_DONE);
	cr_expect_eq(n_requests, (N + RESYMBOLIZE_CHUNK - 1) / RESYMBOLIZE_CHUNK);
	/* The name of 0x2000 is its address again, so it counts as unnamed. */
	expect_file(0, LIBRARY, "abcd01", N - 1, 1, 0);
}

Test(resymbolize, can_be_given_up_while_a_question_is_open)
{
	int64_t id = add_unnamed(LIBRARY, "abcd01", 0x1000);

	make_file(LIBRARY, "\xab\xcd\x01");
	start();
	go_to_request();
	work = resymbolize_free(work);
	cr_expect_not_null(request.fn);
	answer(0);
	cr_expect_eq(n_wakes, 0);
	expect_frame(id, "+0x1000", LIBRARY, 0, "abcd01", 0x1000);
	start();
	go_to_request();
	answer(-ECANCELED);
	cr_expect_eq(go(), -ECANCELED);
	cr_expect_null(resymbolize_free(NULL));
}
