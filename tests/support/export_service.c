/* SPDX-License-Identifier: MIT */
#include "tests/support/export_service.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "client/args/arguments.h"
#include "client/bus/bus.h"
#include "client/report/report.h"
#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"

static void service_log_value(sd_bus_message *m, FILE *log)
{
	const char *contents, *text;
	uint64_t number = 0;
	char type;

	cr_assert_gt(sd_bus_message_enter_container(m, 'v', NULL), 0);
	cr_assert_gt(sd_bus_message_peek_type(m, &type, &contents), 0);
	if (type == 'a') {
		cr_assert_gt(sd_bus_message_enter_container(m, 'a', "s"), 0);
		while (sd_bus_message_read_basic(m, 's', &text) > 0)
			fprintf(log, " %s", text);
		cr_assert_geq(sd_bus_message_exit_container(m), 0);
	} else if (type == 's') {
		cr_assert_gt(sd_bus_message_read_basic(m, 's', &text), 0);
		fprintf(log, " %s", text);
	} else {
		cr_assert_gt(sd_bus_message_read_basic(m, type, &number), 0);
		fprintf(log, " %lu", (unsigned long)number);
	}
	cr_assert_geq(sd_bus_message_exit_container(m), 0);
}

static void service_log(sd_bus_message *m, FILE *log)
{
	const char *key, *gap = "";

	cr_assert_gt(sd_bus_message_enter_container(m, 'a', "{sv}"), 0);
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		cr_assert_gt(sd_bus_message_read_basic(m, 's', &key), 0);
		fprintf(log, "%s%s", gap, key);
		gap = " ";
		service_log_value(m, log);
		cr_assert_geq(sd_bus_message_exit_container(m), 0);
	}
	fputc('\n', log);
}

static int service_on_call(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct export_service *service = data;
	int fd, r;

	cr_assert_str_eq(sd_bus_message_get_member(m), "Export");
	service_log(m, service->log);
	if (service->error)
		return sd_bus_error_set(error, service->error, service->error_text);
	cr_assert_lt(service->n_calls, service->n_exports);
	fd = made_export_from(&service->exports[service->n_calls++]);
	r = sd_bus_reply_method_return(m, "h", fd);
	close(fd);
	return r < 0 ? r : 1;
}

static void *service_run(void *data)
{
	struct export_service *service = data;
	int r;

	do {
		r = sd_bus_process(service->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(service->bus, UINT64_MAX);
	} while (r >= 0);
	return NULL;
}

/* Starts the service in a thread and returns the client's end of its connection. */
static struct bus *service_start(struct export_service *service)
{
	static const sd_id128_t id =
		SD_ID128_ARRAY(01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11, 12, 13, 14, 15, 16);
	struct bus *client;
	int ends[2];

	service->log = open_memstream(&service->asked, &service->asked_size);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	cr_assert_geq(sd_bus_new(&service->bus), 0);
	cr_assert_geq(sd_bus_set_fd(service->bus, ends[0], ends[0]), 0);
	cr_assert_geq(sd_bus_set_server(service->bus, true, id), 0);
	cr_assert_geq(sd_bus_negotiate_fds(service->bus, true), 0);
	cr_assert_geq(sd_bus_add_object(service->bus, NULL, OX_BUS_PATH, service_on_call, service),
		      0);
	cr_assert_geq(sd_bus_start(service->bus), 0);
	cr_assert_eq(pthread_create(&service->thread, NULL, service_run, service), 0);
	cr_assert_eq(bus_open_peer(ends[1], &client), 0);
	return client;
}

static void service_stop(struct export_service *service, struct bus *client)
{
	bus_close(client);
	pthread_join(service->thread, NULL);
	sd_bus_flush_close_unref(service->bus);
	fclose(service->log);
}

int export_service_report(struct export_service *service, const char *line, FILE *out,
			  char **ret_why)
{
	char why[ARGUMENTS_WHY_BYTES], words[4096], *argv[64] = {(char *)"oxprofctl"};
	struct request request;
	struct bus *client;
	int argc = 1, r;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	r = arguments_parse(argc, argv, SERVICE_NOW_USEC, &request, why);
	cr_assert_eq(r, 0, "%s: %s", line, why);
	request.no_ask_password = true;
	cr_assert(report_is_wanted(&request), "%s", line);
	client = service_start(service);
	r = report_run(client, &request, &(struct screen){0}, out, ret_why);
	service_stop(service, client);
	request_done(&request);
	return r;
}

char *export_service_text(const struct made_export *exports, size_t n, const char *line,
			  char **ret_asked)
{
	struct export_service service = {.exports = exports, .n_exports = n};
	_cleanup_free_ char *why = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_expect_eq(export_service_report(&service, line, out, &why), 0, "%s", why);
	fclose(out);
	*ret_asked = service.asked;
	return text;
}
