#include "play/web_probes.h"

#include "access/web_admit.h"
#include "api/json_head.h"
#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "auth/grants.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/http_app.h"
#include "ledger/ledger.h"
#include "play/probes.h"
#include "twilio/accounts.h"
#include "twilio/sid.h"
#include "twilio/signature.h"

#include <sodium.h>
#include <stdlib.h>

#define BODY_MAX    (64 * 1024)
#define TOKEN_MS    PROBES_MS
#define WEBHOOK     "/webhook/recording-status"
#define WEBHOOK_MAX 512

struct beginning {
	struct grant grant;
	struct parked parked;
	struct probes *probes;
	struct exchange *x; /* NULL: the client is gone */
};

/* What Twilio would send, were there such a call; with the signature that it would have. */
static void add_webhook(struct json *json, const struct web *web)
{
	char call_sid[SID_SIZE], recording_sid[SID_SIZE], url_text[WEBHOOK_MAX];
	char signature[SIGNATURE_TEXT_SIZE], body_text[WEBHOOK_MAX];
	const struct account *account = web->accounts->count > 0 ? &web->accounts->at[0] : NULL;
	struct buf url, body;

	if (!account || !account->auth_token || !web->options.public_url) {
		json_nothing(json, "webhook");
		return;
	}
	probes_sid(web->probes, PROBE_STORED, "CA", call_sid);
	probes_sid(web->probes, PROBE_STORED, "RE", recording_sid);
	const struct twilio_param params[] = {
		{ STR("AccountSid"), str_of(account->account_sid) },
		{ STR("CallSid"), str_of(call_sid) },
		{ STR("RecordingSid"), str_of(recording_sid) },
		{ STR("RecordingStatus"), STR("completed") },
	};

	buf_over(&url, url_text, sizeof(url_text));
	buf_addf(&url, "%s" WEBHOOK, web->options.public_url);
	signature_make(buf_str(&url), params, ARRAY_LEN(params), str_of(account->auth_token),
		       signature);
	buf_over(&body, body_text, sizeof(body_text));
	for (size_t i = 0; i < ARRAY_LEN(params); i++)
		buf_addf(&body, "%s%.*s=%.*s", i > 0 ? "&" : "", STR_ARG(params[i].name),
			 STR_ARG(params[i].value));
	json_open(json, "webhook", '{');
	json_text(json, "path", STR(WEBHOOK));
	json_text(json, "body", buf_str(&body));
	json_text(json, "signature", str_of(signature));
	json_close(json, '}');
}

static void add_call(struct json *json, const char *key, const struct probes *probes,
		     enum probe probe)
{
	char sid[SID_SIZE];

	probes_sid(probes, probe, "CA", sid);
	json_text(json, key, str_of(sid));
}

static void add_calls(struct json *json, const struct probes *probes)
{
	json_open(json, "calls", '{');
	add_call(json, "stored", probes, PROBE_STORED);
	add_call(json, "flight", probes, PROBE_FLIGHT);
	add_call(json, "echo", probes, PROBE_ECHO);
	add_call(json, "missing", probes, PROBE_MISSING);
	json_close(json, '}');
	json_int(json, "size", (int64_t)probes_media(probes)->size);
	json_text(json, "sha256", str_of(probes_media(probes)->sha256));
	json_int(json, "flight_ms", PROBES_FLIGHT_MS);
}

static const char *mode_name(enum auth_mode mode)
{
	switch (mode) {
	case AUTH_PASSWORD:
		return "password";
	case AUTH_PROXY:
		return "proxy";
	case AUTH_NONE:
	case AUTH_UNSET:
		break;
	}
	return "none";
}

static void add_settings(struct json *json, const struct exchange *x, const struct web *web)
{
	const struct auth_options *auth = &web->auth->options;

	json_text(json, "version", STR(CALLSPOOL_VERSION));
	json_text(json, "public_url", str_of(web->options.public_url));
	json_text(json, "direct_url", str_of(web->own_url));
	json_text(json, "auth", str_of(mode_name(auth->mode)));
	json_text(json, "user_header", str_of(auth->user_header));
	json_text(json, "origin",
		  str_of(web->options.cors_origins ? web->options.cors_origins[0] : NULL));
	json_int(json, "min_free_bytes", (int64_t)web->live.min_free_bytes);
	json_int(json, "play_wait_ms", web->live.play_wait_ms);
	json_int(json, "keepalive_ms", x->server->options.keepalive_timeout_ms);
	json_int(json, "head_ms", x->server->options.head_timeout_ms);
	json_int(json, "send_ms", x->server->options.send_timeout_ms);
}

static void reply_begun(struct exchange *x, const struct grant *grant)
{
	const struct web *web = web_local_of(x)->web;
	char token[sizeof(CREDENTIAL_PREFIX) + CREDENTIAL_SIZE];
	__attribute__((cleanup(buf_release_at))) struct buf body;
	struct json json;

	buf_init(&body, BODY_MAX);
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	snprintf(token, sizeof(token), CREDENTIAL_PREFIX "%s", grant->secret.text);
	json_text(&json, "token", str_of(token));
	add_settings(&json, x, web);
	add_calls(&json, web->probes);
	add_webhook(&json, web);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(x, buf_str(&body));
	sodium_memzero(token, sizeof(token));
	if (body.at)
		sodium_memzero(body.at, body.len);
}

static void made(struct ledger_job *job)
{
	struct grant *grant = container_of(job, struct grant, job);
	struct beginning *beginning = container_of(grant, struct beginning, grant);

	if (job->succeeded)
		probes_note_token(beginning->probes, grant->secret.name, clock_monotonic_ms());
	if (beginning->x && job->succeeded)
		reply_begun(beginning->x, grant);
	else if (beginning->x)
		web_refuse_change(beginning->x, &job->err, WEB_NOT_FOUND, WEB_INTERNAL);
	credential_wipe(&grant->secret);
	free(beginning);
}

static void client_gone(struct parked *parked)
{
	container_of(parked, struct beginning, parked)->x = NULL;
}

/* False: refused.  *out: "" where none is named. */
static bool read_recording(struct exchange *x, char out[SID_SIZE])
{
	static const struct web_json_member members[] = {
		{ "recording_sid", WEB_JSON_TEXT },
		{ 0 },
	};
	json_t *body = web_json_body_of(x, members);
	struct str sid;
	bool is_good;

	if (!body)
		return false;
	sid = web_json_text(body, "recording_sid");
	is_good = !sid.at || sid_is_recording(sid);
	if (is_good)
		str_fit(sid, out, SID_SIZE);
	else
		web_refuse(x, WEB_BAD_REQUEST, "recording_sid is no recording SID.", WEB_NO_RETRY);
	json_decref(body);
	return is_good;
}

void web_probes_begin(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	struct beginning *beginning;
	char recording_sid[SID_SIZE];
	struct auth_actor actor;
	struct err err;

	if (!read_recording(x, recording_sid))
		return;
	if (!probes_begin(local->web->probes, loop_now_ms(local->loop), &err)) {
		web_refuse(x, WEB_INTERNAL, err.text, WEB_NO_RETRY);
		return;
	}
	web_actor_of(x, &actor);
	beginning = xcalloc(1, sizeof(*beginning));
	beginning->x = x;
	beginning->probes = local->web->probes;
	beginning->parked.gone = client_gone;
	grant_doctor_init(&beginning->grant, local->web->auth, &actor, str_of(recording_sid),
			  TOKEN_MS);
	beginning->grant.job.done = made;
	beginning->grant.job.reply = local->mailbox;
	exchange_park(x, &beginning->parked);
	ledger_write(local->web->ledger, &beginning->grant.job);
}
