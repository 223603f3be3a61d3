#include "web/web_health_check.h"

#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/canary.h"

#include <stdlib.h>

#define BODY_MAX (1024 * 1024)
#define RETRY_S  10 /* so long an examination takes, more or less */

struct checking {
	struct canary_request request;
	struct parked parked;
	struct canary *canary;
	struct exchange *x; /* NULL: the client is gone */
};

static void checking_free(struct checking *checking)
{
	for (size_t i = 0; i < checking->request.names_count; i++)
		free(checking->request.names[i]);
	report_release(&checking->request.report);
	free(checking);
}

static void reply(struct exchange *x, const struct canary_request *request)
{
	__attribute__((cleanup(buf_release_at))) struct buf body;
	struct json json;

	buf_init(&body, BODY_MAX);
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	canary_write_report(&request->report, request->at_ms, "checks", &json);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(x, buf_str(&body));
}

static void done(struct canary_request *request)
{
	struct checking *checking = container_of(request, struct checking, request);

	if (checking->x && request->succeeded)
		reply(checking->x, request);
	else if (checking->x)
		web_refuse(checking->x, WEB_OVERLOADED, "The server stops.", WEB_NO_RETRY);
	checking_free(checking);
}

static void client_gone(struct parked *parked)
{
	struct checking *checking = container_of(parked, struct checking, parked);

	checking->x = NULL;
	if (canary_withdraw(checking->canary, &checking->request))
		checking_free(checking);
}

static bool refuse_names(struct exchange *x)
{
	web_refuse(x, WEB_BAD_REQUEST, "checks is a list of names.", WEB_NO_RETRY);
	return false;
}

/* `checks`: names of checks and groups; none: all.  False: refused. */
static bool read_names(struct exchange *x, const json_t *body, struct canary_request *request)
{
	const json_t *names = json_object_get(body, "checks"), *name;
	struct examination examination = { .names = (const char *const *)request->names };
	struct err err;
	size_t i;

	if (names && !json_is_array(names))
		return refuse_names(x);
	json_array_foreach(names, i, name)
	{
		if (!json_is_string(name) || i == EXAMINATION_NAMES_MAX)
			return refuse_names(x);
		request->names[request->names_count++] = xstrdup(json_string_value(name));
	}
	examination.names_count = request->names_count;
	if (examination_validate(&examination, &err))
		return true;
	web_refuse(x, WEB_BAD_REQUEST, err.text, WEB_NO_RETRY);
	return false;
}

static void start(struct exchange *x, struct checking *checking)
{
	exchange_park(x, &checking->parked);
	if (canary_ask(checking->canary, &checking->request))
		return;
	web_refuse(x, WEB_OVERLOADED, "Others wait for an examination already.", RETRY_S);
	checking_free(checking);
}

void web_health_check(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	json_t *body = web_json_body(x);
	struct checking *checking;

	if (!body)
		return;
	if (!local->web->canary) {
		web_refuse(x, WEB_CONFLICT, "This process does not examine itself.", WEB_NO_RETRY);
		json_decref(body);
		return;
	}
	checking = xcalloc(1, sizeof(*checking));
	checking->x = x;
	checking->parked.gone = client_gone;
	checking->request.done = done;
	checking->request.reply = local->mailbox;
	checking->canary = local->web->canary;
	if (read_names(x, body, &checking->request))
		start(x, checking);
	else
		checking_free(checking);
	json_decref(body);
}
