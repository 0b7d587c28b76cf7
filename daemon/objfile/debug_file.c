/* SPDX-License-Identifier: MIT */
#include "daemon/objfile/debug_file.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "daemon/process/rights.h"

#define DEBUG_ROOT "/usr/lib/debug"

struct debug_search {
	struct inspector *inspector;
	const char *proc;
	uint32_t pid;
	struct deputy_rights rights;
	const struct stat *file; /* the file itself, which is no debug file of its own */
	bool is_late;            /* some file could not be inspected for now */
};

static bool id_is(const struct elf_info *info, const uint8_t *id, size_t bytes)
{
	return info->build_id_bytes == bytes && memcmp(info->build_id, id, bytes) == 0;
}

/* Opens the path if a debug file of that build-id is there, and reads what it says into *ret. With
 * 0 bytes of id any file will do, and a file without a build-id always does. Returns the
 * descriptor, or -1. */
static int try_path(struct debug_search *search, const char *path, const uint8_t *id, size_t bytes,
		    struct elf_info *ret)
{
	const struct named_file named = {.proc = search->proc, .pid = search->pid, .path = path};
	_cleanup_close_ int fd = inspect_open(search->inspector, &named, &search->rights);
	struct stat st;
	int r;

	search->is_late |= fd == -EAGAIN;
	if (fd < 0 || fstat(fd, &st) < 0 ||
	    (st.st_dev == search->file->st_dev && st.st_ino == search->file->st_ino))
		return -1;
	r = inspect_file(search->inspector, fd, ret);
	search->is_late |= r == -EAGAIN;
	if (r < 0)
		return -1;
	if (bytes && ret->build_id_bytes && !id_is(ret, id, bytes))
		return -1;
	return take_fd(&fd);
}

int debug_file_format_path(const char *build_id, char ret[static DEBUG_FILE_PATH_BYTES])
{
	size_t length = strlen(build_id);

	if (strspn(build_id, "0123456789abcdef") != length || length < 4 ||
	    length >= BUILD_ID_TEXT_BYTES)
		return -EINVAL;
	snprintf(ret, DEBUG_FILE_PATH_BYTES, DEBUG_ROOT "/.build-id/%.2s/%s.debug", build_id,
		 build_id + 2);
	return 0;
}

static int try_build_id(struct debug_search *search, const uint8_t *id, size_t bytes,
			struct elf_info *ret)
{
	char text[BUILD_ID_TEXT_BYTES], path[DEBUG_FILE_PATH_BYTES];
	int fd;

	build_id_format(id, bytes, text);
	if (debug_file_format_path(text, path) < 0)
		return -1;
	fd = try_path(search, path, id, bytes, ret);
	if (fd >= 0 && !ret->build_id_bytes) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Tries the three places of gdb's manual, "Debugging Information in Separate Files". Returns the
 * descriptor, or -1. */
static int try_link(struct debug_search *search, const char *file_path, const struct elf_info *info,
		    struct elf_info *ret)
{
	static const struct {
		const char *before, *behind;
	} places[] = {{"", "/"}, {"", "/.debug/"}, {DEBUG_ROOT, "/"}};
	const char *slash = strrchr(file_path, '/');
	int fd = -1;

	if (!info->link[0] || !slash)
		return -1;
	for (size_t i = 0; i < array_length(places) && fd < 0; i++) {
		char path[2 * PATH_MAX];

		snprintf(path, sizeof(path), "%s%.*s%s%s", places[i].before,
			 (int)(slash - file_path), file_path, places[i].behind, info->link);
		fd = try_path(search, path, info->build_id, info->build_id_bytes, ret);
	}
	return fd;
}

/* Writes the path of the file that a debug file shares with others: Debian's has an absolute one,
 * Fedora's one that leads from the debug file to the same directory. Both are below DEBUG_ROOT; a
 * path elsewhere was not written by dwz. Returns 0, or -ENOENT if there is no such path. */
static int format_alt(const char *link, char *ret, size_t size)
{
	const char *slash = strrchr(link, '/');
	int n;

	if (link[0] == '/' &&
	    (strncmp(link, DEBUG_ROOT "/", sizeof(DEBUG_ROOT)) || strstr(link, "/../")))
		return -ENOENT;
	n = snprintf(ret, size, "%s%s", link[0] == '/' ? "" : DEBUG_ROOT "/.dwz/",
		     link[0] == '/' || !slash ? link : slash + 1);
	return n < (int)size ? 0 : -ENOENT;
}

/* Opens the file that the debug file shares with others. Such a file always has a build-id, so a
 * file without one is refused. Returns the descriptor, or -1. */
static int find_alt(struct debug_search *search, const struct elf_info *info)
{
	char path[SYMBOLIZER_ALT_BYTES + sizeof(DEBUG_ROOT "/.dwz/")];
	struct elf_info alt;
	int fd = -1;

	if (!info->alt_id_bytes)
		return -1;
	if (format_alt(info->alt_link, path, sizeof(path)) == 0)
		fd = try_path(search, path, info->alt_id, info->alt_id_bytes, &alt);
	if (fd >= 0 && !alt.build_id_bytes) {
		close(fd);
		fd = -1;
	}
	return fd >= 0 ? fd : try_build_id(search, info->alt_id, info->alt_id_bytes, &alt);
}

static void find_in(struct debug_search *search, const char *path, const struct elf_info *info,
		    struct debug_file *ret)
{
	struct elf_info debug = *info;

	if (!info->has_dwarf) {
		ret->debug = try_build_id(search, info->build_id, info->build_id_bytes, &debug);
		if (ret->debug < 0)
			ret->debug = try_link(search, path, info, &debug);
	}
	if (ret->debug >= 0 || info->has_dwarf)
		ret->alt = find_alt(search, &debug);
}

/* Looks as the process sees the file system, with the process's rights, and then as PID 1 does,
 * with those that everybody has: the process has none of its own there. */
static void find_everywhere(struct debug_search *search, const struct debug_file_owner *owner,
			    struct debug_file *ret)
{
	if (rights_read(search->proc, owner->pid, &search->rights) < 0)
		rights_set_nobody(&search->rights);
	rights_narrow(&search->rights, search->file->st_uid);
	find_in(search, owner->path, owner->info, ret);
	if (ret->debug >= 0 || ret->alt >= 0 || owner->pid == 1)
		return;
	search->pid = 1;
	rights_set_nobody(&search->rights);
	find_in(search, owner->path, owner->info, ret);
}

int debug_file_find(struct inspector *inspector, const char *proc,
		    const struct debug_file_owner *owner, struct debug_file *ret)
{
	struct stat st;
	struct debug_search search = {
		.inspector = inspector, .proc = proc, .pid = owner->pid, .file = &st};

	assert(owner->info && owner->path && owner->fd >= 0);
	*ret = (struct debug_file){.debug = -1, .alt = -1};
	build_id_format(owner->info->build_id, owner->info->build_id_bytes, ret->build_id);
	if (fstat(owner->fd, &st) < 0)
		return 0;
	find_everywhere(&search, owner, ret);
	if (search.is_late) {
		debug_file_done(ret);
		return -EAGAIN;
	}
	if (ret->debug >= 0)
		(void)file_id_read(ret->debug, &ret->debug_id);
	if (ret->alt >= 0)
		(void)file_id_read(ret->alt, &ret->alt_id);
	return 0;
}

void debug_file_done(struct debug_file *debug_file)
{
	if (debug_file->debug >= 0)
		close(debug_file->debug);
	if (debug_file->alt >= 0)
		close(debug_file->alt);
	debug_file->debug = debug_file->alt = -1;
}
