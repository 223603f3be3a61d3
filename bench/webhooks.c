#include "webhooks.h"

#include "base/buf.h"
#include "base/mem.h"
#include "twilio/signature.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUEST_MAX 2048
#define PARAMS_MAX  16

/* Spread like true SIDs, so that an index over them is not given its keys in order. */
void webhooks_sid(size_t n, char out[33])
{
	uint64_t a = (n + 1) * 0x9e3779b97f4a7c15, b = (a ^ a >> 29) * 0xbf58476d1ce4e5b9;

	snprintf(out, 33, "%016llx%016llx", (unsigned long long)(b ^ b >> 32),
		 (unsigned long long)n);
}

/* None of our values holds anything but these two that a form would not take as it is. */
static void add_encoded(struct buf *body, struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		if (c == '+' || c == ':' || c == '/' || c == ',')
			buf_addf(body, "%%%02X", (unsigned)c);
		else
			buf_add_byte(body, c == ' ' ? '+' : c);
	}
}

static size_t call_params(struct twilio_param *params, const char *account, const char *call)
{
	const struct twilio_param all[] = {
		{ STR("AccountSid"), str_of(account) },
		{ STR("ApiVersion"), STR("2010-04-01") },
		{ STR("CallDuration"), STR("41") },
		{ STR("CallSid"), str_of(call) },
		{ STR("CallStatus"), STR("completed") },
		{ STR("CallbackSource"), STR("call-progress-events") },
		{ STR("Called"), STR("+972501234567") },
		{ STR("Caller"), STR("+97221234567") },
		{ STR("Direction"), STR("outbound-api") },
		{ STR("From"), STR("+97221234567") },
		{ STR("SequenceNumber"), STR("3") },
		{ STR("Timestamp"), STR("Tue, 02 Jun 2026 09:30:41 +0000") },
		{ STR("To"), STR("+972501234567") },
	};

	memcpy(params, all, sizeof(all));
	return ARRAY_LEN(all);
}

static size_t recording_params(struct twilio_param *params, const char *account, const char *call,
			       const char *recording)
{
	const struct twilio_param all[] = {
		{ STR("AccountSid"), str_of(account) },
		{ STR("CallSid"), str_of(call) },
		{ STR("ErrorCode"), STR("0") },
		{ STR("RecordingChannels"), STR("2") },
		{ STR("RecordingSid"), str_of(recording) },
		{ STR("RecordingSource"), STR("DialVerb") },
		{ STR("RecordingStartTime"), STR("Tue, 02 Jun 2026 09:30:01 +0000") },
		{ STR("RecordingStatus"), STR("in-progress") },
		{ STR("RecordingTrack"), STR("both") },
	};

	memcpy(params, all, sizeof(all));
	return ARRAY_LEN(all);
}

static size_t completed_params(struct twilio_param *params, const struct webhooks_options *options,
			       const char *call, const char *recording)
{
	const struct twilio_param all[] = {
		{ STR("AccountSid"), str_of(options->account) },
		{ STR("CallSid"), str_of(call) },
		{ STR("RecordingDuration"), str_of(options->completed_s) },
		{ STR("RecordingSid"), str_of(recording) },
		{ STR("RecordingStatus"), STR("completed") },
	};

	memcpy(params, all, sizeof(all));
	return ARRAY_LEN(all);
}

static void make_one(struct buf *out, size_t n, const struct webhooks_options *options)
{
	bool is_call = n % 2 == 0 && !options->completed_s;
	size_t pair = options->completed_s ? n : n / 2;
	const char *path = is_call ? "/webhook/call-status" : "/webhook/recording-status";
	char digits[33], call[40], recording[40], signature[SIGNATURE_TEXT_SIZE],
		body_bytes[REQUEST_MAX], url_bytes[512];
	struct twilio_param params[PARAMS_MAX];
	struct buf body, signed_url;
	size_t count;

	webhooks_sid(pair, digits);
	snprintf(call, sizeof(call), "CA%s", digits);
	snprintf(recording, sizeof(recording), "RE%s", digits);
	count = options->completed_s ? completed_params(params, options, call, recording)
		: is_call            ? call_params(params, options->account, call)
				     : recording_params(params, options->account, call, recording);

	buf_over(&signed_url, url_bytes, sizeof(url_bytes));
	buf_addf(&signed_url, "%s%s", options->url, path);
	signature_make(buf_str(&signed_url), params, count, str_of(options->token), signature);

	buf_over(&body, body_bytes, sizeof(body_bytes));
	for (size_t i = 0; i < count; i++) {
		buf_addf(&body, "%s%.*s=", i > 0 ? "&" : "", STR_ARG(params[i].name));
		add_encoded(&body, params[i].value);
	}
	buf_addf(
		out,
		"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
		"User-Agent: TwilioProxy/1.1\r\nI-Twilio-Idempotency-Token: %s\r\nX-Twilio-Signature: %s\r\n"
		"Content-Length: %zu\r\n\r\n%.*s",
		path, digits, signature, body.len, STR_ARG(buf_str(&body)));
}

void webhooks_make(struct webhooks *webhooks, const struct webhooks_options *options)
{
	webhooks->requests = xcalloc(options->count, sizeof(struct str));
	webhooks->bytes = xmalloc(options->count * REQUEST_MAX);
	webhooks->count = options->count;
	for (size_t i = 0; i < options->count; i++) {
		char *at = webhooks->bytes + i * REQUEST_MAX;
		struct buf request;

		buf_over(&request, at, REQUEST_MAX);
		make_one(&request, options->first + i, options);
		webhooks->requests[i] = buf_str(&request);
	}
}

void webhooks_free(struct webhooks *webhooks)
{
	free(webhooks->requests);
	free(webhooks->bytes);
}
