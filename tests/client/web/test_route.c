/* SPDX-License-Identifier: MIT */
/* Everything that the page refers to exists as a file and as a path. */
#include <criterion/criterion.h>
#include <string.h>

#include "client/base/page.h"
#include "client/web/route.h"
#include "daemon/base/cleanup.h"

static const char *get_file(const char *name)
{
	const char *data;
	size_t size;

	cr_assert_eq(page_find(name, &data, &size), 0, "%s", name);
	cr_assert_gt(size, 0);
	return data;
}

/* Checks each name between `before` and a quotation mark. Returns how many there are. */
static size_t check_names(const char *text, const char *before)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, before)); n++) {
		const char *name = at + strlen(before);
		size_t length = strcspn(name, "\"");
		_cleanup_free_ char *path = NULL;
		const struct web_route *route;

		cr_assert_gt(asprintf(&path, "/%.*s", (int)length, name), 0);
		route = web_route_find(path);
		cr_assert(route && route->action == WEB_ASSET, "%s", path);
		cr_assert_str_eq(route->file, path + 1);
		get_file(route->file);
		at = name;
	}
	return n;
}

Test(web_route, what_the_page_loads_is_there)
{
	static const char *const scripts[] = {"web.js", "web_api.js", "web_dom.js", "web_panels.js",
					      "web_timeline.js"};
	const struct web_route *page = web_route_find("/");
	const char *text;

	cr_assert(page && page->action == WEB_ASSET);
	text = get_file(page->file);
	cr_assert_eq(check_names(text, "<link rel=\"stylesheet\" href=\""), 4);
	cr_assert_geq(check_names(text, "<script src=\""), 2);
	for (size_t i = 0; i < array_length(scripts); i++)
		check_names(get_file(scripts[i]), "from \"./");
}

/* The page's Content-Security-Policy lets none of these run. */
Test(web_route, the_page_has_no_script_or_style_of_its_own)
{
	static const char *const files[] = {"web.html",   "web.js",        "web_api.js",
					    "web_dom.js", "web_panels.js", "web_timeline.js"};
	static const char *const never[] = {
		" style=\"",          " onclick=",      "javascript:", "innerHTML",   "outerHTML",
		"insertAdjacentHTML", "document.write", "eval(",       "new Function"};

	for (size_t i = 0; i < array_length(files); i++)
		for (size_t j = 0; j < array_length(never); j++)
			cr_assert_null(strstr(get_file(files[i]), never[j]), "%s: %s", files[i],
				       never[j]);
	cr_assert_null(strstr(get_file("web.html"), "<style"));
	cr_assert_null(strstr(get_file("web.html"), "<script>"));
}

/* The page serves all scripts of the flame graph in one file, except for its last one. */
Test(web_route, the_flame_graph_is_whole)
{
	const char *text = get_file("flamegraph.html");
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, "<script>@")); at++) {
		_cleanup_free_ char *path = NULL;
		const char *name = at + strlen("<script>@");

		if (!strncmp(name, "flamegraph_page.js", strlen("flamegraph_page.js")))
			continue;
		cr_assert_gt(asprintf(&path, "/%.*s", (int)strcspn(name, "@"), name), 0);
		cr_assert_not_null(web_route_find(path), "%s", path);
		n++;
	}
	cr_assert_geq(n, 2);
}
