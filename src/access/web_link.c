#include "access/web_link.h"

#include "access/cookie.h"
#include "access/web_admit.h"
#include "access/web_refusal.h"
#include "api/forwarded.h"
#include "api/json_head.h"
#include "api/web.h"
#include "api/web_error.h"
#include "api/web_json.h"
#include "auth/links.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/network.h"
#include "event/loop.h"
#include "http/form.h"
#include "http/http_parse.h"
#include "http/reply.h"
#include "ledger/ledger.h"
#include "retention/retention.h"
#include "twilio/sid.h"

#include <sodium.h>
#include <stdlib.h>

/* Of a number each byte may become six (CALL_NUMBER_SIZE), and a part takes some 120. */
#define BODY_SIZE (4096 + LINK_PARTS_MAX * 160)

#define OPENER_SIZE (CREDENTIAL_NAME_SIZE + NETWORK_TEXT_SIZE)

static void refuse_play(struct exchange *x, enum link_play result)
{
	switch (result) {
	case LINK_EXPIRED:
		web_refuse(x, WEB_LINK_EXPIRED, NULL, WEB_NO_RETRY);
		return;
	case LINK_USED_UP:
		web_refuse(x, WEB_LINK_USED_UP, NULL, WEB_NO_RETRY);
		return;
	case LINK_GONE:
	case LINK_PLAYS:
		break;
	}
	web_refuse(x, WEB_LINK_NOT_FOUND, NULL, WEB_NO_RETRY);
}

/* ---- opening ---- */

struct opening {
	struct link_open open;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
};

static void add_call(struct json *json, const struct link_open *open)
{
	json_date(json, "started_at", open->started_at_ms);
	if (open->duration_ms > 0)
		json_seconds(json, "duration", open->duration_ms);
	if (open->call.id == 0)
		return;
	json_text(json, "direction", str_of(open->call.direction_text));
	if (!open->shows_numbers)
		return;
	json_text(json, "from", str_of(open->call.from));
	json_text(json, "to", str_of(open->call.to));
}

/* Those of a whole call; what has expired would not play. */
static void add_parts(struct json *json, const struct web_local *local,
		      const struct link_open *open)
{
	if (open->part_count == 0)
		return;
	json_open(json, "recordings", '[');
	for (size_t i = 0; i < open->part_count; i++) {
		const struct link_part *part = &open->parts[i];

		if (retention_has_expired(local->web->retention, &part->kept,
					  loop_wall_ms(local->loop)))
			continue;
		json_open(json, NULL, '{');
		json_text(json, "recording_sid", str_of(part->recording_sid));
		json_date(json, "started_at", part->started_at_ms);
		if (part->duration_ms > 0)
			json_seconds(json, "duration", part->duration_ms);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static bool write_opened(const struct web_local *local, const struct link_open *open,
			 struct buf *body)
{
	struct json json;

	json_start(&json, body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	if (open->expires_at_ms != 0)
		json_date(&json, "expires_at", open->expires_at_ms);
	add_call(&json, open);
	add_parts(&json, local, open);
	json_close(&json, '}');
	buf_add_byte(body, '\n');
	return buf_ok(body);
}

static void reply_opened(struct exchange *x, const struct link_open *open)
{
	char text[BODY_SIZE], path[64], name[CREDENTIAL_NAME_SIZE];
	int64_t lasts_s = (open->visit_expires_at_ms - clock_wall_ms()) / 1000;
	struct buf body;

	buf_over(&body, text, sizeof(text));
	if (!write_opened(web_local_of(x), open, &body)) {
		web_refuse(x, WEB_INTERNAL, NULL, WEB_NO_RETRY);
		return;
	}
	str_fit(credential_name(str_of(open->text)), name, sizeof(name));
	snprintf(path, sizeof(path), "/l/%s/", name);
	reply_begin(x, 200);
	json_head_add(x);
	cookie_set(x, COOKIE_LINK, open->visit.text, lasts_s > 0 ? lasts_s : 1, path);
	reply_send(x, buf_str(&body));
}

/* A secret that is wrong is a guess: taken from the network. */
static void count_guess(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	char network[NETWORK_TEXT_SIZE];
	int64_t wait_ms;

	network_of_address(forwarded_client(x), 64, network);
	(void)!throttle_take(local->web->auth->throttle, THROTTLE_UNKNOWN, str_of(network),
			     loop_now_ms(local->loop), &wait_ms);
}

static void opening_free(struct opening *opening)
{
	credential_wipe(&opening->open.visit);
	sodium_memzero(opening->open.text, sizeof(opening->open.text));
	free(opening);
}

static void opened(struct ledger_job *job)
{
	struct link_open *open = container_of(job, struct link_open, job);
	struct opening *opening = container_of(open, struct opening, open);
	struct exchange *x = opening->x;

	if (x && !job->succeeded) {
		web_refuse_change(x, &job->err, WEB_RECORDING_DELETED, WEB_INTERNAL);
	} else if (x && open->result == LINK_PLAYS) {
		reply_opened(x, open);
	} else if (x) {
		if (open->result == LINK_GONE)
			count_guess(x);
		refuse_play(x, open->result);
	}
	opening_free(opening);
}

static void opening_gone(struct parked *parked)
{
	container_of(parked, struct opening, parked)->x = NULL;
}

static bool is_throttled(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	char network[NETWORK_TEXT_SIZE];
	int64_t wait_ms;

	network_of_address(forwarded_client(x), 64, network);
	if (throttle_allows(local->web->auth->throttle, THROTTLE_UNKNOWN, str_of(network),
			    loop_now_ms(local->loop), &wait_ms))
		return false;
	web_refuse_throttled(x, LIMIT_UNKNOWN, NULL, wait_ms);
	return true;
}

/* By a network of that many bits; false, and answered: it opened this link too often. */
static bool may_open(struct exchange *x, enum throttle_rule rule, unsigned bits)
{
	struct web_local *local = web_local_of(x);
	char network[NETWORK_TEXT_SIZE], opener[OPENER_SIZE];
	int64_t wait_ms;

	network_of_address(forwarded_client(x), bits, network);
	snprintf(opener, sizeof(opener), "%.*s %s", STR_ARG(x->request.params[0]), network);
	if (throttle_take(local->web->auth->throttle, rule, str_of(opener),
			  loop_now_ms(local->loop), &wait_ms))
		return true;
	web_refuse_throttled(x, LIMIT_LINK, NULL, wait_ms);
	return false;
}

void web_link_open(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	struct opening *opening;
	struct auth_actor actor;
	json_t *body;
	bool is_good;

	if (is_throttled(x) || !(body = web_json_body(x)))
		return;
	web_actor_of(x, &actor);
	opening = xcalloc(1, sizeof(*opening));
	is_good = link_open_init(&opening->open, local->web->auth, &actor, x->request.params[0],
				 web_json_text(body, "secret"));
	web_json_wipe(body, "secret");
	json_decref(body);
	web_json_wipe_body(x);
	if (!is_good) {
		opening_free(opening);
		count_guess(x);
		refuse_play(x, LINK_GONE);
		return;
	}
	if (!may_open(x, THROTTLE_LINK, 64) || !may_open(x, THROTTLE_LINK_WIDE, 48)) {
		opening_free(opening);
		return;
	}
	opening->x = x;
	opening->parked.gone = opening_gone;
	opening->open.job.done = opened;
	opening->open.job.reply = local->mailbox;
	exchange_park(x, &opening->parked);
	ledger_write(local->web->ledger, &opening->open.job);
}

/* ---- playing ---- */

/* The first request for media: the play is counted before anything is sent; one that is none is judged alike. */
struct counting {
	struct link_play_job play;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	web_link_player *play_media;
	char recording_sid[SID_SIZE];
};

static void counted(struct ledger_job *job)
{
	struct link_play_job *play = container_of(job, struct link_play_job, job);
	AUTO(free) struct counting *counting = container_of(play, struct counting, play);
	struct exchange *x = counting->x;

	if (!x)
		return;
	if (!job->succeeded)
		web_refuse_change(x, &job->err, WEB_LINK_NOT_FOUND, WEB_INTERNAL);
	else if (play->result == LINK_PLAYS)
		counting->play_media(x, counting->recording_sid);
	else
		refuse_play(x, play->result);
}

static void counting_gone(struct parked *parked)
{
	container_of(parked, struct counting, parked)->x = NULL;
}

static void sid_of(const struct known *known, char out[SID_SIZE])
{
	struct buf buf;

	buf_over(&buf, out, SID_SIZE);
	buf_add_text(&buf, "RE");
	hex_add(&buf, known->sid, sizeof(known->sid));
}

/* `recording=RE...` of the query; at == NULL when it is not there.  False when malformed. */
static bool asked_recording(const struct exchange *x, char room[HTTP_TARGET_MAX], struct str *out)
{
	struct str rest = x->request.query;
	struct form_field field;
	enum form_next next;

	*out = STR_NONE;
	while ((next = form_next(&rest, &room, &field)) == FORM_FIELD)
		if (!out->at && str_eq(field.name, STR("recording")))
			*out = field.value;
	return next == FORM_END && (!out->at || sid_is_recording(*out));
}

bool web_link_recording(struct exchange *x, char out[SID_SIZE], bool *out_is_own)
{
	char own[SID_SIZE], room[HTTP_TARGET_MAX];
	const struct web_caller *caller = web_caller_of(x);
	struct str asked;

	if (!caller) {
		refuse_play(x, LINK_GONE);
		return false;
	}
	if (!asked_recording(x, room, &asked)) {
		web_refuse(x, WEB_BAD_REQUEST,
			   "recording is not a recording SID: RE and 32 hexadecimal digits.",
			   WEB_NO_RETRY);
		return false;
	}
	sid_of(&caller->known, own);
	*out_is_own = !asked.at || str_eq(asked, str_of(own));
	str_fit(*out_is_own ? str_of(own) : asked, out, SID_SIZE);
	return true;
}

static void play_or_look(struct exchange *x, web_link_player *play_media, bool is_look)
{
	const struct web_caller *caller = web_caller_of(x);
	struct web_local *local = web_local_of(x);
	struct counting *counting;
	char sid[SID_SIZE];
	bool is_own;

	if (!web_link_recording(x, sid, &is_own) || !caller)
		return;
	/* What was begun a moment ago on this loop goes on without a write. */
	if (web_is_playing(x, sid)) {
		play_media(x, sid);
		return;
	}
	counting = xcalloc(1, sizeof(*counting));
	if (is_look)
		link_play_init_head(&counting->play, (int64_t)caller->known.credential_id, sid);
	else
		link_play_init(&counting->play, (int64_t)caller->known.credential_id, sid);
	counting->play_media = play_media;
	memcpy(counting->recording_sid, sid, sizeof(sid));
	counting->x = x;
	counting->parked.gone = counting_gone;
	counting->play.job.done = counted;
	counting->play.job.reply = local->mailbox;
	exchange_park(x, &counting->parked);
	if (is_look)
		ledger_read(local->web->ledger, &counting->play.job);
	else
		ledger_write(local->web->ledger, &counting->play.job);
}

void web_link_play(struct exchange *x, web_link_player *play_media)
{
	play_or_look(x, play_media, x->request.method == HTTP_HEAD);
}

void web_link_look(struct exchange *x, web_link_player *show)
{
	play_or_look(x, show, true);
}
