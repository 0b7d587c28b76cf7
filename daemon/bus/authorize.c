/* SPDX-License-Identifier: MIT */
#include "daemon/bus/authorize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"

/* Bounds what a client can have open; each is a call that waits for its answer. */
#define QUESTIONS_MAX 256

struct question {
	struct authorizer *authorizer;
	sd_bus_message *call; /* held */
	sd_bus_slot *slot;
	char *action;
	int result; /* 0: open; 1, -EACCES, -ENOKEY */
	struct question *next;
};

struct authorizer {
	struct question *questions;
	unsigned n;
};

struct authorizer *authorizer_new(void)
{
	return calloc(1, sizeof(struct authorizer));
}

static void question_free(struct question *question)
{
	sd_bus_slot_unref(question->slot);
	sd_bus_message_unref(question->call);
	free(question->action);
	free(question);
}

static void remove_questions(struct authorizer *authorizer, const sd_bus_message *call)
{
	for (struct question **p = &authorizer->questions; *p;) {
		struct question *question = *p;

		if (call && question->call != call) {
			p = &question->next;
			continue;
		}
		*p = question->next;
		authorizer->n--;
		question_free(question);
	}
}

struct authorizer *authorizer_free(struct authorizer *authorizer)
{
	if (authorizer)
		remove_questions(authorizer, NULL);
	free(authorizer);
	return NULL;
}

void authorize_done(struct authorizer *authorizer, sd_bus_message *call)
{
	remove_questions(authorizer, call);
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
	if (r >= 0)
		*ret = uid;
	return r < 0 ? r : 0;
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
	struct question *question = userdata;
	int r;

	question->result = read_reply(reply);
	question->slot = sd_bus_slot_unref(question->slot);
	/* The call goes through its handler again, which now finds the answer. */
	r = sd_bus_message_rewind(question->call, true);
	r = r < 0 ? r : sd_bus_enqueue_for_read(sd_bus_message_get_bus(reply), question->call);
	if (r < 0)
		(void)sd_bus_reply_method_errno(question->call, r, NULL);
	return 1;
}

static int ask(struct question *question, const char *detail, bool interactive)
{
	sd_bus *bus = sd_bus_message_get_bus(question->call);
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	uint32_t flags = interactive &&
			 sd_bus_message_get_allow_interactive_authorization(question->call) > 0;
	int r = sd_bus_message_new_method_call(bus, &message, "org.freedesktop.PolicyKit1",
					       "/org/freedesktop/PolicyKit1/Authority",
					       "org.freedesktop.PolicyKit1.Authority",
					       "CheckAuthorization");

	r = r < 0 ? r
		  : sd_bus_message_append(message, "(sa{sv})s", "system-bus-name", 1, "name", "s",
					  sd_bus_message_get_sender(question->call),
					  question->action);
	r = r < 0 ? r : sd_bus_message_append(message, "a{ss}us", 1, "detail", detail, flags, "");
	/* A person may be thinking about a password. */
	return r < 0 ? r
		     : sd_bus_call_async(bus, &question->slot, message, on_reply, question,
					 interactive ? UINT64_C(300000000) : 0);
}

static struct question *find_question(const struct authorizer *authorizer,
				      const sd_bus_message *call, const char *action)
{
	for (struct question *q = authorizer->questions; q; q = q->next)
		if (q->call == call && !strcmp(q->action, action))
			return q;
	return NULL;
}

int authorize(struct authorizer *authorizer, sd_bus_message *call, const char *action,
	      const char *detail, bool interactive)
{
	struct question *question;
	int r;

	if (sender_is_privileged(call))
		return 1;
	question = find_question(authorizer, call, action);
	if (question)
		return question->result;
	if (authorizer->n >= QUESTIONS_MAX || !sd_bus_message_get_sender(call))
		return -EACCES;
	question = calloc(1, sizeof(*question));
	if (!question)
		return -ENOMEM;
	question->authorizer = authorizer;
	question->call = sd_bus_message_ref(call);
	question->action = strdup(action);
	r = question->action ? ask(question, detail, interactive) : -ENOMEM;
	if (r < 0) {
		question_free(question);
		return -EACCES;
	}
	question->next = authorizer->questions;
	authorizer->questions = question;
	authorizer->n++;
	return 0;
}
