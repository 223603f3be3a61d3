#include "web/web_upgrade.h"

#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "base/mem.h"
#include "service/successor.h"

#include <stdlib.h>
#include <unistd.h>

#define BODY_SIZE 1024

struct upgrading {
	struct successor_request request;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
};

static void add_failure(struct json *json, const struct successor_request *request)
{
	if (request->succeeded) {
		json_nothing(json, "failed");
		return;
	}
	json_open(json, "failed", '{');
	json_int(json, "pid", request->pid);
	json_text(json, "code", str_of(web_error_code(web_error_of_kind(request->err.kind))));
	json_text(json, "error", str_of(request->err.text));
	json_close(json, '}');
}

static void reply(struct exchange *x, const struct successor_request *request)
{
	char text[BODY_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_int(&json, "pid", request->begins ? request->pid : getpid());
	json_text(&json, "version", str_of(request->begins ? request->version : CALLSPOOL_VERSION));
	if (!request->begins)
		add_failure(&json, request);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(x, buf_str(&body));
}

static void answered(struct successor_request *request)
{
	struct upgrading *upgrading = container_of(request, struct upgrading, request);
	struct exchange *x = upgrading->x;

	if (x && request->begins && !request->succeeded)
		web_refuse(x, web_error_of_kind(request->err.kind), request->err.text,
			   WEB_NO_RETRY);
	else if (x)
		reply(x, request);
	free(request->binary);
	free(upgrading);
}

static void client_gone(struct parked *parked)
{
	container_of(parked, struct upgrading, parked)->x = NULL;
}

static bool may_ask(struct exchange *x)
{
	if (web_local_of(x)->web->successor)
		return true;
	web_refuse(x, WEB_CONFLICT,
		   "This process cannot be upgraded: callspool serve did not start it.",
		   WEB_NO_RETRY);
	return false;
}

static void ask(struct exchange *x, bool begins, struct str binary)
{
	struct web_local *local = web_local_of(x);
	struct upgrading *upgrading = xcalloc(1, sizeof(*upgrading));

	upgrading->x = x;
	upgrading->parked.gone = client_gone;
	upgrading->request.begins = begins;
	upgrading->request.binary = binary.at ? str_dup(binary) : NULL;
	upgrading->request.done = answered;
	upgrading->request.reply = local->mailbox;
	exchange_park(x, &upgrading->parked);
	successor_ask(local->web->successor, &upgrading->request);
}

void web_upgrade_show(struct exchange *x)
{
	if (may_ask(x))
		ask(x, false, STR_NONE);
}

void web_upgrade_begin(struct exchange *x)
{
	static const struct web_json_member members[] = {
		{ "binary", WEB_JSON_TEXT },
		{ 0 },
	};
	json_t *body;
	struct str binary;

	if (!may_ask(x))
		return;
	body = web_json_body_of(x, members);
	if (!body)
		return;
	binary = web_json_text(body, "binary");
	if (binary.at && (binary.len == 0 || binary.at[0] != '/'))
		web_refuse(x, WEB_BAD_REQUEST, "The binary is named by a path from the root.",
			   WEB_NO_RETRY);
	else
		ask(x, true, binary);
	json_decref(body);
}
