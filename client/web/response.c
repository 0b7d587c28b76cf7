/* SPDX-License-Identifier: MIT */
#include "client/web/response.h"

#include "client/base/page.h"
#include "daemon/base/cleanup.h"

#define JSON_TYPE "application/json"

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

enum MHD_Result web_response_send(struct MHD_Connection *connection, struct web_answer *answer,
				  const char *type, const char *name, const char *value)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->length, answer->body, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response) {
		web_answer_done(answer);
		return MHD_NO;
	}
	add_headers(response, type ?: JSON_TYPE);
	if (name)
		MHD_add_response_header(response, name, value);
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result web_response_refuse(struct MHD_Connection *connection, unsigned int status,
				    const char *why)
{
	struct web_answer answer = {0};

	if (web_answer_refuse(&answer, status, why) < 0)
		return MHD_NO;
	return web_response_send(connection, &answer, NULL, NULL, NULL);
}

enum MHD_Result web_response_send_asset(struct MHD_Connection *connection,
					const struct web_route *route)
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
