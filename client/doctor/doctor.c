/* SPDX-License-Identifier: MIT */
#include "client/doctor/doctor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/base/failure.h"
#include "client/doctor/check.h"
#include "client/doctor/render.h"

/* oxprofd answers at once, but an overloaded machine may need a while. */
#define TIMEOUT_USEC UINT64_C(20000000)

static void (*const checks[])(const struct machine *machine, struct findings *findings) = {
	kernel_check,  events_check,  service_check,  system_check,
	storage_check, symbols_check, programs_check,
};

void doctor_examine(const struct machine *machine, struct findings *findings)
{
	assert(machine->root && machine->bus);
	for (size_t i = 0; i < array_length(checks); i++)
		checks[i](machine, findings);
}

/* Asks the daemon for its status if it owns its name on the bus. The caller frees machine->status.
 */
static void ask_daemon(struct bus *bus, struct machine *machine)
{
	struct json_object *status = NULL;
	int r;

	if (machine->bus->daemon != NAME_OWNED)
		return;
	bus_forbid_start(bus);
	bus_set_timeout(bus, TIMEOUT_USEC);
	r = bus_get_status(bus, NULL, &status);
	if (r >= 0)
		machine->status = status;
	else
		machine->status_error = bus_get_error_text(bus) ?: strerror(-r);
}

/* Returns "doctor: oxprof cannot profile on this machine: btf, opener". NULL: no memory. */
static char *describe(const struct findings *findings)
{
	char names[512];
	size_t used = 0;
	char *line;

	for (size_t i = 0; i < findings->n && used < sizeof(names); i++)
		if (findings->rows[i].verdict == VERDICT_FAILED)
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used > 0 ? ", " : "", findings->rows[i].id);
	return asprintf(&line, "doctor: oxprof cannot profile on this machine: %s", names) < 0
		       ? NULL
		       : line;
}

static int print(const struct machine *machine, const struct findings *findings,
		 const struct request *request, const struct screen *screen, FILE *out)
{
	char release[KERNEL_RELEASE_BYTES];

	if (findings->out_of_memory)
		return -ENOMEM;
	kernel_read_release(machine, release);
	if (request->json)
		return findings_print_json(findings, release, out);
	findings_print(findings, screen, out);
	return 0;
}

int doctor_run(struct bus *bus, int bus_error, const struct request *request,
	       const struct screen *screen, FILE *out, char **ret_why)
{
	struct bus_facts facts = {.error = bus ? 0 : bus_error};
	struct machine machine = {.root = "", .is_root = geteuid() == 0, .bus = &facts};
	struct findings findings = {0};
	int r;

	if (bus) {
		bus_facts_read(bus, &facts);
		ask_daemon(bus, &machine);
	}
	doctor_examine(&machine, &findings);
	r = print(&machine, &findings, request, screen, out);
	json_object_put(machine.status);
	if (r < 0)
		*ret_why = failure_describe("doctor", NULL, NULL, r);
	else if (!findings_are_good(&findings)) {
		*ret_why = describe(&findings);
		r = 1;
	}
	findings_done(&findings);
	return r;
}
