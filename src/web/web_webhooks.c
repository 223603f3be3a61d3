#include "web/web_webhooks.h"

#include "api/forwarded.h"
#include "api/web.h"
#include "api/web_error.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "ledger/intake.h"
#include "play/probe_play.h"
#include "play/probes.h"
#include "twilio/accounts.h"
#include "twilio/callback.h"
#include "twilio/sid.h"
#include "twilio/signature.h"
#include "web/callback_body.h"

#include <stdlib.h>

#define ORIGIN_MAX 300 /* scheme, host and port; a longer one is no advice */

/* A webhook whose event is being committed. */
struct webhook {
	struct parked parked;
	struct intake_waiter waiter;
	struct exchange *x;
};

static void webhook_gone(struct parked *parked)
{
	AUTO(free) struct webhook *webhook = container_of(parked, struct webhook, parked);

	intake_leave(&webhook->waiter);
}

static void webhook_committed(struct intake_waiter *waiter, bool succeeded)
{
	AUTO(free) struct webhook *webhook = container_of(waiter, struct webhook, waiter);

	struct web_local *local = web_local_of(webhook->x);

	if (!succeeded) {
		webhook_count_uncommitted(local->webhooks);
		web_refuse(webhook->x, WEB_OVERLOADED, "The event could not be committed.",
			   WEB_NO_RETRY);
		return;
	}
	webhook_count_taken(local->webhooks);
	time_histogram_count(&local->counts.webhooks,
			     loop_now_us(local->loop) - webhook->x->head_at_us);
	reply_begin(webhook->x, 200);
	reply_header_lines(webhook->x,
			   STR("Content-Type: text/xml\r\nCache-Control: no-store\r\n"));
	reply_send(webhook->x, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>"));
}

/* The account that it names; NULL when that is not one of ours. */
static const struct account *account_of(const struct web *web, const struct callback_body *body)
{
	struct str sid = twilio_param(body->params, body->param_count, STR("AccountSid"));

	return sid.at ? accounts_find(web->accounts, sid) : NULL;
}

static enum signature_result check_signature(const struct exchange *x,
					     const struct callback_body *body,
					     const struct account *account)
{
	struct str tokens[2];
	struct signed_request signed_request = {
		.public_url = str_of(web_local_of(x)->web->options.public_url),
		.target = x->request.target,
		.signature = x->request.known[HTTP_X_TWILIO_SIGNATURE],
		.kind = body->kind,
		.params = body->params,
		.param_count = body->kind == SIGNED_FORM ? body->param_count : 0,
		.body = x->request.body,
	};

	return signature_check(&signed_request, tokens,
			       account ? account_tokens(account, tokens) : 0);
}

/* Of a call of the doctor's its SID; at == NULL: it names another, or none. */
static struct str probe_of(const struct callback_body *body)
{
	struct str sid = twilio_param(body->params, body->param_count, STR("CallSid"));

	return probes_is_reserved(sid) && sid_is_call(sid) ? sid : STR_NONE;
}

/* True when the log was given a line for it. */
static bool count_refused(struct exchange *x, enum webhook_refusal refusal)
{
	struct log_tag tag = web_request_tag(x);
	char text[WEBHOOK_ORIGIN_SIZE];
	struct buf origin;

	buf_over(&origin, text, sizeof(text));
	forwarded_add_asked_origin(x, &origin);
	return webhook_count_refused(web_local_of(x)->webhooks, refusal, forwarded_client(x),
				     buf_ok(&origin) ? buf_str(&origin) : STR_NONE, &tag);
}

/* What the doctor sends counts nowhere: it tells itself how it was answered. */
static void refuse_signature(struct exchange *x, enum webhook_refusal refusal,
			     const struct callback_body *body)
{
	if (!probe_is_of(x, probe_of(body)))
		count_refused(x, refusal);
	if (refusal == WEBHOOK_UNSIGNED)
		web_refuse(x, WEB_BAD_REQUEST, "The header X-Twilio-Signature is missing.",
			   WEB_NO_RETRY);
	else
		web_refuse(
			x, WEB_FORBIDDEN,
			"The signature is wrong: it must cover exactly the public URL of this server, with the auth token "
			"of the account.",
			WEB_NO_RETRY);
}

/* True when Twilio signed it; else it is refused. */
static bool is_signed(struct exchange *x, const struct callback_body *body)
{
	const struct account *account = account_of(web_local_of(x)->web, body);

	switch (check_signature(x, body, account)) {
	case SIGNATURE_GOOD:
		return true;
	case SIGNATURE_MISSING:
		refuse_signature(x, WEBHOOK_UNSIGNED, body);
		return false;
	case SIGNATURE_WRONG:
		break;
	}
	refuse_signature(x, account ? WEBHOOK_WRONG_SIGNATURE : WEBHOOK_UNKNOWN_ACCOUNT, body);
	return false;
}

/*
 * A signature covers the address that Twilio was given.  Host says the one that the caller picked, so
 * that it is no substitute for public_url.
 */
static bool has_public_url(struct exchange *x)
{
	char text[ORIGIN_MAX];
	struct log_tag tag;
	struct buf origin;

	if (web_local_of(x)->web->options.public_url)
		return true;
	web_refuse(x, WEB_NOT_CONFIGURED,
		   "The setting public_url is not set: webhooks are refused until it is.",
		   WEB_NO_RETRY);
	if (!count_refused(x, WEBHOOK_NO_PUBLIC_URL))
		return false;
	buf_over(&origin, text, sizeof(text));
	forwarded_add_origin(x, &origin);
	tag = web_request_tag(x);
	log_warn(
		&tag,
		"set public_url to the address that Twilio was given; if this request is Twilio's: "
		"public_url = %.*s",
		STR_ARG(buf_str(&origin)));
	return false;
}

static void take_callback(struct exchange *x, enum intake_kind kind)
{
	struct web_local *local = web_local_of(x);
	AUTO(callback_body_release) struct callback_body body = { .param_count = 0 };
	struct str probe;
	struct err err;

	if (!has_public_url(x))
		return;
	if (!callback_body_read(x, &body, &err)) {
		webhook_count_malformed(local->webhooks);
		web_refuse(x, WEB_BAD_REQUEST, err.text, WEB_NO_RETRY);
		return;
	}
	if (!is_signed(x, &body))
		return;
	probe = probe_of(&body);
	if (probe.at && probe_webhook(x, probe))
		return;

	AUTO(free) struct webhook *webhook = xcalloc(1, sizeof(*webhook));
	struct intake_callback callback = {
		.kind = kind,
		.params = body.params,
		.param_count = body.param_count,
		.raw = body.raw,
		.idempotency = x->request.known[HTTP_I_TWILIO_IDEMPOTENCY_TOKEN],
		.request_id = str_of(x->id),
	};

	webhook->x = x;
	webhook->parked.gone = webhook_gone;
	webhook->waiter.committed = webhook_committed;
	if (!intake_post(local->web->ledger, local->mailbox, &callback, &webhook->waiter, &err)) {
		webhook_count_malformed(local->webhooks);
		web_refuse(x, WEB_BAD_REQUEST, err.text, WEB_NO_RETRY);
		return;
	}
	exchange_park(x, &webhook->parked);
	(void)TAKE(webhook); /* freed by gone() or committed() */
}

void web_recording_status(struct exchange *x)
{
	take_callback(x, INTAKE_RECORDING_STATUS);
}

void web_call_status(struct exchange *x)
{
	take_callback(x, INTAKE_CALL_STATUS);
}
