#include "api/web_error.h"

#include "api/cors.h"
#include "api/json_head.h"
#include "api/twilio_form.h"
#include "api/web_counts.h"
#include "auth/credential.h"
#include "base/buf.h"
#include "base/json.h"
#include "http/reply.h"

#include <assert.h>
#include <string.h>

#define ERROR_BODY_MAX 1024
#define RETRY_S        5 /* Retry-After of a 503 where nothing better is known */

static const struct {
	int status;
	const char *code, *text;
} errors[WEB_ERRORS] = {
	[WEB_BAD_REQUEST] = { 400, "bad_request", "The request is malformed." },
	[WEB_UNAUTHENTICATED] = { 401, "unauthenticated", "Sign in first." },
	[WEB_SIGN_IN_FAILED] = { 401, "sign_in_failed", "The name or the password is wrong." },
	[WEB_HTTPS_REQUIRED] = { 403, "https_required",
				 "Signing in needs HTTPS, or a browser on the same machine." },
	[WEB_FOREIGN_ORIGIN] = { 403, "foreign_origin",
				 "A page of another site asked; it may not do so with this sign-in." },
	[WEB_LINK_NOT_FOUND] = { 404, "link_not_found", "There is no such link." },
	[WEB_LINK_EXPIRED] = { 410, "link_expired", "The link is no longer valid." },
	[WEB_LINK_USED_UP] = { 410, "link_used_up",
			       "The link has been played as often as it may be." },
	[WEB_LAST_ADMIN] = { 409, "last_admin", "This is the last administrator who can sign in." },
	[WEB_NAME_TAKEN] = { 409, "name_taken", "The name is taken." },
	[WEB_CONFLICT] = { 409, "conflict", "It is in a state that does not allow this." },
	[WEB_PASSWORD_REFUSED] = { 422, "password_refused", "The password is not good enough." },
	[WEB_RATE_LIMITED] = { 429, "rate_limited", "Too many tries; wait a little." },
	[WEB_ACCOUNT_LOCKED] = { 429, "account_locked",
				 "This account is locked after too many tries: sign in from a browser that you "
				 "used before, or have an administrator reset the password." },
	[WEB_FORBIDDEN] = { 403, "forbidden", "This is not allowed." },
	[WEB_NOT_FOUND] = { 404, "not_found", "There is nothing at this address." },
	[WEB_CALL_NOT_FOUND] = { 404, "call_not_found", "No such call is known." },
	[WEB_RECORDING_NOT_FOUND] = { 404, "recording_not_found", "No such recording is known." },
	[WEB_RECORDING_NOT_AVAILABLE] = { 404, "recording_not_available",
					  "The call has no recording (yet)." },
	[WEB_RECORDING_ABSENT] = { 404, "recording_absent",
				   "Twilio kept no media: the recording was too short or silent." },
	[WEB_RECORDING_EXPIRED] = { 410, "recording_expired",
				    "The recording is older than recordings are kept." },
	[WEB_RECORDING_DELETED] = { 410, "recording_deleted", "The recording was deleted." },
	[WEB_WAVEFORM_PENDING] = { 404, "waveform_pending",
				   "The waveform has not been computed yet." },
	[WEB_WAVEFORM_UNAVAILABLE] = { 404, "waveform_unavailable",
				       "There is no waveform: the sound cannot be decoded." },
	[WEB_PRECONDITION_FAILED] = { 412, "precondition_failed",
				      "A precondition of the request does not hold." },
	[WEB_RANGE_NOT_SATISFIABLE] = { 416, "range_not_satisfiable",
					"The recording has none of these bytes." },
	[WEB_UPGRADE_REQUIRED] = { 426, "upgrade_required",
				   "Of WebSockets only version 13 is spoken here." },
	[WEB_KEY_MISSING] = { 500, "key_missing",
			      "It is encrypted, and the private key for it is not here." },
	[WEB_UPSTREAM_REFUSED] = { 500, "upstream_refused", "Twilio refuses our credentials." },
	[WEB_UPSTREAM_UNAVAILABLE] = { 503, "upstream_unavailable",
				       "Twilio does not send the recording just now." },
	[WEB_OVERLOADED] = { 503, "overloaded", "Too much is going on just now." },
	[WEB_NOT_CONFIGURED] = { 503, "not_configured", "A setting that this needs is not set." },
	[WEB_INTERNAL] = { 500, "internal", "Something is wrong on our side." },
};

const char *web_error_code(enum web_error error)
{
	return errors[error].code;
}

enum web_error web_error_of_kind(enum err_kind kind)
{
	switch (kind) {
	case ERR_INVALID:
	case ERR_NOT_FOUND:
		return WEB_BAD_REQUEST;
	case ERR_CONFLICT:
		return WEB_CONFLICT;
	case ERR_UNAVAILABLE:
	case ERR_SCARCE:
		return WEB_OVERLOADED;
	case ERR_INTERNAL:
		break;
	}
	return WEB_INTERNAL;
}

enum web_error web_error_of_code(const char *code)
{
	enum web_error error = 0;

	while (error < WEB_ERRORS && strcmp(errors[error].code, code) != 0)
		error++;
	return error;
}

const char *web_logged_path(const struct exchange *x, char room[WEB_LOGGED_PATH_SIZE])
{
	struct buf path;

	buf_over(&path, room, WEB_LOGGED_PATH_SIZE);
	credential_redact(&path, str_first(x->request.path, WEB_LOGGED_PATH_SIZE - 1));
	return room;
}

struct log_tag web_request_tag(const struct exchange *x)
{
	struct log_tag tag = { .name = "request" };

	static_assert(sizeof(tag.id) >= sizeof(x->id), "an id fits its tag");
	memcpy(tag.id, x->id, sizeof(x->id));
	return tag;
}

static void add_detail(struct json *json, const struct web_detail *detail)
{
	if (detail->text)
		json_text(json, detail->name, str_of(detail->text));
	else
		json_int(json, detail->name, detail->number);
}

/* detail: NULL, none */
static void send_error(struct exchange *x, const char *code, const char *text,
		       const struct web_detail *detail)
{
	struct log_tag tag = web_request_tag(x);
	char bytes[ERROR_BODY_MAX];
	struct json json;
	struct buf body;

	/* Not above debug: a client may cause thousands of these a second. */
	log_debug(&tag, "%s is told %s: %s", x->peer, code, text);
	if (twilio_form_is_wanted(x)) {
		twilio_form_send(x, str_of(text));
		return;
	}
	buf_over(&body, bytes, sizeof(bytes));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", false);
	json_text(&json, "error", str_of(text));
	json_text(&json, "code", str_of(code));
	if (detail)
		add_detail(&json, detail);
	json_text(&json, "request_id", str_of(x->id));
	json_close(&json, '}');
	buf_add_byte(&body, '\n');

	json_head_add(x);
	cors_add(x);
	reply_send(x, buf_str(&body));
}

void web_refuse_begun(struct exchange *x, enum web_error error, const char *text)
{
	x->outcome = WEB_OUTCOME_ERROR(error);
	send_error(x, errors[error].code, text ? text : errors[error].text, NULL);
}

void web_refuse(struct exchange *x, enum web_error error, const char *text, int64_t retry_after_s)
{
	web_refuse_detailed(x, error, text, retry_after_s, NULL);
}

void web_refuse_detailed(struct exchange *x, enum web_error error, const char *text,
			 int64_t retry_after_s, const struct web_detail *detail)
{
	bool is_twilios = twilio_form_is_wanted(x);
	int status = errors[error].status;

	reply_begin(x, is_twilios ? twilio_form_status(status) : status);
	if (status == 401)
		reply_header(x, STR("WWW-Authenticate"),
			     is_twilios ? STR("Basic realm=\"callspool\"") : STR("Bearer"));
	if (retry_after_s == WEB_NO_RETRY && status == 503)
		retry_after_s = RETRY_S;
	if (retry_after_s != WEB_NO_RETRY)
		reply_headerf(x, "Retry-After", "%lld", (long long)retry_after_s);
	x->outcome = WEB_OUTCOME_ERROR(error);
	send_error(x, errors[error].code, text ? text : errors[error].text, detail);
}

/* ---- errors that the HTTP server found ---- */

void web_refuse_http(struct exchange *x, int status, const char *code, const char *text,
		     const char *allow)
{
	if (status == 405 && x->request.method == HTTP_OPTIONS) {
		cors_reply_preflight(x, allow);
		return;
	}
	reply_begin(x, status);
	if (allow)
		reply_header(x, STR("Allow"), str_of(allow));
	if (status == 503)
		reply_headerf(x, "Retry-After", "%d", RETRY_S);
	send_error(x, code, text, NULL);
}
