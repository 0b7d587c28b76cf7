/* SPDX-License-Identifier: MIT */
/* Seconds as differences between answers: with moved windows, with names that come and go, with a
 * history that was replaced. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "client/top/items.h"

define_cleanup(struct top_items *, top_items_free);
define_cleanup(struct top_model *, top_model_free);

#define _cleanup_model_ _cleanup_(top_model_free_p)
#define _cleanup_sum_   _cleanup_(top_sum_done)

static struct json_object *parse(const char *text)
{
	struct json_object *tree = json_tokener_parse(text);

	cr_assert_not_null(tree, "%s", text);
	return tree;
}

/* Makes an answer with so many samples; `rest` has its other members in JSON. */
static struct json_object *make_answer(uint64_t samples, const char *rest)
{
	_cleanup_free_ char *text = NULL;

	cr_assert_geq(asprintf(&text, "{\"samples\":%lu,%s}", (unsigned long)samples, rest), 0);
	return parse(text);
}

#define RECORD(name, self, total) \
	"{\"name\":\"" name "\",\"kind\":\"native\",\"self\":" #self ",\"total\":" #total "}"
#define RECORDS(list) "\"records\":[" list "]"

static int add(struct top_model *model, uint64_t samples, const char *rest)
{
	_cleanup_tree_ struct json_object *answer = make_answer(samples, rest);

	return top_model_add(model, answer, 1);
}

static struct top_sum get_sum(struct top_model *model, unsigned int seconds, enum top_sort sort)
{
	struct top_sum sum;

	cr_assert_eq(top_model_sum(model, seconds, sort, &sum), 0);
	return sum;
}

/* Returns the rows as "a 1 2, b 0 1". */
static char *print_rows(const struct top_sum *sum)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < sum->n; i++)
		fprintf(out, "%s%s %lu %lu", i ? ", " : "", sum->rows[i].name->name,
			(unsigned long)sum->rows[i].self, (unsigned long)sum->rows[i].total);
	fclose(out);
	return text;
}

static void expect_rows(struct top_model *model, unsigned int seconds, uint64_t samples,
			const char *wanted)
{
	_cleanup_sum_ struct top_sum sum = get_sum(model, seconds, TOP_SORT_SELF);
	_cleanup_free_ char *rows = print_rows(&sum);

	cr_expect_str_eq(rows, wanted, "last %u s: %s, not %s", seconds, rows, wanted);
	cr_expect_eq(sum.samples, samples, "last %u s: %lu samples", seconds,
		     (unsigned long)sum.samples);
}

Test(client_top_model, the_first_answer_shows_nothing)
{
	_cleanup_model_ struct top_model *model = top_model_new();

	cr_expect_eq(add(model, 100, RECORDS(RECORD("a", 60, 100))), 0);
	expect_rows(model, 5, 0, "");
	expect_rows(model, 0, 0, "");
}

Test(client_top_model, a_second_is_the_difference_of_two_answers)
{
	_cleanup_model_ struct top_model *model = top_model_new();

	add(model, 100, RECORDS(RECORD("a", 60, 100) "," RECORD("b", 40, 40)));
	/* b stands still, c appears. */
	cr_expect_eq(
		add(model, 130,
		    RECORDS(RECORD("c", 5, 6) "," RECORD("a", 85, 130) "," RECORD("b", 40, 40))),
		0);
	expect_rows(model, 1, 30, "a 25 30, c 5 6");
	cr_expect_eq(
		add(model, 131,
		    RECORDS(RECORD("a", 85, 131) "," RECORD("b", 41, 41) "," RECORD("c", 5, 6))),
		0);
	expect_rows(model, 1, 1, "b 1 1, a 0 1");
	expect_rows(model, 5, 31, "a 25 31, c 5 6, b 1 1");
	expect_rows(model, 0, 31, "a 25 31, c 5 6, b 1 1");
}

Test(client_top_model, same_names_of_other_files_are_others)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	static const char records[] =
		"\"records\":[{\"name\":\"f\",\"file\":\"/a\",\"self\":1,\"total\":1},"
		"{\"name\":\"f\",\"file\":\"/b\",\"self\":2,\"total\":2},"
		"{\"name\":\"f\",\"file\":\"/b\",\"kind\":\"python\",\"self\":4,\"total\":4}]";

	add(model, 0, RECORDS(""));
	add(model, 10, records);
	expect_rows(model, 1, 10, "f 4 4, f 2 2, f 1 1");
}

/* The line of a function is the first that was sampled: an earlier one may come. */
Test(client_top_model, a_function_may_get_another_line)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	_cleanup_sum_ struct top_sum sum = {0};

	add(model, 0, RECORDS(""));
	add(model, 4, RECORDS("{\"name\":\"f\",\"line\":9,\"self\":4,\"total\":4}"));
	cr_expect_eq(add(model, 6, RECORDS("{\"name\":\"f\",\"line\":7,\"self\":6,\"total\":6}")),
		     0);
	expect_rows(model, 1, 2, "f 2 2");
	sum = get_sum(model, 0, TOP_SORT_SELF);
	cr_expect_eq(sum.rows[0].name->line, 7);
}

Test(client_top_model, a_process_keeps_its_hits_when_it_runs_another_program)
{
	_cleanup_model_ struct top_model *model = top_model_new();

	add(model, 0, RECORDS(""));
	add(model, 4, RECORDS("{\"name\":\"sh\",\"pid\":7,\"self\":4,\"total\":4}"));
	expect_rows(model, 0, 4, "sh 4 4");
	cr_expect_eq(add(model, 9, RECORDS("{\"name\":\"spin\",\"pid\":7,\"self\":9,\"total\":9}")),
		     0);
	expect_rows(model, 1, 5, "spin 5 5");
	expect_rows(model, 0, 9, "spin 9 9");
}

/* A process can change its name any number of times, and the model keeps each name once. */
Test(client_top_model, a_name_that_comes_back_is_kept_once)
{
	_cleanup_(top_items_free_p) struct top_items *items = top_items_new();
	const char *const names[] = {"sh", "spin", "sh", "spin", "other", "sh"};
	const struct top_name *sh = NULL;

	for (size_t i = 0; i < array_length(names); i++) {
		_cleanup_free_ char *text = NULL;
		_cleanup_tree_ struct json_object *answer = NULL;

		cr_assert_geq(asprintf(&text,
				       "{\"records\":[{\"name\":\"%s\",\"pid\":7,\"total\":1}]}",
				       names[i]),
			      0);
		answer = parse(text);
		cr_assert_eq(top_items_read(items, answer), 0);
		cr_assert_str_eq(top_items_get(items, 0)->name->name, names[i]);
		sh = sh ?: top_items_get(items, 0)->name;
	}
	cr_expect_eq(top_items_count(items), 1);
	cr_expect_eq(top_items_count_names(items), 3);
	cr_expect_eq(top_items_get(items, 0)->name, sh); /* a row may still borrow it */
}

Test(client_top_model, too_many_names_restart_the_count)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	_cleanup_tree_ struct json_object *answer = make_answer(1, RECORDS("")), *rows;

	add(model, 0, RECORDS(""));
	rows = json_object_get(tree_get_rows(answer, "records"));
	for (uint32_t i = 0; i <= TOP_NAMES_MAX; i++) {
		struct json_object *row = json_object_new_object();
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		json_object_object_add(row, "name", json_object_new_string(name));
		json_object_array_add(rows, row);
	}
	cr_expect_eq(top_model_add(model, answer, 1), 1);
}

Test(client_top_model, a_span_has_its_seconds_and_no_more)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	_cleanup_sum_ struct top_sum minute = {0};
	uint64_t hits = 0;

	add(model, 0, RECORDS(""));
	for (uint64_t i = 1; i <= 100; i++) {
		_cleanup_free_ char *rest = NULL;

		hits += i;
		cr_assert_geq(asprintf(&rest,
				       RECORDS("{\"name\":\"a\",\"self\":%lu,\"total\":%lu}"),
				       (unsigned long)hits, (unsigned long)hits),
			      0);
		add(model, hits, rest);
	}
	expect_rows(model, 1, 100, "a 100 100");
	expect_rows(model, 5, 490, "a 490 490");
	expect_rows(model, 60, 60 * (41 + 100) / 2, "a 4230 4230");
	expect_rows(model, 0, 5050, "a 5050 5050");
	minute = get_sum(model, 60, TOP_SORT_SELF);
	cr_expect_float_eq(minute.seconds, 60, 1e-9);
}

/* A slow answer: what is shown is the time asked for, not the number of answers. */
Test(client_top_model, a_long_second_counts_as_long_as_it_was)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	_cleanup_tree_ struct json_object *answer = NULL;

	add(model, 0, RECORDS(""));
	add(model, 1, RECORDS(RECORD("a", 1, 1)));
	answer = make_answer(11, RECORDS(RECORD("a", 11, 11)));
	cr_expect_eq(top_model_add(model, answer, 5.1), 0);
	expect_rows(model, 5, 10, "a 10 10");
}

Test(client_top_model, a_moved_window_changes_nothing)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	_cleanup_tree_ struct json_object *old =
		make_answer(70, "\"lost\":{\"late\":2},\"stacks\":{\"root\":70}," RECORDS(
					RECORD("a", 50, 70) "," RECORD("gone", 20, 20)));
	_cleanup_sum_ struct top_sum sum = {0};

	add(model, 0, RECORDS(""));
	add(model, 100,
	    "\"lost\":{\"late\":3},\"stacks\":{\"root\":99,\"cut\":1}," RECORDS(
		    RECORD("a", 80, 100) "," RECORD("gone", 20, 20)));
	cr_expect_eq(top_model_move(model, old), 0);
	expect_rows(model, 1, 100, "a 80 100, gone 20 20");
	/* 30 of the 35 samples that are left were counted before. */
	cr_expect_eq(add(model, 35,
			 "\"lost\":{\"late\":2},\"stacks\":{\"root\":34,\"cut\":1}," RECORDS(
				 RECORD("a", 35, 35))),
		     0);
	expect_rows(model, 1, 5, "a 5 5");
	expect_rows(model, 0, 105, "a 85 105, gone 20 20");
	sum = get_sum(model, 1, TOP_SORT_SELF);
	cr_expect_eq(tree_get_u64(sum.lost, "late"), 1);
	cr_expect_eq(tree_get_u64(sum.stacks, "root"), 5);
	cr_expect_not(tree_has(sum.stacks, "cut"));
}

Test(client_top_model, a_window_that_does_not_fit_restarts_the_count)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	_cleanup_tree_ struct json_object *old = make_answer(70, RECORDS(RECORD("other", 70, 70)));

	add(model, 0, RECORDS(""));
	add(model, 100, RECORDS(RECORD("a", 80, 100)));
	cr_expect_eq(top_model_move(model, old), 1);
	/* The previous second is not counted again. */
	cr_expect_eq(add(model, 10, RECORDS(RECORD("a", 10, 10))), 1);
	expect_rows(model, 0, 100, "a 80 100");
	cr_expect_eq(add(model, 12, RECORDS(RECORD("a", 12, 12))), 0);
	expect_rows(model, 1, 2, "a 2 2");
}

Test(client_top_model, counters_that_go_back_are_not_counted)
{
	static const char *const backwards[] = {
		RECORDS(RECORD("a", 9, 100) "," RECORD("b", 95, 100)),    /* self */
		RECORDS(RECORD("a", 10, 99) "," RECORD("b", 90, 100)),    /* total */
		RECORDS(RECORD("new", 10, 100) "," RECORD("b", 90, 100)), /* another name */
		"\"lost\":{}," RECORDS(RECORD("a", 10, 100) "," RECORD("b", 90, 100)),
		"\"lost\":{\"late\":5},\"stacks\":{\"root\":3}," RECORDS(
			RECORD("a", 10, 100) "," RECORD("b", 90, 100)),
	};

	for (size_t i = 0; i < array_length(backwards); i++) {
		_cleanup_model_ struct top_model *model = top_model_new();

		add(model, 0, RECORDS(""));
		add(model, 100,
		    "\"lost\":{\"late\":5},\"stacks\":{\"root\":4}," RECORDS(
			    RECORD("a", 10, 100) "," RECORD("b", 90, 100)));
		cr_expect_eq(add(model, 105, backwards[i]), 1, "%zu", i);
		expect_rows(model, 0, 100, "b 90 100, a 10 100");
	}
}

Test(client_top_model, a_replaced_history_is_counted_from_there)
{
	_cleanup_model_ struct top_model *model = top_model_new();

	add(model, 0, RECORDS(""));
	add(model, 100, RECORDS(RECORD("a", 100, 100)));
	cr_expect_eq(add(model, 3, RECORDS(RECORD("a", 3, 3))), 1);
	expect_rows(model, 5, 100, "a 100 100");
	cr_expect_eq(add(model, 7, RECORDS(RECORD("a", 7, 7))), 0);
	expect_rows(model, 1, 4, "a 4 4");
	expect_rows(model, 0, 104, "a 104 104");
}

Test(client_top_model, losses_are_those_of_the_span)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	_cleanup_sum_ struct top_sum second = {0}, all = {0};

	add(model, 0, "\"lost\":{\"late\":7}," RECORDS(""));
	add(model, 9, "\"lost\":{\"late\":8,\"full\":2}," RECORDS(""));
	add(model, 9, "\"lost\":{\"late\":12,\"full\":2}," RECORDS(""));
	second = get_sum(model, 1, TOP_SORT_SELF);
	all = get_sum(model, 0, TOP_SORT_SELF);
	cr_expect_eq(tree_get_u64(second.lost, "late"), 4);
	cr_expect_not(tree_has(second.lost, "full"));
	cr_expect_eq(tree_get_u64(all.lost, "late"), 5);
	cr_expect_eq(tree_get_u64(all.lost, "full"), 2);
}

Test(client_top_model, rows_are_sorted_and_names_break_ties)
{
	static const char *const wanted[N_TOP_SORTS] = {
		[TOP_SORT_SELF] = "d 5 5, c 2 9, a 2 5, b 2 5",
		[TOP_SORT_TOTAL] = "c 2 9, d 5 5, a 2 5, b 2 5",
		[TOP_SORT_NAME] = "a 2 5, b 2 5, c 2 9, d 5 5",
	};
	_cleanup_model_ struct top_model *model = top_model_new();

	add(model, 0, RECORDS(""));
	add(model, 9,
	    RECORDS(RECORD("b", 2, 5) "," RECORD("d", 5, 5) "," RECORD("c", 2, 9) "," RECORD("a", 2,
											     5)));
	for (enum top_sort sort = 0; sort < N_TOP_SORTS; sort++) {
		_cleanup_sum_ struct top_sum sum = get_sum(model, 5, sort);
		_cleanup_free_ char *rows = print_rows(&sum);

		cr_expect_str_eq(rows, wanted[sort]);
	}
}

Test(client_top_model, the_filter_is_asked_about_new_names_only)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	_cleanup_tree_ struct json_object *matching = make_answer(9, RECORDS(RECORD("a", 3, 3)));
	_cleanup_tree_ struct json_object *none = make_answer(10, RECORDS(""));

	add(model, 0, RECORDS(""));
	add(model, 9, RECORDS(RECORD("a", 3, 3) "," RECORD("b", 6, 6)));
	cr_expect(top_model_needs_filter(model));
	cr_expect_eq(top_model_filter(model, matching), 0);
	cr_expect_not(top_model_needs_filter(model));
	/* The number of samples is that of all names, also hidden ones. */
	expect_rows(model, 5, 9, "a 3 3");
	add(model, 10, RECORDS(RECORD("a", 3, 3) "," RECORD("b", 6, 6) "," RECORD("c", 1, 1)));
	cr_expect(top_model_needs_filter(model));
	cr_expect_eq(top_model_filter(model, none), 0);
	expect_rows(model, 5, 10, "a 3 3");
	top_model_forget_filter(model);
	expect_rows(model, 5, 10, "b 6 6, a 3 3, c 1 1");
}

Test(client_top_model, what_is_no_answer_is_refused)
{
	_cleanup_model_ struct top_model *model = top_model_new();
	_cleanup_tree_ struct json_object *wrong = parse("{\"samples\":5}");

	add(model, 0, RECORDS(""));
	cr_expect_eq(top_model_add(model, wrong, 1), -EBADMSG);
	add(model, 5, RECORDS(RECORD("a", 5, 5)));
	expect_rows(model, 5, 5, "a 5 5");
}
