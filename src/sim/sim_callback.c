#include "sim/sim_callback.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "fetch/fetch.h"
#include "fetch/fetch_target.h"
#include "fetch/transfer.h"
#include "http/form.h"
#include "sim/sim_cipher.h"
#include "sim/sim_faults.h"
#include "sim/sim_state.h"
#include "twilio/signature.h"

#define PARAMS_MAX     40
#define BODY_MAX       16384
#define TEXTS_MAX      4096
#define TOTAL_MS       15000 /* tt, and its upper bound */
#define RETRY_AFTER_MS 250   /* twice as long each time */
#define REORDER_MAX_MS 2000
#define TRANSFERS_MAX  64

/* A callback that waits or is under way. */
struct callback {
	struct list link;
	struct sim_sender *sender;
	struct transfer_receiver receiver;
	struct transfer *transfer;
	struct timer timer;
	struct reap reap;
	char *body;
	size_t body_len;
	char *url;
	char signature[SIGNATURE_TEXT_SIZE];
	char token[40]; /* the same for each try */
	unsigned tries;
	int64_t begun_at_ms;
	bool is_duplicate; /* to be sent once more */
};

/* ---- the form ---- */

struct callback_form {
	struct twilio_param params[PARAMS_MAX];
	size_t count;
	struct buf texts; /* of values that had to be written */
};

/* The texts never move: the buffer is as large as it can become from the start. */
static void form_start(struct callback_form *form)
{
	buf_init(&form->texts, TEXTS_MAX);
	(void)buf_room(&form->texts, TEXTS_MAX);
}

static void form_release_at(struct callback_form *form)
{
	buf_release(&form->texts);
}

static void form_add(struct callback_form *form, const char *name, struct str value)
{
	if (form->count < PARAMS_MAX)
		form->params[form->count++] = (struct twilio_param){ str_of(name), value };
}

static void form_add_text(struct callback_form *form, const char *name, const char *value)
{
	form_add(form, name, str_of(value));
}

static void form_add_written(struct callback_form *form, const char *name, size_t from)
{
	form_add(form, name, str_after(buf_str(&form->texts), from));
}

static void form_add_number(struct callback_form *form, const char *name, int64_t value)
{
	size_t from = form->texts.len;

	buf_addf(&form->texts, "%lld", (long long)value);
	form_add_written(form, name, from);
}

static void form_add_date(struct callback_form *form, const char *name, int64_t at_ms)
{
	size_t from = form->texts.len;
	char date[32];

	clock_rfc2822_date(at_ms, date);
	buf_add_text(&form->texts, date);
	form_add_written(form, name, from);
}

static void form_add_recording_url(struct callback_form *form,
				   const struct sim_recording *recording)
{
	const struct sim *sim = recording->call->sim;
	size_t from = form->texts.len;

	buf_addf(&form->texts, "%s/2010-04-01/Accounts/%s/Recordings/%s", sim->url,
		 sim->account_sid, recording->sid);
	form_add_written(form, "RecordingUrl", from);
}

static void form_add_encryption(struct callback_form *form, const struct sim_recording *recording)
{
	size_t from = form->texts.len;

	sim_sealing_add_text(recording->sealing, &form->texts);
	form_add_written(form, "EncryptionDetails", from);
}

/* ---- sending ---- */

static void callback_send(struct callback *callback);

static void callback_free_late(struct reap *reap)
{
	struct callback *callback = container_of(reap, struct callback, reap);

	free(callback->body);
	free(callback->url);
	free(callback);
}

static void callback_end(struct callback *callback)
{
	timer_stop(&callback->timer);
	list_remove(&callback->link);
	loop_reap(callback->sender->loop, &callback->reap, callback_free_late);
}

static void callback_timer_fired(struct timer *timer)
{
	callback_send(container_of(timer, struct callback, timer));
}

static unsigned retry_reason(const struct transfer_result *result)
{
	if (result->outcome == TRANSFER_OK && result->status >= 500)
		return SIM_RETRY_5XX;
	if (result->outcome == TRANSFER_OK && result->status >= 400)
		return SIM_RETRY_4XX;
	if (result->outcome == TRANSFER_NOT_CONNECTED ||
	    result->outcome == TRANSFER_CONNECT_TIMEOUT ||
	    result->outcome == TRANSFER_NOT_RESOLVED || result->outcome == TRANSFER_TLS_FAILED)
		return SIM_RETRY_CONNECT;
	return SIM_RETRY_READ;
}

static void callback_ended(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct callback *callback = container_of(receiver, struct callback, receiver);
	struct sim_sender *sender = callback->sender;
	int64_t waited_ms = loop_now_ms(sender->loop) - callback->begun_at_ms;
	int64_t delay_ms = (int64_t)RETRY_AFTER_MS
			   << (callback->tries < 6 ? callback->tries - 1 : 5);

	callback->transfer = NULL;
	if (result->outcome == TRANSFER_OK && result->status >= 200 && result->status < 300) {
		sender->answered++;
		if (!callback->is_duplicate) {
			callback_end(callback);
			return;
		}
		callback->is_duplicate = false;
		callback->tries = 0;
		timer_start(sender->loop, &callback->timer, 0, callback_timer_fired);
		return;
	}
	if (callback->tries <= sender->retries && (sender->retry_on & retry_reason(result)) != 0 &&
	    waited_ms + delay_ms < sender->total_ms) {
		sender->retried++;
		timer_start(sender->loop, &callback->timer, delay_ms, callback_timer_fired);
		return;
	}
	log_debug(NULL, "a callback to %s failed: status %d %s", callback->url, result->status,
		  result->text);
	sender->failed++;
	callback_end(callback);
}

static void callback_send(struct callback *callback)
{
	struct sim_sender *sender = callback->sender;
	const struct transfer_header headers[] = {
		{ "Content-Type", "application/x-www-form-urlencoded; charset=UTF-8" },
		{ "Accept", "*/*" },
		{ "Cache-Control", "max-age=259200" },
		{ "X-Twilio-Signature", callback->signature },
		{ "I-Twilio-Idempotency-Token", callback->token },
	};
	struct transfer_request request = {
		.method = TRANSFER_POST,
		.url = callback->url,
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.body = { callback->body, callback->body_len },
		.time_limit_ms = sender->total_ms,
	};
	struct err err;

	callback->tries++;
	sender->sent++;
	callback->receiver.on_end = callback_ended;
	if (!transfer_start(sender->fetch, &request, &callback->receiver, &callback->transfer,
			    &err)) {
		log_debug(NULL, "a callback cannot be sent: %s", err.text);
		sender->failed++;
		callback_end(callback);
	}
}

static void token_make(char out[40])
{
	uint8_t bytes[16];
	struct buf buf;

	random_bytes(bytes, sizeof(bytes));
	buf_over(&buf, out, 40);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf_add_byte(&buf, '-');
		hex_add(&buf, &bytes[i], 1);
	}
}

static void form_post(struct sim_sender *sender, const struct callback_form *form, const char *path,
		      const struct sim_plan *plan)
{
	struct callback *callback = xcalloc(1, sizeof(*callback));
	AUTO(free) char *signed_url = xasprintf("%s%s", sender->signed_url, path);
	struct buf body;

	buf_init(&body, BODY_MAX);
	for (size_t i = 0; i < form->count; i++) {
		if (i > 0)
			buf_add_byte(&body, '&');
		form_encode(&body, form->params[i].name);
		buf_add_byte(&body, '=');
		form_encode(&body, form->params[i].value);
	}
	callback->sender = sender;
	callback->body_len = body.len;
	callback->body = buf_take(&body);
	callback->url = xasprintf("%s%s", sender->webhook_url, path);
	callback->begun_at_ms = loop_now_ms(sender->loop);
	callback->is_duplicate = plan->is_duplicate;
	signature_make(str_of(signed_url), form->params, form->count, str_of(sender->auth_token),
		       callback->signature);
	token_make(callback->token);
	list_append(&sender->callbacks, &callback->link);
	if (plan->is_reordered)
		timer_start(sender->loop, &callback->timer,
			    (int64_t)sim_chance_below(&sender->faults->seed, REORDER_MAX_MS),
			    callback_timer_fired);
	else
		callback_send(callback);
}

void sim_send_call_status(struct sim_sender *sender, struct sim_call *call)
{
	AUTO(form_release) struct callback_form form = { .count = 0 };
	const struct sim_recording *recording = call->recordings;
	struct sim_plan plan;
	bool is_completed = strcmp(call->status, "completed") == 0;

	sim_faults_plan(sender->faults, SIM_REQUEST_CALLBACK, STR_NONE, NULL, &plan);
	sender->dropped += plan.is_dropped && sender->fetch;
	call->sequence++;
	if (!sender->fetch || plan.is_dropped)
		return;
	form_start(&form);
	form_add_text(&form, "CallSid", call->sid);
	form_add_text(&form, "AccountSid", call->sim->account_sid);
	form_add_text(&form, "From", call->from);
	form_add_text(&form, "To", call->to);
	form_add_text(&form, "Caller", call->from);
	form_add_text(&form, "Called", call->to);
	form_add_text(&form, "CallStatus", call->status);
	form_add_text(&form, "ApiVersion", "2010-04-01");
	form_add_text(&form, "Direction", call->direction);
	form_add_text(&form, "CallbackSource", "call-progress-events");
	form_add_number(&form, "SequenceNumber", call->sequence - 1);
	form_add_date(&form, "Timestamp", call->updated_at_ms);
	if (is_completed) {
		form_add_number(&form, "CallDuration", call->duration_ms / 1000);
		form_add_number(&form, "Duration", (call->duration_ms + 59999) / 60000);
		form_add_text(&form, "SipResponseCode", "200");
	}
	if (is_completed && recording && strcmp(recording->source, "OutboundAPI") == 0) {
		form_add_text(&form, "RecordingSid", recording->sid);
		form_add_recording_url(&form, recording);
		form_add_number(&form, "RecordingDuration", (recording->duration_ms + 500) / 1000);
	}
	form_post(sender, &form, "/webhook/call-status", &plan);
}

void sim_send_recording_status(struct sim_sender *sender, struct sim_recording *recording)
{
	AUTO(form_release) struct callback_form form = { .count = 0 };
	struct sim_plan plan;

	sim_faults_plan(sender->faults, SIM_REQUEST_CALLBACK, str_of(recording->sid),
			&recording->hits, &plan);
	sender->dropped += plan.is_dropped && sender->fetch;
	if (!sender->fetch || plan.is_dropped)
		return;
	form_start(&form);
	form_add_text(&form, "AccountSid", recording->call->sim->account_sid);
	form_add_text(&form, "CallSid", recording->call->sid);
	form_add_text(&form, "RecordingSid", recording->sid);
	form_add_recording_url(&form, recording);
	form_add_text(&form, "RecordingStatus", recording->status);
	if (strcmp(recording->status, "completed") == 0)
		form_add_number(&form, "RecordingDuration", (recording->duration_ms + 500) / 1000);
	form_add_number(&form, "RecordingChannels", recording->channels);
	form_add_date(&form, "RecordingStartTime", recording->started_at_ms);
	form_add_text(&form, "RecordingSource", recording->source);
	form_add_text(&form, "RecordingTrack", "both");
	form_add_number(&form, "ErrorCode", recording->error_code);
	if (recording->sealing && strcmp(recording->status, "completed") == 0)
		form_add_encryption(&form, recording);
	form_post(sender, &form, "/webhook/recording-status", &plan);
}

/* ---- connection overrides ---- */

static unsigned policy_read(struct str value)
{
	static const struct {
		const char *name;
		unsigned bits;
	} policies[] = {
		{ "4xx", SIM_RETRY_4XX },
		{ "5xx", SIM_RETRY_5XX },
		{ "ct", SIM_RETRY_CONNECT },
		{ "rt", SIM_RETRY_READ },
		{ "all", SIM_RETRY_4XX | SIM_RETRY_5XX | SIM_RETRY_CONNECT | SIM_RETRY_READ },
	};
	unsigned bits = 0;
	struct str word;

	while (str_cut(&value, ',', &word))
		for (size_t i = 0; i < ARRAY_LEN(policies); i++)
			if (str_eq(word, str_of(policies[i].name)))
				bits |= policies[i].bits;
	return bits;
}

/* Unknown ones are passed over, as Twilio does; bounds are Twilio's. */
static void overrides_read(struct sim_sender *sender, struct str fragment)
{
	struct str pair;

	while (fragment.at && str_cut(&fragment, '&', &pair)) {
		size_t equals = str_find(pair, '=');
		struct str name = str_first(pair, equals), value = str_after(pair, equals + 1);
		uint64_t number = 0;
		bool is_number = str_to_u64(value, &number);

		if (str_eq(name, STR("rc")) && is_number && number <= 5)
			sender->retries = (unsigned)number;
		else if (str_eq(name, STR("tt")) && is_number && number >= 100 &&
			 number <= TOTAL_MS)
			sender->total_ms = (int64_t)number;
		else if (str_eq(name, STR("rp")))
			sender->retry_on = policy_read(value);
	}
}

static char *without_slash(struct str url)
{
	while (url.len > 0 && url.at[url.len - 1] == '/')
		url.len--;
	return str_dup(url);
}

bool sim_sender_open(struct sim_sender *sender, struct loop *loop, const char *webhook_url,
		     const char *signed_url, const char *auth_token, struct sim_faults *faults,
		     struct err *err)
{
	struct str url = str_of(webhook_url);
	size_t hash = str_find(url, '#');
	struct fetch_target target = { 0 };
	bool is_open;

	*sender = (struct sim_sender){ .loop = loop,
				       .faults = faults,
				       .retries = 1,
				       .retry_on = SIM_RETRY_CONNECT,
				       .total_ms = TOTAL_MS };
	list_init(&sender->callbacks);
	if (!webhook_url)
		return true;
	sender->auth_token = xstrdup(auth_token);
	sender->webhook_url = without_slash(str_first(url, hash));
	sender->signed_url = signed_url ? without_slash(str_of(signed_url))
					: xstrdup(sender->webhook_url);
	overrides_read(sender, hash < url.len ? str_after(url, hash + 1) : STR_NONE);
	if (!fetch_target_read(sender->webhook_url, false, &target, err))
		return err_context(err, "the webhook's address");

	/* Whom it calls back is the whole point: a rehearsal's server may well be a private one. */
	const char *const hosts[] = { target.host, NULL };
	struct fetch_options options = { .user_agent = "TwilioProxy/1.1",
					 .allowed_hosts = hosts,
					 .connect_timeout_ms = 5000,
					 .max_transfers = TRANSFERS_MAX };

	is_open = fetch_new(loop, &options, &sender->fetch, err);
	fetch_target_release(&target);
	return is_open;
}

void sim_sender_close(struct sim_sender *sender)
{
	if (!sender->loop)
		return;
	LIST_EACH (item, &sender->callbacks) {
		struct callback *callback = container_of(item, struct callback, link);

		transfer_cancel(callback->transfer);
		timer_stop(&callback->timer);
		list_remove(item);
		callback_free_late(&callback->reap);
	}
	fetch_free(sender->fetch);
	free(sender->webhook_url);
	free(sender->signed_url);
	free(sender->auth_token);
	*sender = (struct sim_sender){ 0 };
}

size_t sim_sender_waiting(const struct sim_sender *sender)
{
	size_t count = 0;

	for (const struct list *item = sender->callbacks.next; item != &sender->callbacks;
	     item = item->next)
		count++;
	return count;
}
