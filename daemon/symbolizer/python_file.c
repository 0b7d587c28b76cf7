/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/python_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf/debugdata.h"
#include "daemon/symbolizer/elf/symtab.h"
#include "daemon/symbolizer/python_code.h"

#define STRINGS_LOOKED_AT (UINT64_C(8) << 20)  /* of the strings of a .symtab */
#define TEXTS_LOOKED_AT   (UINT64_C(32) << 20) /* of .rodata */
#define COOKIE            "xdebugpy"           /* the first of the words at _PyRuntime */
#define WORD_VERSION      1
#define WORD_FREE         2
#define VERSION_3_6       0x03060000u

enum thing {
	THING_RUNTIME,
	THING_CODE_TYPE,
	THING_VERSION,
	THING_INTERPRETERS,
	THING_CURRENT,
	THING_PYPY,
	N_THINGS,
};

static const char *const thing_names[N_THINGS] = {
	[THING_RUNTIME] = "_PyRuntime",
	[THING_CODE_TYPE] = "PyCode_Type",
	[THING_VERSION] = "Py_Version",
	[THING_INTERPRETERS] = "interp_head",
	[THING_CURRENT] = "_PyThreadState_Current",
	[THING_PYPY] = "pypy_main_startup",
};

/* Every interpreter has one of these (the first two: CPython 3.7 and later, up to 3.6). */
static const enum thing signs[] = {THING_RUNTIME, THING_CURRENT, THING_PYPY};

/* The symbols of a file that matter; addresses are 0 if not found. */
struct finds {
	const struct elf_file *elf;
	struct elf_dynamic dynamic;
	bool is_dynamic; /* the file has a dynamic section */
	uint64_t vaddrs[N_THINGS];
	struct python_code code;
};

/* True if a static program has one of these names: only the strings are searched, which lie side by
 * side. */
static bool has_strings(const struct elf_file *elf)
{
	const Elf64_Shdr *section = elf_file_find_section(elf, SHT_SYMTAB, NULL);
	const Elf_Data *text;
	char name[64];

	if (!section || section->sh_link >= elf->n_sections)
		return false;
	text = elf_file_get_data(elf, &elf->sections[section->sh_link], STRINGS_LOOKED_AT);
	if (!text)
		return false;
	for (size_t i = 0; i < array_length(signs); i++) {
		int bytes = snprintf(name, sizeof(name), "%c%s", 0, thing_names[signs[i]]) + 1;

		if (memmem(text->d_buf, text->d_size, name, bytes))
			return true;
	}
	return false;
}

static bool exports_sign(const struct elf_dynamic *dynamic)
{
	struct elf_symbol symbol;

	for (size_t i = 0; i < array_length(signs); i++)
		if (elf_dynamic_find(dynamic, thing_names[signs[i]], &symbol) == 0)
			return true;
	return false;
}

bool python_file_has(const struct elf_file *elf)
{
	struct elf_dynamic dynamic;
	bool is_dynamic = elf_dynamic_open(&dynamic, elf) == 0;

	if (is_dynamic ? exports_sign(&dynamic) : has_strings(elf))
		return true;
	return elf_file_find_section(elf, SHT_PROGBITS, ".PyRuntime") != NULL;
}

static int take_symbol(void *userdata, const Elf64_Sym *symbol, const char *name)
{
	struct finds *finds = userdata;

	python_code_add(&finds->code, name,
			&(struct elf_symbol){symbol->st_value, symbol->st_size});
	for (size_t i = 0; i < N_THINGS; i++)
		if (!finds->vaddrs[i] && strcmp(name, thing_names[i]) == 0)
			finds->vaddrs[i] = symbol->st_value;
	return 0;
}

static int take_symbols(struct finds *finds, const struct elf_file *elf)
{
	struct elf_symtab symtab;
	int r = elf_symtab_open(&symtab, elf, SHT_SYMTAB);

	return r < 0 ? r : elf_symtab_foreach(&symtab, take_symbol, finds);
}

/* Takes the symbols that some distributions leave in stripped files. */
static int find_packed(struct finds *finds)
{
	_cleanup_(elf_file_done) struct elf_file inner = {.fd = -1};

	if (debugdata_open(finds->elf, &inner) < 0)
		return -ENODATA;
	return take_symbols(finds, &inner);
}

static void find_exported(struct finds *finds)
{
	struct elf_symbol symbol;

	for (size_t i = 0; i < N_THINGS; i++)
		if (elf_dynamic_find(&finds->dynamic, thing_names[i], &symbol) == 0)
			finds->vaddrs[i] = symbol.vaddr;
	python_code_add_exported(&finds->code, &finds->dynamic);
}

/* Gathers all symbols. Exported ones take precedence: a program may have other things of these
 * names inside. */
static int find_all(struct finds *finds)
{
	const Elf64_Shdr *section = elf_file_find_section(finds->elf, SHT_PROGBITS, ".PyRuntime");
	int r;

	finds->is_dynamic = elf_dynamic_open(&finds->dynamic, finds->elf) == 0;
	if (finds->is_dynamic)
		find_exported(finds);
	r = take_symbols(finds, finds->elf);
	if (r == -ENODATA)
		r = find_packed(finds);
	if (r < 0 && r != -ENODATA)
		return r;
	python_code_add_parts(&finds->code, finds->elf);
	if (!finds->vaddrs[THING_RUNTIME] && section)
		finds->vaddrs[THING_RUNTIME] = section->sh_addr;
	return 0;
}

/* Reads at most size bytes. Returns how many there were. */
static size_t read_at(const struct elf_file *elf, uint64_t vaddr, size_t size, void *ret)
{
	uint64_t offset, bytes;

	if (elf_file_find_vaddr(elf, vaddr, &offset, &bytes) < 0)
		return 0;
	bytes = bytes < size ? bytes : size;
	return elf_file_read(elf, offset, bytes, ret) < 0 ? 0 : bytes;
}

static void read_offsets(const struct finds *finds, struct symbolizer_python *python)
{
	size_t bytes =
		read_at(finds->elf, python->runtime, sizeof(python->offsets), python->offsets);

	if (bytes > WORD_FREE * sizeof(*python->offsets) &&
	    memcmp(python->offsets, COOKIE, sizeof(*python->offsets)) == 0)
		python->n_offsets = bytes / sizeof(*python->offsets);
	else
		memset(python->offsets, 0, sizeof(python->offsets));
}

/* Parses a version like "3.11"; *ret_end is the rest of the text. Returns 0 if it is none. */
static uint32_t parse_version(const char *text, const char **ret_end)
{
	unsigned int minor = 0;
	const char *at = text + 2;

	if ((text[0] != '2' && text[0] != '3') || text[1] != '.')
		return 0;
	while (*at >= '0' && *at <= '9' && minor < 100)
		minor = minor * 10 + (*at++ - '0');
	if (at == text + 2 || minor > 99)
		return 0;
	*ret_end = at;
	return (uint32_t)(text[0] - '0') << 24 | minor << 16;
}

/* Finds the version in the names of the directories of modules: "lib/python3.8" or "python3.9".
 * Returns 0 if these disagree. */
static uint32_t find_text_version(const struct elf_file *elf)
{
	static const char python[] = "python";
	const Elf64_Shdr *section = elf_file_find_section(elf, SHT_PROGBITS, ".rodata");
	const Elf_Data *data = elf_file_get_data(elf, section, TEXTS_LOOKED_AT);
	const char *texts = data ? data->d_buf : NULL;
	const char *end = data ? memrchr(texts, '\0', data->d_size) : NULL, *at;
	uint32_t found = 0;

	for (at = texts; end && (at = memmem(at, end - at, python, sizeof(python) - 1)); at++) {
		const char *behind = NULL;
		uint32_t version = parse_version(at + sizeof(python) - 1, &behind);

		if (!version || *behind || (at > texts && at[-1] && at[-1] != '/'))
			continue;
		if (found && found != version)
			return 0;
		found = version;
	}
	return found;
}

static uint32_t find_soname_version(const struct finds *finds)
{
	static const char prefix[] = "libpython";
	char name[64] = "";
	const char *end;

	if (finds->is_dynamic)
		elf_dynamic_read_soname(&finds->dynamic, name, sizeof(name));
	return strncmp(name, prefix, sizeof(prefix) - 1) == 0
		       ? parse_version(name + sizeof(prefix) - 1, &end)
		       : 0;
}

static uint32_t find_version(const struct finds *finds, const struct symbolizer_python *python)
{
	uint32_t version = 0;

	if (finds->vaddrs[THING_VERSION] &&
	    read_at(finds->elf, finds->vaddrs[THING_VERSION], sizeof(version), &version) ==
		    sizeof(version) &&
	    version)
		return version;
	if (python->n_offsets)
		return python->offsets[WORD_VERSION];
	version = find_soname_version(finds);
	return version ? version : find_text_version(finds->elf);
}

/* Finds where the interpreter's state begins; up to 3.6 there is no _PyRuntime. */
static void find_runtime(const struct finds *finds, struct symbolizer_python *python)
{
	const uint64_t *vaddrs = finds->vaddrs;

	python->code_type = vaddrs[THING_CODE_TYPE];
	python->runtime = vaddrs[THING_RUNTIME];
	if (python->runtime)
		return;
	python->runtime = vaddrs[THING_INTERPRETERS];
	if (!python->runtime) {
		python->runtime = vaddrs[THING_CURRENT];
		python->is_current = python->runtime != 0;
	}
}

static uint32_t find_kind(const struct finds *finds, const struct symbolizer_python *python)
{
	const uint64_t *vaddrs = finds->vaddrs;

	if (!vaddrs[THING_RUNTIME] && !vaddrs[THING_CURRENT])
		return vaddrs[THING_PYPY] ? SYMBOLIZER_PYTHON_PYPY : SYMBOLIZER_PYTHON_NONE;
	if (python->n_offsets && python->offsets[WORD_FREE])
		return SYMBOLIZER_PYTHON_FREE_THREADED;
	/* An interpreter this old is recognized by its version alone. */
	if (python->version_hex && python->version_hex < VERSION_3_6)
		return SYMBOLIZER_PYTHON_CPYTHON;
	return python->code_type && python_code_has_eval(&finds->code) ? SYMBOLIZER_PYTHON_CPYTHON
								       : SYMBOLIZER_PYTHON_STRIPPED;
}

static int read_elf(struct finds *finds, struct symbolizer_python *ret)
{
	int r;

	r = find_all(finds);
	if (r < 0)
		return r;
	find_runtime(finds, ret);
	read_offsets(finds, ret);
	ret->version_hex = find_version(finds, ret);
	r = python_code_get(&finds->code, ret);
	ret->kind = find_kind(finds, ret);
	if (ret->kind == SYMBOLIZER_PYTHON_NONE || ret->kind == SYMBOLIZER_PYTHON_PYPY)
		*ret = (struct symbolizer_python){.kind = ret->kind};
	return r;
}

int python_file_read(int fd, struct symbolizer_python *ret)
{
	_cleanup_(elf_file_done) struct elf_file elf = {.fd = -1};
	struct finds finds = {.elf = &elf};
	int r;

	*ret = (struct symbolizer_python){};
	r = elf_file_open(&elf, fd);
	if (r < 0)
		return r;
	r = read_elf(&finds, ret);
	python_code_done(&finds.code);
	return r;
}
