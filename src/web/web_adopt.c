/*
 * Its body: staged, the number under which the file was copied into arriving/; recorded_at (RFC 3339); and call_sid, which
 * may be left out for a recording that the ledger knows.  What it knows is not changed by either.
 */
#include "web/web_adopt.h"

#include "access/web_admit.h"
#include "adoption/adoption.h"
#include "api/sid_param.h"
#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "dispatch/fetcher.h"
#include "twilio/sid.h"

#include <stdlib.h>

#define BODY_SIZE 256

struct adopting {
	struct adoption adoption;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	const struct auth *auth;
	struct auth_actor actor;
};

static void reply_adopted(struct exchange *x, const struct adoption *adoption)
{
	char text[BODY_SIZE];
	struct json json;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_text(&json, "recording_sid", str_of(adoption->recording_sid));
	json_int(&json, "generation", adoption->generation);
	json_int(&json, "size", (int64_t)adoption->size);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(x, buf_str(&body));
}

static bool audit(struct adoption *adoption, struct catalog *catalog, struct err *err)
{
	const struct adopting *adopting = container_of(adoption, struct adopting, adoption);

	return auth_audit(adopting->auth, catalog, &adopting->actor, "adopted",
			  adoption->recording_sid, NULL, err);
}

static void adopted(struct adoption *adoption)
{
	struct adopting *adopting = container_of(adoption, struct adopting, adoption);

	if (adopting->x && adoption->succeeded)
		reply_adopted(adopting->x, adoption);
	else if (adopting->x)
		web_refuse_change(adopting->x, &adoption->err, WEB_RECORDING_NOT_FOUND,
				  WEB_CONFLICT);
	free(adopting);
}

static void client_gone(struct parked *parked)
{
	struct adopting *adopting = container_of(parked, struct adopting, parked);

	adopting->x = NULL;
	adopting->adoption.is_abandoned = true;
}

static bool read_asked(struct exchange *x, json_t *body, struct adoption *out)
{
	char room[SID_PARAM_SIZE];
	struct str recording_sid = sid_param(x->request.params[0], room);
	struct str call_sid = web_json_text(body, "call_sid");

	out->staged = json_integer_value(json_object_get(body, "staged"));
	return sid_is_recording(recording_sid) &&
	       str_copy(recording_sid, out->recording_sid, SID_SIZE) &&
	       (!call_sid.at || sid_is_call(call_sid)) &&
	       str_copy(call_sid, out->call_sid, SID_SIZE) &&
	       out->staged >= ADOPTION_STAGED_LEAST &&
	       clock_parse_date(web_json_text(body, "recorded_at"), &out->recorded_at_ms);
}

void web_recording_adopt(struct exchange *x)
{
	static const struct web_json_member members[] = {
		{ "recorded_at", WEB_JSON_TEXT },
		{ "call_sid", WEB_JSON_TEXT },
		{ 0 },
	};
	struct web_local *local = web_local_of(x);
	json_t *body = web_json_body_of(x, members);
	struct adopting *adopting;
	bool is_good;

	if (!body)
		return;
	adopting = xcalloc(1, sizeof(*adopting));
	is_good = read_asked(x, body, &adopting->adoption);
	json_decref(body);
	if (!is_good) {
		free(adopting);
		web_refuse(x, WEB_BAD_REQUEST,
			   "Give a recording SID, the number of a copied file, and recorded_at.",
			   WEB_NO_RETRY);
		return;
	}
	adopting->x = x;
	adopting->parked.gone = client_gone;
	adopting->auth = local->web->auth;
	web_actor_of(x, &adopting->actor);
	adopting->adoption.ledger = local->web->ledger;
	adopting->adoption.store = local->web->store;
	adopting->adoption.workers = fetcher_sealers(local->web->fetcher);
	adopting->adoption.reply = local->mailbox;
	adopting->adoption.done = adopted;
	adopting->adoption.storing = audit;
	exchange_park(x, &adopting->parked);
	adoption_start(&adopting->adoption);
}
