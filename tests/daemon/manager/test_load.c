/* SPDX-License-Identifier: MIT */
/*
 * The manager while the kernel side is being loaded, over the bus. The test replaces sampler_new()
 * (--wrap) by a function that waits until the test lets it go on.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/base/cleanup.h"
#include "tests/support/bus_world.h"
#include "tests/support/kernel_side.h"

#define REFUSAL "the verifier says no"

static sem_t go;
static atomic_bool refuses;
static atomic_uint n_loads;

int __real_sampler_new(uint64_t unwind_bytes, struct sampler **ret, struct sampler_report *report);
int __wrap_sampler_new(uint64_t unwind_bytes, struct sampler **ret, struct sampler_report *report)
{
	n_loads++;
	while (sem_wait(&go) < 0)
		;
	if (!refuses)
		return __real_sampler_new(unwind_bytes, ret, report);
	snprintf(report->why, sizeof(report->why), REFUSAL);
	return -EACCES;
}

static void start(void)
{
	sem_init(&go, 0, 0);
	bus_world_start();
}

static void stop(void)
{
	bus_world_stop();
	/* Lets a loader's thread end that the manager has left. */
	sem_post(&go);
}

TestSuite(manager_load, .init = start, .fini = stop, .timeout = 1000);

static void send_unpause(const char *target, struct bus_world_reply *reply)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

	cr_assert_geq(sd_bus_message_new_method_call(bus_world.client, &call, NULL, OX_BUS_PATH,
						     OX_BUS_INTERFACE, "Unpause"),
		      0);
	cr_assert_geq(sd_bus_message_append(call, "asa{sv}", 1, target, 0), 0);
	cr_assert_geq(sd_bus_call_async(bus_world.client, NULL, call, bus_world_on_reply, reply, 0),
		      0);
}

static void wait_for(struct bus_world_reply *reply)
{
	while (!reply->n)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
}

static void assert_refused(struct bus_world_reply *reply, const char *words)
{
	const sd_bus_error *error;

	wait_for(reply);
	error = sd_bus_message_get_error(reply->message);
	cr_assert_not_null(error);
	cr_assert_str_eq(error->name, OX_ERROR_KERNEL);
	assert_has(error->message, words);
	sd_bus_message_unref(reply->message);
}

static void assert_kernel(const char *expected)
{
	_cleanup_free_ char *status = bus_world_answer("GetStatus", "");
	char part[64];

	snprintf(part, sizeof(part), ",kernel=s:%s", expected);
	assert_has(status, part);
}

Test(manager_load, others_are_answered_while_one_waits)
{
	struct bus_world_reply first = {0}, second = {0};

	send_unpause("all", &first);
	send_unpause("all", &second);
	assert_kernel("loading,loading_usec=t:");
	assert_property("State", "s:paused");
	cr_assert_eq(first.n + second.n, 0);
	refuses = true;
	sem_post(&go);
	assert_refused(&first, REFUSAL);
	assert_refused(&second, REFUSAL);
	cr_assert_eq(n_loads, 1);
	assert_kernel("failed");
	assert_property("Targets", "as:[]");
}

Test(manager_load, a_failure_is_told_and_the_next_unpause_tries_again)
{
	_cleanup_free_ char *status = NULL;
	struct bus_world_reply reply = {0};

	refuses = true;
	for (unsigned i = 1; i <= 2; i++) {
		reply.n = 0;
		send_unpause("all", &reply);
		sem_post(&go);
		assert_refused(&reply, REFUSAL);
		cr_assert_eq(n_loads, i);
	}
	status = bus_world_answer("GetStatus", "");
	assert_has(status, ",notice=s:" REFUSAL);
}

Test(manager_load, what_cannot_be_is_refused_without_loading)
{
	assert_error(OX_ERROR_NO_TARGET, "no target yet", "Unpause", "asa{sv}", 0, 0);
	assert_error(OX_ERROR_NO_SUCH_USER, "nobody-of-that-name", "Unpause", "asa{sv}", 1,
		     "user:nobody-of-that-name", 0);
	cr_assert_eq(n_loads, 0);
}

Test(manager_load, who_comes_while_it_is_loaded_ahead_waits_for_that)
{
	struct bus_world_reply reply = {0};

	manager_load_ahead(bus_world.manager);
	assert_kernel("loading");
	send_unpause("all", &reply);
	assert_kernel("loading");
	refuses = true;
	sem_post(&go);
	assert_refused(&reply, REFUSAL);
	cr_assert_eq(n_loads, 1);
}

Test(manager_load, a_cancel_ends_the_wait)
{
	struct bus_world_reply reply = {0};

	send_unpause("all", &reply);
	assert_kernel("loading");
	free(bus_world_answer("Cancel", ""));
	assert_refused(&reply, "cancelled");
	assert_kernel("unloaded");
}

Test(manager_load, so_many_may_wait)
{
	struct bus_world_reply replies[OX_WAITING_MAX] = {0};

	for (size_t i = 0; i < array_length(replies); i++)
		send_unpause("all", &replies[i]);
	assert_kernel("loading");
	assert_error(OX_ERROR_LIMIT_REACHED, "64 requests wait", "Unpause", "asa{sv}", 1, "all", 0);
	free(bus_world_answer("Cancel", ""));
	for (size_t i = 0; i < array_length(replies); i++)
		assert_refused(&replies[i], "cancelled");
}

Test(manager_load, the_daemon_may_stop_meanwhile)
{
	struct bus_world_reply reply = {0};

	send_unpause("all", &reply);
	assert_kernel("loading");
}

Test(manager_load, all_who_waited_get_what_they_asked_for)
{
	struct bus_world_reply first = {0}, second = {0};

	sem_post(&go);
	sampler_free(sampler_or_skip());
	n_loads = 0;
	send_unpause("user:root", &first);
	send_unpause("all", &second);
	assert_kernel("loading");
	sem_post(&go);
	wait_for(&first);
	wait_for(&second);
	free(bus_world_text_of(first.message));
	free(bus_world_text_of(second.message));
	cr_assert_eq(n_loads, 1);
	assert_property("State", "s:running");
	assert_property("Targets", "as:[user:root,all]");
	/* A pause closes the events and leaves the programs loaded; a resume only opens. */
	free(bus_world_answer("Pause", "as", 0));
	assert_kernel("loaded");
	free(bus_world_answer("Unpause", "asa{sv}", 0, 0));
	assert_property("State", "s:running");
	cr_assert_eq(n_loads, 1);
	free(bus_world_answer("Cancel", ""));
	assert_kernel("unloaded");
}
