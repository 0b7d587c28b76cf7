/* SPDX-License-Identifier: MIT */
/* Which file is open, and whether the path leads to it still. */
#include "db/internal.h"

#include <errno.h>
#include <sys/stat.h>

static const char *const suffixes[N_STORE_FILES] = {
	[STORE_FILE_DATABASE] = "",
	[STORE_FILE_LOG] = "-wal",
	[STORE_FILE_INDEX] = "-shm",
};

static int file_name(const struct store *store, unsigned n, char **ret)
{
	if (asprintf(ret, "%s%s", store->path, suffixes[n]) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* Finds which file a path leads to; zeros: to none. */
static int find_file(const struct store *store, unsigned n, struct store_file *ret)
{
	_cleanup_free_ char *name = NULL;
	struct stat st;
	int r = file_name(store, n, &name);

	if (r < 0)
		return r;
	*ret = lstat(name, &st) < 0 ? (struct store_file){}
				    : (struct store_file){.device = st.st_dev, .inode = st.st_ino};
	return 0;
}

/* True if the path leads to the file that is open. */
static bool is_same(const struct store *store, unsigned n)
{
	struct store_file file;

	return find_file(store, n, &file) == 0 && file.device == store->files[n].device &&
	       file.inode == store->files[n].inode;
}

int store_note_files(struct store *store)
{
	int r = 0;

	for (unsigned i = 0; i < N_STORE_FILES && r == 0; i++)
		r = find_file(store, i, &store->files[i]);
	return r;
}

int store_check_file(struct store *store)
{
	for (unsigned i = 0; i < N_STORE_FILES; i++) {
		if (is_same(store, i))
			continue;
		snprintf(store->error, sizeof(store->error),
			 "%s%s was deleted, moved or replaced while it was in use", store->path,
			 suffixes[i]);
		return -ESTALE;
	}
	return 0;
}

bool store_is_moved(const struct store *store)
{
	return !is_same(store, STORE_FILE_DATABASE);
}

/* Removes what would be poison for another database of that name: a log is taken for its own. */
void store_remove_side_files(const struct store *store)
{
	for (unsigned i = STORE_FILE_LOG; i < N_STORE_FILES; i++) {
		_cleanup_free_ char *name = NULL;

		if (is_same(store, i) && file_name(store, i, &name) == 0)
			(void)unlink(name);
	}
}
