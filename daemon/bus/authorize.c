/* SPDX-License-Identifier: MIT */
#include "daemon/bus/authorize.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/reply.h"

/* Limit of the checks that are open, each for a call that waits. */
#define AUTHORIZATIONS_MAX 256

struct authorization {
	struct authorizer *authorizer;
	sd_bus_message *call; /* held */
	sd_bus_slot *slot;
	char *action;
	int result; /* of authorize(): 0 while polkit is being asked */
	struct authorization *next;
};

struct authorizer {
	struct authorization *authorizations;
	unsigned n;
};

struct authorizer *authorizer_new(void)
{
	return calloc(1, sizeof(struct authorizer));
}

static void authorization_free(struct authorization *authorization)
{
	sd_bus_slot_unref(authorization->slot);
	sd_bus_message_unref(authorization->call);
	free(authorization->action);
	free(authorization);
}

static void remove_authorizations(struct authorizer *authorizer, const sd_bus_message *call)
{
	for (struct authorization **p = &authorizer->authorizations; *p;) {
		struct authorization *authorization = *p;

		if (call && authorization->call != call) {
			p = &authorization->next;
			continue;
		}
		assert(authorizer->n > 0);
		*p = authorization->next;
		authorizer->n--;
		authorization_free(authorization);
	}
}

struct authorizer *authorizer_free(struct authorizer *authorizer)
{
	if (authorizer)
		remove_authorizations(authorizer, NULL);
	free(authorizer);
	return NULL;
}

void authorize_done(struct authorizer *authorizer, sd_bus_message *call)
{
	remove_authorizations(authorizer, call);
}

int sender_get_uid(sd_bus_message *call, uint32_t *ret)
{
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	uid_t uid;
	int r = sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds);

	if (r < 0)
		return r;
	/* Augmented: read from /proc afterwards, where another process may have the pid by now. */
	if (sd_bus_creds_get_augmented_mask(creds) & SD_BUS_CREDS_EUID)
		return -EPERM;
	r = sd_bus_creds_get_euid(creds, &uid);
	if (r < 0)
		return r;
	*ret = uid;
	return 0;
}

bool sender_is_privileged(sd_bus_message *call)
{
	return sd_bus_query_sender_privilege(call, -1) > 0;
}

static int read_reply(sd_bus_message *reply)
{
	int authorized, challenge;

	if (sd_bus_message_is_method_error(reply, NULL) ||
	    sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
	    sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
		return -EACCES; /* no polkit: nobody but root */
	return authorized ? 1 : challenge ? -ENOKEY : -EACCES;
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct authorization *authorization = userdata;

	assert(!authorization->result);
	authorization->result = read_reply(reply);
	authorization->slot = sd_bus_slot_unref(authorization->slot);
	/* The handler of the call now finds the answer. */
	bus_call_again(authorization->call);
	return 1;
}

static int ask(struct authorization *authorization, const char *detail, bool interactive)
{
	sd_bus *bus = sd_bus_message_get_bus(authorization->call);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	uint32_t flags = interactive && sd_bus_message_get_allow_interactive_authorization(
						authorization->call) > 0;
	int r = sd_bus_message_new_method_call(bus, &message, "org.freedesktop.PolicyKit1",
					       "/org/freedesktop/PolicyKit1/Authority",
					       "org.freedesktop.PolicyKit1.Authority",
					       "CheckAuthorization");

	if (r < 0)
		return r;
	r = sd_bus_message_append(message, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
				  sd_bus_message_get_sender(authorization->call),
				  authorization->action, 1, "detail", detail, flags, "");
	/* A person may be thinking about a password. */
	return r < 0 ? r
		     : sd_bus_call_async(bus, &authorization->slot, message, on_reply,
					 authorization, interactive ? UINT64_C(300000000) : 0);
}

static struct authorization *find_authorization(const struct authorizer *authorizer,
						const sd_bus_message *call, const char *action)
{
	for (struct authorization *q = authorizer->authorizations; q; q = q->next)
		if (q->call == call && !strcmp(q->action, action))
			return q;
	return NULL;
}

bool authorize_has_call(const struct authorizer *authorizer, const sd_bus_message *call)
{
	for (const struct authorization *q = authorizer->authorizations; q; q = q->next)
		if (q->call == call)
			return true;
	return false;
}

int authorize(struct authorizer *authorizer, sd_bus_message *call, const char *action,
	      const char *detail, bool interactive)
{
	struct authorization *authorization;
	int r;

	assert(action && detail);
	if (sender_is_privileged(call))
		return 1;
	authorization = find_authorization(authorizer, call, action);
	if (authorization)
		return authorization->result;
	if (authorizer->n >= AUTHORIZATIONS_MAX || !sd_bus_message_get_sender(call))
		return -EACCES;
	authorization = calloc(1, sizeof(*authorization));
	if (!authorization)
		return -ENOMEM;
	authorization->authorizer = authorizer;
	authorization->call = sd_bus_message_ref(call);
	authorization->action = strdup(action);
	r = authorization->action ? ask(authorization, detail, interactive) : -ENOMEM;
	if (r < 0) {
		authorization_free(authorization);
		return -EACCES;
	}
	authorization->next = authorizer->authorizations;
	authorizer->authorizations = authorization;
	authorizer->n++;
	return 0;
}
