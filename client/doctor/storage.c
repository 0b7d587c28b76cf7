/* SPDX-License-Identifier: MIT */
/* The place of the history: the settings, the directory, and the free room there. */
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "client/base/text.h"
#include "client/doctor/check.h"
#include "daemon/base/api.h"
#include "daemon/base/config.h"

#define SETTINGS_BYTES_MAX (1 << 20)
#define WARNING_BYTES      512

/* With less than the first, the next minutes may fill the disk; with less than the second, the next
 * write. */
#define FREE_BYTES_LOW (UINT64_C(256) << 20)
#define FREE_BYTES_MIN (UINT64_C(16) << 20)
/* oxprofd may have to make the database and two files beside it. */
#define FREE_INODES_MIN 3

#define MODE_WANTED 02750

/* ---- settings ---- */

struct settings {
	struct config config;
	char warning[WARNING_BYTES]; /* the first warning; "": all settings are understood */
	int error;                   /* the first error of reading a file */
};

static void warn(void *userdata, const char *file, unsigned line, const char *why)
{
	struct settings *settings = userdata;

	if (!*settings->warning)
		snprintf(settings->warning, sizeof(settings->warning), "%s:%u: %s", file, line,
			 why);
}

/* Reads one file; a missing file counts as an empty one. */
static void read_file(const struct machine *machine, const char *path, struct settings *settings)
{
	_cleanup_free_ char *text = malloc(SETTINGS_BYTES_MAX);
	int r = text ? machine_read(machine, path, text, SETTINGS_BYTES_MAX) : -ENOMEM;

	if (r >= 0)
		r = config_parse(&settings->config, path, text, (size_t)r, warn, settings);
	if (r < 0 && r != -ENOENT && settings->error >= 0)
		settings->error = r;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && entry->d_name[0] != '.' &&
	       !strcmp(entry->d_name + length - 5, ".conf");
}

/* Reads the settings as oxprofd does. */
static void read_settings(const struct machine *machine, struct settings *ret)
{
	char directory[MACHINE_PATH_BYTES];
	struct dirent **entries = NULL;
	int n = machine_format_path(machine, OX_CONFIG_DROPINS, directory);

	*ret = (struct settings){0};
	config_init(&ret->config);
	read_file(machine, OX_CONFIG_FILE, ret);
	n = n < 0 ? n : scandir(directory, &entries, is_drop_in, alphasort);
	for (int i = 0; i < n; i++) {
		char path[MACHINE_PATH_BYTES];

		snprintf(path, sizeof(path), "%s/%s", OX_CONFIG_DROPINS, entries[i]->d_name);
		read_file(machine, path, ret);
		free(entries[i]);
	}
	free(entries);
}

static void check_settings(const struct machine *machine, struct settings *settings,
			   struct findings *findings)
{
	read_settings(machine, settings);
	if (settings->error < 0) {
		findings_add(findings, "settings", VERDICT_UNKNOWN,
			     "the settings cannot be read: %s", strerror(-settings->error));
		findings_advise(findings, ADVICE_ROOT);
	} else if (*settings->warning) {
		findings_add(findings, "settings", VERDICT_WARNING, "%s", settings->warning);
		findings_advise(findings,
				"correct the line, see oxprofd.conf(5), then: systemctl reload "
				"oxprofd");
	} else {
		findings_add(findings, "settings", VERDICT_OK, "all settings are understood");
	}
}

/* ---- the directory ---- */

/* True if the type is a network file system, which the store refuses because processes cannot share
 * a write-ahead log over a network. */
static bool is_network(long type)
{
	static const uint32_t types[] = {
		NFS_SUPER_MAGIC,         SMB_SUPER_MAGIC, 0xff534d42 /* CIFS */,
		0xfe534d42 /* SMB2 */,   AFS_SUPER_MAGIC, 0x6b414653 /* AFS of the kernel */,
		CODA_SUPER_MAGIC,        NCP_SUPER_MAGIC, 0x00c36400 /* Ceph */,
		0x0bd00bd0 /* Lustre */,
	};

	for (size_t i = 0; i < array_length(types); i++)
		if ((uint32_t)type == types[i])
			return true;
	return false;
}

static void add_missing(const char *directory, int error, struct findings *findings)
{
	bool is_usual = !strcmp(directory, "/var/lib/oxprof");

	if (error == -EACCES) {
		findings_add(findings, "state", VERDICT_UNKNOWN, "%s: %s", directory,
			     strerror(-error));
		findings_advise(findings, ADVICE_ROOT);
	} else if (error == -ENOENT && is_usual) {
		findings_add(findings, "state", VERDICT_OK,
			     "%s does not exist yet; systemd creates it when it starts oxprofd",
			     directory);
	} else {
		findings_add(findings, "state", VERDICT_FAILED,
			     "the directory of the history, %s: %s", directory, strerror(-error));
		findings_advise(findings,
				"create it: install -d -o oxprof -g oxprof-read -m 2750 %s",
				directory);
	}
}

static void add_rights(const struct machine *machine, const char *directory, const struct stat *st,
		       struct findings *findings)
{
	int64_t owner = user_find(machine, "oxprof");

	if (owner >= 0 && owner != st->st_uid) {
		findings_add(
			findings, "state", VERDICT_FAILED,
			"%s does not belong to user oxprof, so oxprofd cannot write its history "
			"there",
			directory);
		findings_advise(findings, "give it back: chown -R oxprof:oxprof-read %s",
				directory);
	} else if ((st->st_mode & 07777) != MODE_WANTED) {
		findings_add(findings, "state", VERDICT_WARNING,
			     "%s has mode %04o instead of %o, so other users may read the history, "
			     "or group oxprof-read may not",
			     directory, st->st_mode & 07777, MODE_WANTED);
		findings_advise(findings, "change it: chmod %o %s", MODE_WANTED, directory);
	} else {
		findings_add(findings, "state", VERDICT_OK, "%s belongs to oxprof and has mode %o",
			     directory, MODE_WANTED);
	}
}

static void check_directory(const struct machine *machine, const char *directory,
			    struct findings *findings)
{
	char path[MACHINE_PATH_BYTES];
	struct statvfs room;
	struct statfs fs;
	struct stat st;
	int r = machine_stat(machine, directory, &st);

	if (r < 0) {
		add_missing(directory, r, findings);
		return;
	}
	if (machine_format_path(machine, directory, path) < 0 || statfs(path, &fs) < 0 ||
	    statvfs(path, &room) < 0) {
		add_missing(directory, -errno, findings);
		return;
	}
	if (is_network(fs.f_type)) {
		findings_add(findings, "state", VERDICT_FAILED,
			     "%s is on a network file system, where a history cannot be read "
			     "while it is written",
			     directory);
		findings_advise(findings, "choose a local directory: Path= in " OX_CONFIG_FILE);
	} else if (room.f_flag & ST_RDONLY) {
		findings_add(findings, "state", VERDICT_FAILED, "%s is mounted read-only",
			     directory);
		findings_advise(findings, "mount it for writing: mount -o remount,rw %s",
				directory);
	} else {
		add_rights(machine, directory, &st, findings);
	}
}

/* ---- room ---- */

static void add_full(const char *directory, const struct disk_room *room, enum verdict verdict,
		     struct findings *findings)
{
	char text[TEXT_NUMBER_BYTES];

	if (room->free_bytes < FREE_BYTES_LOW)
		findings_add(findings, "disk", verdict, "only %s are free in %s",
			     text_format_bytes(room->free_bytes, text), directory);
	else
		findings_add(findings, "disk", verdict,
			     "no file can be created in %s: no inode is free", directory);
	findings_advise(findings,
			"make room there, or choose another directory: Path= in " OX_CONFIG_FILE);
}

/* Adds the finding that all is well. */
static void add_room(const char *directory, const struct disk_room *room, struct findings *findings)
{
	char free_text[TEXT_NUMBER_BYTES], used[TEXT_NUMBER_BYTES], limit[TEXT_NUMBER_BYTES];

	text_format_bytes(room->free_bytes, free_text);
	text_format_bytes(room->database_bytes, used);
	text_format_bytes(room->max_bytes, limit);
	if (room->database_bytes == UINT64_MAX)
		findings_add(findings, "disk", VERDICT_OK, "%s are free in %s", free_text,
			     directory);
	else if (!room->max_bytes)
		findings_add(findings, "disk", VERDICT_OK,
			     "%s are free in %s; the history takes %s", free_text, directory, used);
	else
		findings_add(findings, "disk", VERDICT_OK,
			     "%s are free in %s; the history takes %s of the %s that it may have",
			     free_text, directory, used, limit);
}

void disk_judge(const char *directory, const struct disk_room *room, struct findings *findings)
{
	bool is_new = room->database_bytes == 0;
	char free_text[TEXT_NUMBER_BYTES], keep[TEXT_NUMBER_BYTES];

	if (room->free_bytes < FREE_BYTES_MIN || (is_new && room->free_inodes < FREE_INODES_MIN)) {
		add_full(directory, room, VERDICT_FAILED, findings);
	} else if (room->free_bytes < FREE_BYTES_LOW) {
		add_full(directory, room, VERDICT_WARNING, findings);
	} else if (room->free_bytes < room->keep_bytes) {
		findings_add(
			findings, "disk", VERDICT_WARNING,
			"only %s are free in %s, less than the %s that KeepFree= asks for: the "
			"history grows no more, its oldest part is deleted",
			text_format_bytes(room->free_bytes, free_text), directory,
			text_format_bytes(room->keep_bytes, keep));
		findings_advise(findings, "make room there, or lower KeepFree= in " OX_CONFIG_FILE);
	} else {
		add_room(directory, room, findings);
	}
}

/* Returns the size of the database, from the daemon where the caller may not see the file;
 * UINT64_MAX: not known. */
static uint64_t find_database_bytes(const struct machine *machine, const char *path)
{
	struct stat st;
	int r = machine_stat(machine, path, &st);

	if (r >= 0)
		return (uint64_t)st.st_size;
	if (r == -ENOENT)
		return 0;
	return machine->status && tree_has(machine->status, "database_bytes")
		       ? tree_get_u64(machine->status, "database_bytes")
		       : UINT64_MAX;
}

/* Examines the file system of the directory or, where that is missing, of its nearest parent.
 * Returns 0 or a negative errno. */
static int find_room(const struct machine *machine, const char *directory, struct statvfs *ret)
{
	char path[MACHINE_PATH_BYTES];
	int r = machine_format_path(machine, directory, path);

	if (r < 0)
		return r;
	while (statvfs(path, ret) < 0) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT || !slash || slash == path)
			return -errno;
		*slash = '\0';
	}
	return 0;
}

static void check_disk(const struct machine *machine, const struct config *config,
		       const char *directory, struct findings *findings)
{
	struct disk_room room = {0};
	struct statvfs fs;
	int r = find_room(machine, directory, &fs);

	if (r < 0) {
		findings_add(findings, "disk", VERDICT_UNKNOWN, "%s: %s", directory, strerror(-r));
		findings_advise(findings, ADVICE_ROOT);
		return;
	}
	room.max_bytes = config_size_bytes(&config->max_size, (uint64_t)fs.f_blocks * fs.f_frsize);
	room.keep_bytes =
		config_size_bytes(&config->keep_free, (uint64_t)fs.f_blocks * fs.f_frsize);
	room.free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	room.free_inodes = fs.f_files > 0 ? fs.f_favail : UINT64_MAX;
	room.database_bytes = find_database_bytes(machine, config->database);
	disk_judge(directory, &room, findings);
}

void storage_check(const struct machine *machine, struct findings *findings)
{
	_cleanup_free_ char *directory = NULL;
	struct settings settings;
	char *slash;

	check_settings(machine, &settings, findings);
	directory = strdup(settings.config.database);
	slash = directory ? strrchr(directory, '/') : NULL;
	if (!slash) {
		findings->out_of_memory |= !directory;
		return;
	}
	slash[slash == directory] = '\0';
	check_directory(machine, directory, findings);
	check_disk(machine, &settings.config, directory, findings);
}
