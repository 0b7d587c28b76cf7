/* SPDX-License-Identifier: MIT */
#include "client/web/exchange.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "client/base/page.h"
#include "client/web/api.h"
#include "client/web/words.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

#define BODY_BYTES_MAX (64u << 10)
#define JSON_TYPE      "application/json"

struct web_exchange {
	const struct web_route *route;
	char *body;
	size_t length, size;
};

define_cleanup(struct web_words *, web_words_free);

/* ---- responses, each with the headers that keep the page to itself ---- */

static void add_headers(struct MHD_Response *response, const char *type)
{
	static const char *const headers[][2] = {
		{"Content-Security-Policy",
		 "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
		 "img-src 'self' data:; base-uri 'none'; form-action 'none'; "
		 "frame-ancestors 'none'"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Cache-Control", "no-store"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
	};

	for (size_t i = 0; i < array_length(headers); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	MHD_add_response_header(response, "Content-Type", type);
}

/* Sends the response, whose body it frees. type NULL: JSON. name is that of another header; NULL:
 * none. */
static enum MHD_Result send_response(struct MHD_Connection *connection,
				     struct web_response *response, const char *type,
				     const char *name, const char *value)
{
	struct MHD_Response *message = MHD_create_response_from_buffer(
		response->length, response->body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	assert(response->status != 0 && (!name || value));
	if (!message) {
		web_response_done(response);
		return MHD_NO;
	}
	add_headers(message, type ?: JSON_TYPE);
	if (name)
		MHD_add_response_header(message, name, value);
	result = MHD_queue_response(connection, response->status, message);
	MHD_destroy_response(message);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int status,
			      const char *why)
{
	struct web_response response = {0};

	if (web_response_refuse(&response, status, why) < 0)
		return MHD_NO;
	return send_response(connection, &response, NULL, NULL, NULL);
}

/* Sends a file of the page. */
static enum MHD_Result send_asset(struct MHD_Connection *connection, const struct web_route *route)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	const char *data;
	size_t size;

	if (page_find(route->file, &data, &size) < 0)
		return MHD_NO;
	response = MHD_create_response_from_buffer(size, (void *)data, MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	add_headers(response, route->type);
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- logging in ---- */

static enum MHD_Result welcome(const struct web_shared *shared, struct MHD_Connection *connection)
{
	_cleanup_free_ char *cookie = NULL;
	struct web_response response = {.status = MHD_HTTP_OK};
	int length;

	length = asprintf(&response.body, "{\"token\":\"%s\"}", web_guard_token(shared->guard));
	if (length < 0)
		return MHD_NO;
	response.length = (size_t)length;
	if (asprintf(&cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict",
		     web_guard_cookie_name(shared->guard), web_guard_cookie(shared->guard)) < 0) {
		web_response_done(&response);
		return MHD_NO;
	}
	return send_response(connection, &response, NULL, MHD_HTTP_HEADER_SET_COOKIE, cookie);
}

static enum MHD_Result log_in(const struct web_shared *shared, struct MHD_Connection *connection,
			      const struct web_exchange *exchange)
{
	_cleanup_tree_ struct json_object *tree = NULL;
	int r;

	if (web_words_read_body(exchange->body ?: "", exchange->length, &tree) < 0)
		return refuse(connection, MHD_HTTP_BAD_REQUEST, "the body is no JSON object");
	r = web_guard_accept(shared->guard, tree_get_text(tree, "token"));
	if (r == -EACCES)
		return refuse(connection, MHD_HTTP_FORBIDDEN,
			      "this is not an address that oxprofctl web has printed");
	shared->settings.on_event(shared->settings.userdata,
				  r < 0 ? WEB_EVENT_USED_AGAIN : WEB_EVENT_JOINED);
	if (r < 0)
		return refuse(connection, MHD_HTTP_FORBIDDEN,
			      "this address was used before, and each works only once");
	return welcome(shared, connection);
}

/* ---- calls ---- */

struct body_reading {
	struct web_words *words;
	int r;
};

/* Adds a parameter; the first wrong one ends the iteration, so that the refusal names it. */
static enum MHD_Result add_parameter(void *userdata, enum MHD_ValueKind kind, const char *name,
				     size_t name_length, const char *value, size_t value_length)
{
	struct body_reading *reading = userdata;

	reading->r = web_words_add_bytes(reading->words, name, name_length, value, value_length);
	return reading->r < 0 ? MHD_NO : MHD_YES;
}

/* Reads the parameters from the path or from the body. Returns 0, -ENOMEM, -EBADMSG where the body
 * is no JSON object, or -EINVAL where web_words_why() says what is wrong. */
static int read_parameters(struct MHD_Connection *connection, const struct web_exchange *exchange,
			   struct web_words *words)
{
	_cleanup_tree_ struct json_object *tree = NULL;
	struct body_reading reading = {words, 0};
	int r;

	if (exchange->route->method == WEB_GET) {
		MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, add_parameter,
					    &reading);
		return reading.r;
	}
	r = web_words_read_body(exchange->body ?: "", exchange->length, &tree);
	return r < 0 ? r : web_words_add_tree(words, tree);
}

static int get_socket(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static enum MHD_Result make_call(struct web_shared *shared, struct MHD_Connection *connection,
				 const struct web_route *route, const struct request *request)
{
	struct web_response response = {0};
	int r = -ECANCELED;

	/* The order matters: the end of the server sets `ends` before it waits for n_working. */
	atomic_fetch_add(&shared->n_working, 1);
	if (!atomic_load(&shared->ends))
		r = web_api_respond(route, request, get_socket(connection), &response);
	atomic_fetch_sub(&shared->n_working, 1);
	if (r < 0) {
		web_response_done(&response);
		return r == -ENOMEM ? refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
					     "oxprofctl web: out of memory")
				    : MHD_NO;
	}
	return send_response(connection, &response,
			     response.status == MHD_HTTP_OK ? route->type : NULL, NULL, NULL);
}

static enum MHD_Result call(struct web_shared *shared, struct MHD_Connection *connection,
			    const struct web_exchange *exchange)
{
	_cleanup_(web_words_free_p) struct web_words *words = web_words_new(exchange->route);
	char why[ARGUMENTS_WHY_BYTES] = "the body is no JSON object";
	enum MHD_Result result;
	struct request request;
	int r;

	if (!words)
		return MHD_NO;
	r = read_parameters(connection, exchange, words);
	if (r == -EINVAL)
		snprintf(why, sizeof(why), "%s", web_words_why(words));
	if (r >= 0)
		r = web_words_parse(words, clock_realtime_usec(), &request, why);
	if (r == -ENOMEM)
		return MHD_NO;
	if (r < 0)
		return refuse(connection, MHD_HTTP_BAD_REQUEST, why);
	request.no_ask_password = shared->settings.no_ask_password;
	result = make_call(shared, connection, exchange->route, &request);
	request_done(&request);
	return result;
}

/* ---- from head to end ---- */

static enum web_method find_method(const char *name)
{
	return !strcmp(name, "GET") ? WEB_GET : !strcmp(name, "POST") ? WEB_POST : WEB_OTHER;
}

static const char *find_header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* True if the head announces a body that is too long. */
static bool is_too_long(struct MHD_Connection *connection)
{
	const char *length = find_header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length && strtoull(length, NULL, 10) > BODY_BYTES_MAX;
}

static enum MHD_Result refuse_head(struct MHD_Connection *connection, unsigned int status,
				   const char *why, const char *path)
{
	const struct web_route *route = web_route_find(path);
	struct web_response response = {0};

	if (web_response_refuse(&response, status, why) < 0)
		return MHD_NO;
	if (status != MHD_HTTP_METHOD_NOT_ALLOWED)
		return send_response(connection, &response, NULL, NULL, NULL);
	return send_response(connection, &response, NULL, MHD_HTTP_HEADER_ALLOW,
			     route && route->method == WEB_POST ? "POST" : "GET");
}

enum MHD_Result web_exchange_begin(const struct web_shared *shared,
				   struct MHD_Connection *connection, const char *path,
				   const char *method, struct web_exchange **ret)
{
	const struct web_head head = {
		.method = find_method(method),
		.path = path,
		.host = find_header(connection, MHD_HTTP_HEADER_HOST),
		.origin = find_header(connection, "Origin"),
		.fetch_site = find_header(connection, "Sec-Fetch-Site"),
		.type = find_header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
		.token = find_header(connection, "X-Oxprof-Token"),
		.cookie = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND,
						      web_guard_cookie_name(shared->guard)),
	};
	const struct web_route *route = NULL;
	const char *why = NULL;
	unsigned int status = web_guard_check(shared->guard, &head, &route, &why);
	struct web_exchange *exchange;

	if (status)
		return refuse_head(connection, status, why, path);
	if (is_too_long(connection))
		return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too long");
	exchange = calloc(1, sizeof(*exchange));
	if (!exchange)
		return MHD_NO;
	exchange->route = route;
	*ret = exchange;
	return MHD_YES;
}

/* Closes the connection where the body exceeds the limit, which its head need not announce. */
enum MHD_Result web_exchange_take(struct web_exchange *exchange, const char *data, size_t *size)
{
	assert(exchange->length <= BODY_BYTES_MAX);
	if (*size > BODY_BYTES_MAX - exchange->length ||
	    array_reserve(exchange->body, exchange->size, exchange->length + *size) < 0)
		return MHD_NO;
	memcpy(exchange->body + exchange->length, data, *size);
	exchange->length += *size;
	*size = 0;
	return MHD_YES;
}

enum MHD_Result web_exchange_respond(const struct web_exchange *exchange, struct web_shared *shared,
				     struct MHD_Connection *connection)
{
	switch (exchange->route->action) {
	case WEB_ASSET:
		return send_asset(connection, exchange->route);
	case WEB_LOGIN:
		return log_in(shared, connection, exchange);
	default:
		return call(shared, connection, exchange);
	}
}

struct web_exchange *web_exchange_free(struct web_exchange *exchange)
{
	if (exchange)
		free(exchange->body);
	free(exchange);
	return NULL;
}
