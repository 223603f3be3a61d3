#include "sim/sim_control.h"

#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/own.h"
#include "http/reply.h"
#include "sim/sim_callback.h"
#include "sim/sim_calls.h"
#include "sim/sim_cipher.h"
#include "sim/sim_faults.h"
#include "sim/sim_reply.h"
#include "sim/sim_state.h"

#define BODY_MAX  (32u << 20)
#define COUNT_MAX 100000

static void json_release_at(json_t **json)
{
	json_decref(*json);
}

/* The body as a JSON object; an empty one counts as {}.  Replies itself when it is none. */
static json_t *body_read(struct exchange *x)
{
	json_error_t error;
	json_t *body;

	if (x->request.body.len == 0)
		return json_object();
	body = json_loadb(x->request.body.at, x->request.body.len, 0, &error);
	if (json_is_object(body))
		return body;
	json_decref(body);
	sim_reply_error(x, 400, 20001, "The body is not a JSON object");
	return NULL;
}

static struct str text_of(const json_t *body, const char *key)
{
	const json_t *value = json_object_get(body, key);

	return json_is_string(value)
		       ? (struct str){ json_string_value(value), json_string_length(value) }
		       : STR_NONE;
}

static double number_of(const json_t *body, const char *key, double otherwise)
{
	const json_t *value = json_object_get(body, key);

	return json_is_number(value) && json_number_value(value) >= 0 &&
			       json_number_value(value) < 1e9
		       ? json_number_value(value)
		       : otherwise;
}

static void nothing_reply(struct exchange *x)
{
	sim_begin(x, 204);
	reply_send(x, STR(""));
}

/* ---- calls ---- */

/*
 * Unless it says otherwise: one completed recording of two channels, callbacks at once, the
 * call over already.
 */
static struct sim_wish wish_read(const json_t *body)
{
	struct sim_wish wish = sim_wish_any();

	wish.call_sid = text_of(body, "call_sid");
	wish.recording_sid = text_of(body, "recording_sid");
	wish.from = text_of(body, "from");
	wish.to = text_of(body, "to");
	wish.direction = text_of(body, "direction");
	wish.status = text_of(body, "status");
	wish.recording_status = text_of(body, "recording_status");
	wish.source = text_of(body, "source");
	wish.duration_ms = (int64_t)(number_of(body, "duration", 0) * 1000);
	wish.age_ms = (int64_t)(number_of(body, "age", 0) * 1000);
	wish.recordings = (int)number_of(body, "recordings", 1);
	wish.channels = (unsigned)number_of(body, "channels", 0);
	wish.dialogue = (int)number_of(body, "dialogue", -1);
	wish.error_code = (int)number_of(body, "error_code", 0);
	wish.speed = number_of(body, "speed", 0);
	wish.is_past = wish.speed == 0;
	wish.has_callbacks = !json_is_false(json_object_get(body, "callbacks"));
	return wish;
}

/* How its recordings are encrypted; *out stays NULL where nothing is said of it. */
static bool encryption_read(const json_t *body, struct sim_sealing **out, struct err *err)
{
	const json_t *given = json_object_get(body, "encryption");

	return !given ||
	       sim_sealing_given(text_of(given, "public_key_sid"), text_of(given, "encrypted_cek"),
				 text_of(given, "iv"), text_of(given, "key"), out, err);
}

static void call_write(struct json *json, const struct sim_call *call)
{
	json_open(json, NULL, '{');
	json_text(json, "call_sid", str_of(call->sid));
	json_text(json, "from", str_of(call->from));
	json_text(json, "to", str_of(call->to));
	json_text(json, "direction", str_of(call->direction));
	json_text(json, "status", str_of(call->status));
	json_open(json, "recordings", '[');
	for (const struct sim_recording *r = call->recordings; r; r = r->next_of_call) {
		json_open(json, NULL, '{');
		json_text(json, "recording_sid", str_of(r->sid));
		json_text(json, "status", str_of(r->status));
		json_int(json, "channels", r->channels);
		json_int(json, "duration_ms", r->duration_ms);
		json_date(json, "started_at", r->started_at_ms);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

void sim_post_calls(struct exchange *x)
{
	AUTO(buf_release) struct buf answer = { 0 };
	AUTO(json_release) json_t *body = body_read(x);
	AUTO(sim_sealing_free) struct sim_sealing *sealing = NULL;
	struct sim *sim = sim_of(x);
	struct sim_wish wish;
	struct json json;
	uint64_t count;
	struct err err;

	buf_init(&answer, BODY_MAX);
	if (!body)
		return;
	wish = wish_read(body);
	if (!encryption_read(body, &sealing, &err)) {
		sim_reply_error(x, 400, 20001, "%s", err.text);
		return;
	}
	wish.sealing = sealing;
	count = (uint64_t)number_of(body, "count", 1);
	if (count == 0 || count > COUNT_MAX) {
		sim_reply_error(x, 400, 20001, "count is 1 to %d", COUNT_MAX);
		return;
	}
	json_start(&json, &answer);
	json_open(&json, NULL, '{');
	json_open(&json, "calls", '[');
	for (uint64_t i = 0; i < count; i++) {
		struct sim_call *call;

		if (!sim_place(sim, &wish, &call, &err)) {
			sim_reply_error(x, 400, 20001, "%s", err.text);
			return;
		}
		call_write(&json, call);
		wish.call_sid = wish.recording_sid = STR_NONE;
	}
	json_close(&json, ']');
	json_close(&json, '}');
	sim_reply_json(x, 201, &answer);
}

/* POST /simulate/callbacks/{CA or RE}: its callback once more, as things stand. */
void sim_post_callback(struct exchange *x)
{
	struct sim *sim = sim_of(x);
	struct sim_call *call = sim_find_call(sim, x->request.params[0]);
	struct sim_recording *recording = sim_find_recording(sim, x->request.params[0]);

	if (call)
		sim_send_call_status(&sim->sender, call);
	else if (recording)
		sim_send_recording_status(&sim->sender, recording);
	if (call || recording)
		nothing_reply(x);
	else
		sim_reply_not_found(x);
}

/* ---- faults ---- */

void sim_get_faults(struct exchange *x)
{
	AUTO(buf_release) struct buf answer = { 0 };
	const struct sim *sim = sim_of(x);
	struct json json;

	buf_init(&answer, BODY_MAX);
	json_start(&json, &answer);
	json_open(&json, NULL, '{');
	json_open(&json, "rules", '[');
	for (size_t i = 0; i < sim->faults.count; i++)
		json_text(&json, NULL, str_of(sim->faults.at[i].text));
	json_close(&json, ']');
	json_close(&json, '}');
	sim_reply_json(x, 200, &answer);
}

/* {"rules": ["429@10%", ...]}: added behind those that are there; all of them, or none. */
void sim_post_faults(struct exchange *x)
{
	AUTO(json_release) json_t *body = body_read(x);
	struct sim *sim = sim_of(x);
	size_t before = sim->faults.count, i;
	const json_t *rules, *rule;
	struct err err;

	if (!body)
		return;
	rules = json_object_get(body, "rules");
	json_array_foreach(rules, i, rule)
	{
		struct str text = { json_string_value(rule), json_string_length(rule) };

		if (sim_faults_add(&sim->faults, text.at ? text : STR(""), &err))
			continue;
		sim->faults.count = before;
		sim_reply_error(x, 400, 20001, "%s", err.text);
		return;
	}
	sim_get_faults(x);
}

void sim_delete_faults(struct exchange *x)
{
	struct sim *sim = sim_of(x);

	sim_faults_clear(&sim->faults);
	for (size_t i = 0; i < sim->recordings.count; i++)
		sim_recording_at(sim, i)->hits = (struct sim_fault_hits){ 0 };
	nothing_reply(x);
}

/* ---- what was asked ---- */

static void counts_write(struct json *json, const struct sim_recording *recording)
{
	const struct sim_counts *counts = &recording->counts;
	uint32_t kept = counts->ranges < SIM_RANGES_KEPT ? counts->ranges : SIM_RANGES_KEPT;

	json_open(json, recording->sid, '{');
	json_int(json, "requests", counts->requests);
	json_int(json, "heads", counts->heads);
	json_int(json, "open", counts->open);
	json_int(json, "open_max", counts->open_max);
	json_int(json, "authorized", counts->authorized);
	json_int(json, "anonymous", counts->anonymous);
	json_int(json, "redirected", counts->redirected);
	json_int(json, "redirected_authorized", counts->redirected_authorized);
	json_int(json, "faulty", counts->faulty);
	json_int(json, "edition", recording->edition);
	json_int(json, "bytes", (int64_t)counts->bytes);
	json_open(json, "ranges", '[');
	for (uint32_t i = counts->ranges - kept; i < counts->ranges; i++)
		json_text(json, NULL, str_of(counts->range[i % SIM_RANGES_KEPT]));
	json_close(json, ']');
	json_close(json, '}');
}

void sim_get_requests(struct exchange *x)
{
	AUTO(buf_release) struct buf answer = { 0 };
	const struct sim *sim = sim_of(x);
	const struct sim_sender *sender = &sim->sender;
	struct json json;

	buf_init(&answer, BODY_MAX);
	json_start(&json, &answer);
	json_open(&json, NULL, '{');
	json_int(&json, "requests", (int64_t)sim->requests);
	json_int(&json, "unauthorized", (int64_t)sim->unauthorized);
	json_int(&json, "calls", (int64_t)sim->calls.count);
	json_int(&json, "recordings_placed", (int64_t)sim->recordings.count);
	json_open(&json, "callbacks", '{');
	json_int(&json, "sent", (int64_t)sender->sent);
	json_int(&json, "answered", (int64_t)sender->answered);
	json_int(&json, "failed", (int64_t)sender->failed);
	json_int(&json, "retried", (int64_t)sender->retried);
	json_int(&json, "dropped", (int64_t)sender->dropped);
	json_int(&json, "waiting", (int64_t)sim_sender_waiting(sender));
	json_close(&json, '}');
	json_open(&json, "recordings", '{');
	for (size_t i = 0; i < sim->recordings.count; i++)
		if (sim_recording_at(sim, i)->counts.requests > 0)
			counts_write(&json, sim_recording_at(sim, i));
	json_close(&json, '}');
	json_close(&json, '}');
	sim_reply_json(x, 200, &answer);
}

void sim_delete_requests(struct exchange *x)
{
	struct sim *sim = sim_of(x);
	struct sim_sender *sender = &sim->sender;

	sim->requests = sim->unauthorized = 0;
	sender->sent = sender->answered = sender->failed = sender->retried = sender->dropped = 0;
	for (size_t i = 0; i < sim->recordings.count; i++) {
		struct sim_counts *counts = &sim_recording_at(sim, i)->counts;

		/* What is under way still is. */
		*counts = (struct sim_counts){ .open = counts->open, .open_max = counts->open };
	}
	nothing_reply(x);
}
