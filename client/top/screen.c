/* SPDX-License-Identifier: MIT */
/* This stands before any header, since curses declares wide characters only where it is defined. */
#define NCURSES_WIDECHAR 1
#include "client/top/screen.h"

#include <assert.h>
#include <curses.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define ESCAPE_MSEC 25 /* after this time an escape is not the beginning of another key */

enum pair { PAIR_NONE, PAIR_GOOD, PAIR_BAD, PAIR_PYTHON, PAIR_KERNEL };

static SCREEN *terminal;
static bool colour;

/* Chooses colours. People of every kind of sight can tell cyan from yellow, and the table has the
 * kind as a word, too. */
static void choose_colours(bool wanted)
{
	colour = wanted && has_colors() && start_color() == OK && use_default_colors() == OK;
	if (!colour)
		return;
	init_pair(PAIR_GOOD, COLOR_GREEN, -1);
	init_pair(PAIR_BAD, COLOR_RED, -1);
	init_pair(PAIR_PYTHON, COLOR_CYAN, -1);
	init_pair(PAIR_KERNEL, COLOR_YELLOW, -1);
}

int top_screen_open(const struct screen *screen)
{
	assert(!terminal);
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return -ENOTSUP;
	set_term(terminal);
	choose_colours(screen->colour);
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MSEC);
	curs_set(0);
	return 0;
}

void top_screen_close(void)
{
	if (!terminal)
		return;
	curs_set(1);
	endwin();
	delscreen(terminal);
	terminal = NULL;
}

void top_screen_suspend(void)
{
	assert(terminal);
	def_prog_mode();
	curs_set(1);
	endwin();
}

void top_screen_resume(void)
{
	assert(terminal);
	reset_prog_mode();
	top_screen_resize();
	curs_set(0);
	clearok(stdscr, TRUE);
	refresh();
}

void top_screen_resize(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
		resizeterm(size.ws_row, size.ws_col);
}

void top_screen_get_size(size_t *ret_rows, size_t *ret_columns)
{
	*ret_rows = (size_t)getmaxy(stdscr);
	*ret_columns = (size_t)getmaxx(stdscr);
}

void top_screen_forget(void)
{
	clearok(stdscr, TRUE);
}

/* ---- keys ---- */

static unsigned int find_function_key(wint_t code)
{
	static const struct {
		wint_t code;
		enum top_key key;
	} keys[] = {
		{KEY_UP, TOP_KEY_UP},
		{KEY_DOWN, TOP_KEY_DOWN},
		{KEY_LEFT, TOP_KEY_LEFT},
		{KEY_RIGHT, TOP_KEY_RIGHT},
		{KEY_PPAGE, TOP_KEY_PAGE_UP},
		{KEY_NPAGE, TOP_KEY_PAGE_DOWN},
		{KEY_HOME, TOP_KEY_HOME},
		{KEY_END, TOP_KEY_END},
		{KEY_BACKSPACE, TOP_KEY_BACKSPACE},
		{KEY_DC, TOP_KEY_DELETE},
		{KEY_ENTER, TOP_KEY_ENTER},
	};

	for (size_t i = 0; i < array_length(keys); i++)
		if (keys[i].code == code)
			return keys[i].key;
	return TOP_KEY_OTHER;
}

static unsigned int find_character(wint_t code)
{
	switch (code) {
	case '\r':
	case '\n':
		return TOP_KEY_ENTER;
	case '\b':
	case 0x7f:
		return TOP_KEY_BACKSPACE;
	case 0x1b:
		return TOP_KEY_ESCAPE;
	case 'U' - '@':
		return TOP_KEY_CLEAR;
	case 'L' - '@':
		return TOP_KEY_REDRAW;
	case 'A' - '@':
		return TOP_KEY_HOME;
	case 'E' - '@':
		return TOP_KEY_END;
	default:
		return code;
	}
}

int top_screen_read_key(unsigned int *ret)
{
	wint_t code;
	int r = get_wch(&code);

	/* KEY_RESIZE is no key that the user has pressed. */
	while (r == KEY_CODE_YES && code == KEY_RESIZE)
		r = get_wch(&code);
	if (r == ERR)
		return 0;
	*ret = r == KEY_CODE_YES ? find_function_key(code) : find_character(code);
	return 1;
}

/* ---- pages ---- */

static attr_t find_attributes(enum top_style style)
{
	static const struct {
		attr_t attributes;
		short pair;
	} styles[N_TOP_STYLES] = {
		[TOP_STYLE_GOOD] = {A_BOLD, PAIR_GOOD},
		[TOP_STYLE_BAD] = {A_BOLD, PAIR_BAD},
		[TOP_STYLE_TITLE] = {A_REVERSE, PAIR_NONE},
		[TOP_STYLE_SELECTED] = {A_REVERSE, PAIR_NONE},
		[TOP_STYLE_PYTHON] = {A_NORMAL, PAIR_PYTHON},
		[TOP_STYLE_KERNEL] = {A_NORMAL, PAIR_KERNEL},
		[TOP_STYLE_FOOT] = {A_DIM, PAIR_NONE},
	};

	assert(style < N_TOP_STYLES);
	return styles[style].attributes |
	       (colour ? (attr_t)COLOR_PAIR(styles[style].pair) : (attr_t)0);
}

/* Reads the characters that fit into the columns. Replaces characters of unknown width by '?',
 * since curses would take them for combining ones or write them as two. Returns their number. */
static size_t read_wide(const char *text, size_t columns, wchar_t *ret, size_t *ret_width)
{
	mbstate_t state = {0};
	size_t length = strlen(text), n = 0, used = 0;

	while (length > 0) {
		wchar_t character = L'?';
		size_t bytes = mbrtowc(&character, text, length, &state);
		int width;

		if (bytes == 0 || bytes > length) {
			state = (mbstate_t){0};
			bytes = 1;
			character = L'?';
		}
		width = wcwidth(character);
		if (width < 0) {
			character = L'?';
			width = 1;
		}
		if (used + (size_t)width > columns)
			break;
		if (width > 0 || n > 0)
			ret[n++] = character;
		used += (size_t)width;
		text += bytes;
		length -= bytes;
	}
	*ret_width = used;
	return n;
}

static void show_line(int row, const struct top_page_line *line, size_t columns)
{
	_cleanup_free_ wchar_t *wide = NULL;
	attr_t attributes = find_attributes(line->style);
	size_t width = 0, n;

	if (!line->text)
		return;
	wide = calloc(strlen(line->text) + 1, sizeof(*wide));
	if (!wide)
		return;
	n = read_wide(line->text, columns, wide, &width);
	attrset(attributes);
	mvaddnwstr(row, 0, wide, (int)n);
	if ((attributes & A_REVERSE) && width < columns)
		mvhline(row, (int)width, ' ' | attributes, (int)(columns - width));
	attrset(A_NORMAL);
}

void top_screen_show(const struct top_page *page)
{
	assert(terminal);
	erase();
	for (size_t i = 0; i < page->rows; i++)
		show_line((int)i, &page->lines[i], page->columns);
	curs_set(page->cursor >= 0);
	if (page->cursor >= 0)
		move((int)page->rows - 1, (int)page->cursor);
	refresh();
}
