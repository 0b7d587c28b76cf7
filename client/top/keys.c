/* SPDX-License-Identifier: MIT */
#include "client/top/keys.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "client/base/failure.h"
#include "client/bus/password.h"
#include "client/top/screen.h"

int top_count(struct top *top)
{
	struct top_sum sum;
	int r;

	if (top->view.frozen)
		return 0;
	r = top_model_sum(top_feed_get_model(top->feed), top->view.span_s, top->view.sort, &sum);
	if (r < 0)
		return r;
	top_sum_done(&top->sum);
	top->sum = sum;
	return 0;
}

/* Drops the sum, also a frozen one: its counts are about to be replaced. */
static void thaw(struct top *top)
{
	top->view.frozen = false;
	top_sum_done(&top->sum);
}

static void say_problem(struct top *top)
{
	top_view_say(&top->view, strdup(top_feed_get_problem(top->feed)));
}

/* ---- pause and unpause ---- */

static int call_pause(struct bus *bus, const struct request *request, void *userdata)
{
	return bus_pause(bus, request);
}

static int call_unpause(struct bus *bus, const struct request *request, void *userdata)
{
	return bus_unpause(bus, request);
}

/* Calls once more with polkit's agent, which needs the terminal as it was before top. A Ctrl-C
 * meanwhile is meant for the agent. */
static int ask(struct top *top, question_fn call, const struct request *request)
{
	int r;

	top_screen_suspend();
	r = question_ask(top->bus, request, call, NULL);
	if (top_clock_drop_interrupt(top->clock))
		fputs("\n", stderr);
	top_screen_resume();
	return r;
}

/* Pauses or unpauses all targets, since the processes on show may belong to other targets. */
static void change_state(struct top *top, const char *verb, question_fn call)
{
	const struct request all = {.no_ask_password = top->request->no_ask_password};
	int r = call(top->bus, &all, NULL);

	if (r < 0 && question_is_possible(top->bus, &all))
		r = ask(top, call, &all);
	if (r < 0)
		top_view_say(&top->view, failure_describe(verb, bus_get_error(top->bus),
							  bus_get_error_text(top->bus), r));
	else if (top_feed_ask(top->feed) == 1)
		thaw(top);
}

/* ---- what a row is ---- */

/* Returns the word after the given one, and after the last one the first. NULL may be a word. */
static const char *find_next(const char *const *words, size_t n, const char *word)
{
	size_t i = 0;

	assert(n > 0);
	while (i < n && words[i] != word && (!words[i] || !word || strcmp(words[i], word) != 0))
		i++;
	return words[(i + 1) % n];
}

static void turn_by(struct top *top)
{
	static const char *const words[] = {"function", "module", "process", "thread"};

	thaw(top);
	top->view.selected = TOP_NO_ITEM;
	if (top_feed_set_by(top->feed,
			    find_next(words, array_length(words), top_feed_get_by(top->feed))) < 0)
		say_problem(top);
}

static void turn_kind(struct top *top)
{
	static const char *const words[] = {NULL, "python", "native"};

	thaw(top);
	top->view.selected = TOP_NO_ITEM;
	if (top_feed_set_kind(top->feed, find_next(words, array_length(words),
						   top_feed_get_kind(top->feed))) < 0)
		say_problem(top);
}

/* ---- the filter ---- */

static void take_filter(struct top *top)
{
	_cleanup_free_ char *text = top_line_get(&top->view.line, 0);

	thaw(top);
	top->view.mode = TOP_MODE_TABLE;
	if (!text || top_feed_set_filter(top->feed, *text ? text : NULL) < 0)
		say_problem(top);
}

static void press_in_filter(struct top *top, unsigned int key)
{
	struct top_line *line = &top->view.line;

	switch (key) {
	case TOP_KEY_ENTER:
		take_filter(top);
		break;
	case TOP_KEY_ESCAPE:
		top->view.mode = TOP_MODE_TABLE;
		break;
	case TOP_KEY_BACKSPACE:
	case TOP_KEY_DELETE:
		top_line_erase(line, key == TOP_KEY_BACKSPACE);
		break;
	case TOP_KEY_CLEAR:
		top_line_clear(line);
		break;
	case TOP_KEY_LEFT:
	case TOP_KEY_RIGHT:
		top_line_move(line, key == TOP_KEY_LEFT ? -1 : 1);
		break;
	case TOP_KEY_HOME:
	case TOP_KEY_END:
		top_line_move(line, key == TOP_KEY_HOME ? -TOP_LINE_MAX : TOP_LINE_MAX);
		break;
	default:
		if (key < TOP_KEY_UP)
			top_line_insert(line, (wchar_t)key);
	}
}

/* ---- the table ---- */

static bool press_to_move(struct top *top, unsigned int key)
{
	size_t rows, columns;
	long room;

	top_screen_get_size(&rows, &columns);
	room = (long)top_page_room(rows);
	switch (key) {
	case TOP_KEY_UP:
	case TOP_KEY_DOWN:
		top_view_move(&top->view, &top->sum, key == TOP_KEY_UP ? -1 : 1);
		return true;
	case TOP_KEY_PAGE_UP:
	case TOP_KEY_PAGE_DOWN:
		top_view_move(&top->view, &top->sum, key == TOP_KEY_PAGE_UP ? -room : room);
		return true;
	case TOP_KEY_HOME:
	case TOP_KEY_END:
		top_view_move(&top->view, &top->sum,
			      key == TOP_KEY_HOME ? -(long)top->sum.n : (long)top->sum.n);
		return true;
	default:
		return false;
	}
}

static bool press_to_sort(struct top *top, unsigned int key)
{
	switch (key) {
	case 's':
		top->view.sort = TOP_SORT_SELF;
		break;
	case 't':
		top->view.sort = TOP_SORT_TOTAL;
		break;
	case 'n':
		top->view.sort = TOP_SORT_NAME;
		break;
	case TOP_KEY_LEFT:
	case '<':
		top_view_turn_sort(&top->view, -1);
		break;
	case TOP_KEY_RIGHT:
	case '>':
		top_view_turn_sort(&top->view, 1);
		break;
	default:
		return false;
	}
	top_sum_sort(&top->sum, top->view.sort);
	return true;
}

static void press_in_table(struct top *top, unsigned int key)
{
	switch (key) {
	case '/':
		top_line_set(&top->view.line, top_feed_get_filter(top->feed));
		top->view.mode = TOP_MODE_FILTER;
		break;
	case 'p':
		change_state(top, "pause", call_pause);
		break;
	case 'u':
		change_state(top, "unpause", call_unpause);
		break;
	case 'b':
		turn_by(top);
		break;
	case 'k':
		turn_kind(top);
		break;
	case '+':
	case '-':
		thaw(top);
		top_view_widen(&top->view, key == '+');
		break;
	case ' ':
		top->view.frozen = !top->view.frozen;
		break;
	case 'h':
	case '?':
		top->view.mode = TOP_MODE_HELP;
		break;
	case TOP_KEY_REDRAW:
		top_screen_forget();
		break;
	default:
		break;
	}
}

int top_press(struct top *top, unsigned int key)
{
	top_view_say(&top->view, NULL);
	if (top->view.mode == TOP_MODE_FILTER) {
		press_in_filter(top, key);
	} else if (key == 'q') {
		return 1;
	} else if (top->view.mode == TOP_MODE_HELP) {
		top->view.mode = TOP_MODE_TABLE;
	} else if (!press_to_move(top, key) && !press_to_sort(top, key)) {
		press_in_table(top, key);
	}
	return 0;
}
