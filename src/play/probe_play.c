#include "play/probe_play.h"

#include "access/web_admit.h"
#include "api/forwarded.h"
#include "api/json_head.h"
#include "api/web.h"
#include "api/web_error.h"
#include "auth/credential.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/own.h"
#include "http/reply.h"
#include "media/media.h"
#include "play/media_reply.h"
#include "play/probes.h"

#include <stdlib.h>

#define TICK_MS       50
#define TRICKLE_MS    600
#define TRICKLE_BYTES 64 /* a tick */
#define TRICKLED      ((uint64_t)TRICKLE_MS / TICK_MS * TRICKLE_BYTES)
#define ECHO_MAX      (128 * 1024)

static const struct probes *probes_of(const struct exchange *x)
{
	return web_local_of(x)->web->probes;
}

static enum probe find(const struct exchange *x, struct str sid)
{
	return probes_find(probes_of(x), sid, loop_now_ms(web_local_of(x)->loop));
}

/* It is nobody else's to play: an echo tells what a proxy adds to a request. */
static bool is_doctor(const struct exchange *x)
{
	const struct web_caller *caller = web_caller_of(x);

	return caller && (caller->is_everybody || caller->known.kind == CREDENTIAL_DOCTOR);
}

static void media_of_probe(const struct exchange *x, enum probe probe, struct media *out)
{
	const struct probes *probes = probes_of(x);
	const struct probes_media *made = probes_media(probes);

	*out = (struct media){
		.format = "mp3",
		.channels = 1,
		.size = made->size,
		.generation = 1,
		.modified_at_ms = made->made_at_ms,
		.fd = made->fd,
	};
	probes_sid(probes, probe, "RE", out->recording_sid);
	probes_sid(probes, probe, "CA", out->call_sid);
	if (probe == PROBE_STORED)
		memcpy(out->sha256, made->sha256, sizeof(out->sha256));
	media_name(out);
	media_reply_prepare(out);
}

static void play_stored(struct exchange *x)
{
	struct media_reply reply;
	struct media media;

	media_of_probe(x, PROBE_STORED, &media);
	media_reply_choose(x, &media, &reply);
	media_reply_send(x, &media, &reply);
}

/* ---- in flight ---- */

/* One that arrives while it is played; it begins with the request. */
struct flight_play {
	struct parked parked;
	struct timer timer;
	struct exchange *x;
	struct loop *loop;
	struct media media;
	struct media_reply reply;
	int64_t began_at_ms;
	bool is_sending;
};

static void flight_free(struct flight_play *play)
{
	timer_stop(&play->timer);
	free(play);
}

static void flight_gone(struct parked *parked)
{
	flight_free(container_of(parked, struct flight_play, parked));
}

/* A trickle, which a proxy that buffers holds back, then the rest. */
static uint64_t flight_arrived(const struct flight_play *play)
{
	uint64_t flown_ms = (uint64_t)(loop_now_ms(play->loop) - play->began_at_ms);
	uint64_t size = play->media.size;

	if (flown_ms < TRICKLE_MS)
		return flown_ms / TICK_MS * TRICKLE_BYTES;
	if (flown_ms >= PROBES_FLIGHT_MS)
		return size;
	return TRICKLED +
	       (size - TRICKLED) * (flown_ms - TRICKLE_MS) / (PROBES_FLIGHT_MS - TRICKLE_MS);
}

static void flight_moves(struct timer *timer)
{
	struct flight_play *play = container_of(timer, struct flight_play, timer);
	uint64_t arrived = flight_arrived(play);
	bool is_complete = arrived == play->media.size;

	if (!is_complete)
		timer_start(play->loop, timer, TICK_MS, flight_moves);
	if (play->is_sending) {
		exchange_arrived(play->x, arrived, is_complete);
		return;
	}
	if (arrived == 0 || media_reply_needs(play->x, &play->reply) > arrived)
		return;
	play->is_sending = true;
	if (!media_reply_send_growing(play->x, &play->media, &play->reply, arrived, &play->parked))
		flight_free(play);
}

static void play_flight(struct exchange *x)
{
	struct flight_play *play = xcalloc(1, sizeof(*play));

	play->x = x;
	play->loop = web_local_of(x)->loop;
	play->parked.gone = flight_gone;
	play->began_at_ms = loop_now_ms(play->loop);
	media_of_probe(x, PROBE_FLIGHT, &play->media);
	media_reply_choose(x, &play->media, &play->reply);
	exchange_park(x, &play->parked);
	timer_start(play->loop, &play->timer, TICK_MS, flight_moves);
}

/* ---- the echo ---- */

/* Secrets are told by their presence. */
static bool is_secret(struct str name)
{
	return str_eq_nocase(name, STR("Authorization")) || str_eq_nocase(name, STR("Cookie"));
}

static void add_headers(const struct exchange *x, struct json *json)
{
	json_open(json, "headers", '[');
	for (uint32_t i = 0; i < x->request.header_count; i++) {
		const struct http_header *header = &x->request.headers[i];

		json_open(json, NULL, '[');
		json_text(json, NULL, header->name);
		json_text(json, NULL, is_secret(header->name) ? STR("") : header->value);
		json_close(json, ']');
	}
	json_close(json, ']');
}

static void play_echo(struct exchange *x)
{
	__attribute__((cleanup(buf_release_at))) struct buf body;
	struct json json;

	buf_init(&body, ECHO_MAX);
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_text(&json, "target", x->request.target);
	json_int(&json, "minor_version", (int64_t)x->request.minor_version);
	json_text(&json, "peer", str_of(x->peer));
	json_text(&json, "client", forwarded_client(x));
	json_bool(&json, "trusted", x->is_trusted);
	json_bool(&json, "tls", forwarded_is_over_tls(x));
	add_headers(x, &json);
	json_close(&json, '}');
	reply_begin(x, 200);
	json_head_add(x);
	reply_send(x, buf_str(&body));
}

/* ---- which of them ---- */

bool probe_play(struct exchange *x, struct str sid)
{
	enum probe probe = find(x, sid);

	if (probe == PROBE_NONE)
		return false;
	x->source = PLAY_SOURCE_PROBE;
	if (!is_doctor(x))
		probe = PROBE_MISSING;
	switch (probe) {
	case PROBE_STORED:
		play_stored(x);
		break;
	case PROBE_FLIGHT:
		play_flight(x);
		break;
	case PROBE_ECHO:
		play_echo(x);
		break;
	case PROBE_NONE:
	case PROBE_MISSING:
	case PROBE_KINDS:
		web_refuse(x, WEB_CALL_NOT_FOUND, NULL, WEB_NO_RETRY);
		break;
	}
	return true;
}

void probe_note_token(struct exchange *x)
{
	struct str authorization = x->request.known[HTTP_AUTHORIZATION];
	const struct web_caller *caller = web_caller_of(x);
	struct web_local *local = web_local_of(x);
	struct str token;

	/* Else the token says what it is. */
	if (!caller || !caller->is_everybody || !local->web->probes)
		return;
	if (credential_of_token(str_trim(str_after(authorization, strlen("Bearer"))), &token) &&
	    probes_has_token(local->web->probes, credential_name(token), loop_now_ms(local->loop)))
		x->source = PLAY_SOURCE_PROBE;
}

bool probe_is_of(const struct exchange *x, struct str call_sid)
{
	return call_sid.at && find(x, call_sid) == PROBE_STORED;
}

bool probe_webhook(struct exchange *x, struct str call_sid)
{
	if (!probe_is_of(x, call_sid))
		return false;
	x->source = PLAY_SOURCE_PROBE;
	reply_begin(x, 200);
	reply_header(x, STR("Content-Type"), STR("text/xml"));
	reply_header(x, STR("Cache-Control"), STR("no-store"));
	reply_send(x, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>"));
	return true;
}
