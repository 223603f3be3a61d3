/*
 * The administrator's socket (client/admin_client.h), with canned answers, one after the other; what is asked is kept.
 *
 * Linked with --wrap of admin_ask.
 */
#pragma once

#include "base/mem.h"
#include "base/own.h"
#include "client/admin_client.h"
#include "must.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct err err;

struct admin_answer {
	long status; /* 0: none, but a failure of that kind */
	const char *body;
	enum err_kind kind;
};

static const struct admin_answer *admin_answers; /* the last of them again and again */
static size_t admin_count, admin_asks;
static char admin_asked[4096]; /* "GET /path\n" each, with what was sent behind the path */
static long admin_limit_s;     /* of the last question */

static void admin_begin(const struct admin_answer *answers, size_t count)
{
	admin_answers = answers;
	admin_count = count;
	admin_asks = 0;
	admin_asked[0] = '\0';
}

bool __wrap_admin_ask(const struct settings *settings, const struct admin_request *request,
		      long *out_status, struct buf *out, struct err *why);

bool __wrap_admin_ask(const struct settings *settings, const struct admin_request *request,
		      long *out_status, struct buf *out, struct err *why)
{
	size_t at = admin_asks < admin_count ? admin_asks : admin_count - 1;
	const struct admin_answer *answer = &admin_answers[at];
	size_t used = strlen(admin_asked);

	admin_asks++;
	admin_limit_s = request->time_limit_s;
	snprintf(admin_asked + used, sizeof(admin_asked) - used, "%s %s%s%s\n", request->method,
		 request->path, request->body ? " " : "", request->body ? request->body : "");
	if (answer->status == 0)
		return err_set(why, answer->kind, "nobody answers");
	*out_status = answer->status;
	if (answer->body)
		buf_add(out, answer->body, strlen(answer->body));
	return true;
}
