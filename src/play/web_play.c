/*
 * The states of a waiting play; it may end in any of them, with an error or with all of a reply.
 *
 *	ASKING --------------------------------> WAITING -> SENDING
 *	   '-> DISCOVERING -> DISCOVERED -----------^  |
 *	                                               '-> LANDED -> REJOINED -> SENDING
 *
 * Stored media is answered in ASKING, DISCOVERED and LANDED, which all wait for the ledger.  Twilio
 * is asked at most once, and the ledger at most three times.
 *
 * One timer has both limits: before the head the time within which every play is answered, after it
 * the time that a player may go without a byte.
 */
#include "play/web_play.h"

#include "access/web_admit.h"
#include "access/web_refusal.h"
#include "api/forwarded.h"
#include "api/web.h"
#include "api/web_error.h"
#include "base/mem.h"
#include "dispatch/fetcher.h"
#include "dispatch/mirror.h"
#include "http/conditional.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "media/media_cache.h"
#include "play/flight_reply.h"
#include "play/media_redirect.h"
#include "play/media_reply.h"
#include "play/probe_play.h"
#include "rest/discovery.h"
#include "retention/retention.h"
#include "twilio/sid.h"
#include "verdict/verdict.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ONGOING_RETRY_S 10 /* a call that is still on: ask again when it may have ended */

enum play_state {
	PLAY_ASKING,      /* the ledger is asked what it knows of the SID */
	PLAY_DISCOVERING, /* Twilio is asked: the ledger has no recording of it */
	PLAY_DISCOVERED,  /* the ledger is asked again: Twilio had one */
	PLAY_WAITING,     /* for the first byte that is asked for, from its flight */
	PLAY_LANDED,      /* the ledger is asked again: the flight was over when it was joined */
	PLAY_REJOINED,    /* as WAITING, for the next flight of the recording */
	PLAY_SENDING,     /* the head is out; the body follows (flight_reply.h) */
	PLAY_STATES,
};

static const uint8_t may_enter[PLAY_STATES] = {
	[PLAY_ASKING] = BIT(PLAY_DISCOVERING) | BIT(PLAY_WAITING),
	[PLAY_DISCOVERING] = BIT(PLAY_DISCOVERED),
	[PLAY_DISCOVERED] = BIT(PLAY_WAITING),
	[PLAY_WAITING] = BIT(PLAY_LANDED) | BIT(PLAY_SENDING),
	[PLAY_LANDED] = BIT(PLAY_REJOINED),
	[PLAY_REJOINED] = BIT(PLAY_SENDING),
};

/* The ledger is asked, and then a bucket, perhaps: Twilio has nothing to do with how long that takes. */
#define ASKS_LEDGER (BIT(PLAY_ASKING) | BIT(PLAY_DISCOVERED) | BIT(PLAY_LANDED))

/* What the ledger has of the call whose recording it does not have. */
enum play_call { PLAY_CALL_UNKNOWN, PLAY_CALL_OVER, PLAY_CALL_ON };

struct play {
	struct parked parked;
	struct media_waiter waiter;
	struct player player;
	struct timer timer;
	enum play_state state;
	enum play_call call;              /* from DISCOVERING on */
	struct play_discovery *discovery; /* DISCOVERING */
	struct exchange *x;
	struct web_local *local;
	char sid[SID_SIZE];
	/* struct play_terms: "" where any will do */
	char call_sid[SID_SIZE], account_sid[SID_SIZE], format[8];
	struct flight_reply reply;
};

/* The question to Twilio.  Outlives a play that leaves. */
struct play_discovery {
	struct discovery_request request; /* first: it is freed as one */
	struct play *play;
};

static void play_enter(struct play *play, enum play_state state)
{
	assert(may_enter[play->state] & BIT(state));
	play->state = state;
}

static void play_free(struct play *play)
{
	if (play->discovery)
		play->discovery->request.answered = NULL;
	media_waiter_leave(&play->waiter);
	player_leave(&play->player);
	timer_stop(&play->timer);
	free(play);
}

static void play_refuse(struct play *play, enum web_error error, const char *text,
			int64_t retry_after_s)
{
	web_refuse(play->x, error, text, retry_after_s);
	play_free(play);
}

/* reason: of a flight, or of the ledger; "": none is known. */
static void play_refuse_because(struct play *play, enum web_error error, const char *reason,
				const char *text)
{
	const struct web_detail detail = { .name = "reason", .text = reason };

	web_refuse_detailed(play->x, error, text && text[0] ? text : NULL, WEB_NO_RETRY,
			    reason[0] ? &detail : NULL);
	play_free(play);
}

static bool fits(struct str wanted, const char *is)
{
	return wanted.len == 0 || str_eq(wanted, str_of(is));
}

bool play_terms_allow(const struct play_terms *terms, const struct media *media)
{
	return fits(terms->call_sid, media->call_sid) &&
	       fits(terms->account_sid, media->kept.account_sid) &&
	       fits(terms->format, media->format);
}

/* Nobody has it. */
static void play_refuse_missing(struct play *play, enum web_error error, const char *text)
{
	web_refuse_missing(play->x, error, text);
	play_free(play);
}

static void play_gone(struct parked *parked)
{
	struct play *play = container_of(parked, struct play, parked);
	const struct exchange *x = play->x;

	if (x->status == 0)
		counter_add(&play->local->counts.plays[x->source][PLAY_RESULT_LEFT], 1);
	play_free(play);
}

/* ---- in flight ---- */

/* The error for the reason code of a flight or of the ledger. */
static enum web_error error_of_reason(const char *code)
{
	enum web_error error = web_error_of_code(verdict_answer(code));

	return error == WEB_ERRORS ? WEB_UPSTREAM_UNAVAILABLE : error;
}

static bool wants_all_from_start(const struct exchange *x)
{
	return str_eq(str_trim(x->request.known[HTTP_RANGE]), STR("bytes=0-"));
}

/* Without a length only a plain GET over HTTP/1.1 can be answered before the end. */
static bool may_chunk(const struct play *play, bool is_late)
{
	const struct http_request *request = &play->x->request;

	/* Conditions need an ETag, which media of unknown length does not have. */
	if (request->minor_version < 1 || request->method != HTTP_GET ||
	    conditional_is_asked(request))
		return false;
	return !request->known[HTTP_RANGE].at || (is_late && wants_all_from_start(play->x));
}

static void silence_ended(struct timer *timer);

/* It is kept in another format than the one that is asked for. */
static void play_refuse_format(struct play *play, const char *format)
{
	char text[80];

	snprintf(text, sizeof(text), "The recording is kept as %s, and in no other format.",
		 format);
	play_refuse(play, WEB_RECORDING_NOT_FOUND, text, WEB_NO_RETRY);
}

/*
 * Sends the head once nothing that it promises is in doubt, or refuses; true when it was answered: the play may be freed by
 * then.
 */
static bool begin_reply(struct play *play, const struct news *now, bool is_late)
{
	if (!fits(str_of(play->format), now->media.format)) {
		play_refuse_format(play, now->media.format);
		return true;
	}
	switch (flight_reply_begin(&play->reply, now, may_chunk(play, is_late))) {
	case FLIGHT_REPLY_NOT_YET:
		return false;
	case FLIGHT_REPLY_GOES_ON: /* from now on silence is what is timed */
		play_enter(play, PLAY_SENDING);
		timer_start(play->local->loop, &play->timer, play->local->web->live.play_wait_ms,
			    silence_ended);
		break;
	case FLIGHT_REPLY_WHOLE:
		play_free(play);
		break;
	}
	return true;
}

/* gone() comes in the next turn. */
static void play_cut(struct play *play)
{
	play->x->outcome = WEB_OUTCOME_CUT;
	exchange_cut(play->x);
}

static void play_moved(struct player *player, const struct mirror *mirror)
{
	struct play *play = container_of(player, struct play, player);
	const struct news *now = &mirror->now;

	if (play->state == PLAY_SENDING) {
		if (flight_reply_is_of(&play->reply, now))
			flight_reply_moved(&play->reply, now);
		else
			play_cut(play);
		return;
	}
	if (now->is_flowing && begin_reply(play, now, false))
		return;
	if (now->is_last && now->reason_code[0] == '\0' && play->state == PLAY_WAITING) {
		play_enter(play, PLAY_LANDED);
		media_cache_ask(play->local->media_cache, str_of(play->sid), &play->waiter);
		return;
	}
	if (now->is_last || (now->is_pointless && now->reason_code[0] != '\0'))
		play_refuse_because(play, error_of_reason(now->reason_code), now->reason_code,
				    now->reason_text);
}

/* play_wait is over, and no head was sent. */
static void play_is_late(struct timer *timer)
{
	struct play *play = container_of(timer, struct play, timer);
	const struct mirror *mirror = play->player.mirror;

	if (mirror && mirror->now.is_flowing && begin_reply(play, &mirror->now, true))
		return;
	if (BIT(play->state) & ASKS_LEDGER) {
		play_refuse(play, WEB_OVERLOADED,
			    "It could not be read in time from where it is kept.", WEB_NO_RETRY);
		return;
	}
	play_refuse_because(play, WEB_UPSTREAM_UNAVAILABLE, mirror ? mirror->now.reason_code : "",
			    mirror ? mirror->now.reason_text : NULL);
}

/* Cuts the reply when its player has read all there is and got no byte for play_wait. */
static void silence_ended(struct timer *timer)
{
	struct play *play = container_of(timer, struct play, timer);
	int64_t wait_ms = play->local->web->live.play_wait_ms;
	int64_t silent_ms = loop_now_ms(play->local->loop) - exchange_last_sent_at_ms(play->x);

	if (exchange_is_stalled_by_client(play->x))
		silent_ms = 0; /* send_timeout is for those */
	if (silent_ms >= wait_ms)
		play_cut(play);
	else
		timer_start(play->local->loop, &play->timer, wait_ms - silent_ms, silence_ended);
}

/* ---- the ledger's answer ---- */

static void play_join(struct play *play, const struct recording *recording)
{
	const struct mirror *mirror;

	play_enter(play, play->state == PLAY_LANDED ? PLAY_REJOINED : PLAY_WAITING);
	play->x->source = PLAY_SOURCE_FLIGHT;
	play->player.moved = play_moved;
	play->player.request_id = play->x->id;
	mirror = mirror_join(play->local->mirrors, recording, &play->player);
	if (mirror->now.is_flowing || mirror->now.reason_code[0] != '\0')
		play_moved(&play->player, mirror);
}

static const char *reason_of(const struct recording *recording)
{
	return recording->reason_text[0] ? recording->reason_text : NULL;
}

bool web_play_refusal(const struct recording *recording, struct play_refusal *out)
{
	*out = (struct play_refusal){ WEB_INTERNAL, NULL, WEB_NO_RETRY };
	switch (recording->state) {
	case RECORDING_ANNOUNCED:
		out->error = WEB_RECORDING_NOT_AVAILABLE;
		out->text = "Twilio has not finished this recording yet.";
		out->retry_after_s = ONGOING_RETRY_S;
		return true;
	case RECORDING_QUEUED:
	case RECORDING_WAITING:
	case RECORDING_STORED:
		return false;
	case RECORDING_ABSENT:
		out->error = WEB_RECORDING_ABSENT;
		out->text = reason_of(recording);
		return true;
	case RECORDING_DEAD:
		out->error = error_of_reason(recording->reason_code);
		out->text = reason_of(recording);
		return true;
	case RECORDING_GONE:
	case RECORDING_PURGED:
	case RECORDING_DELETED:
		out->error = WEB_RECORDING_DELETED;
		return true;
	case RECORDING_STATES:
		break;
	}
	return true;
}

static void refuse_recording(struct play *play, const struct recording *recording,
			     const struct play_refusal *refusal)
{
	if (recording->state == RECORDING_DEAD)
		play_refuse_because(play, refusal->error, recording->reason_code, refusal->text);
	else
		play_refuse(play, refusal->error, refusal->text, refusal->retry_after_s);
}

static bool has_expired(const struct play *play, const struct kept *kept)
{
	return retention_has_expired(play->local->web->retention, kept,
				     loop_wall_ms(play->local->loop));
}

/* Stored means: meanwhile.  Its flight is over, or will say so. */
static void play_recording(struct play *play, const struct recording *recording)
{
	struct kept kept = recording_kept(recording);
	struct play_refusal refusal;

	if (!recording_is_removed(recording->state) && has_expired(play, &kept))
		play_refuse(play, WEB_RECORDING_EXPIRED, NULL, WEB_NO_RETRY);
	else if (web_play_refusal(recording, &refusal))
		refuse_recording(play, recording, &refusal);
	else if (web_may_play(play->x, recording->recording_sid))
		play_join(play, recording);
	else
		play_free(play);
}

/* False: its bytes are needed, and lie in the bucket alone. */
static bool send_stored(struct play *play, const struct media *media)
{
	struct media_reply reply;

	if (play->waiter.takes_elsewhere && media_redirect_send(play->x, media))
		return true;
	media_reply_choose(play->x, media, &reply);
	if (media->fd < 0 && (reply.kind == MEDIA_REPLY_WHOLE || reply.kind == MEDIA_REPLY_RANGES))
		return false;
	media_reply_send(play->x, media, &reply);
	return true;
}

static void play_stored(struct play *play, const struct media *media)
{

	play->x->source = PLAY_SOURCE_STORE;
	if (has_expired(play, &media->kept)) {
		play_refuse(play, WEB_RECORDING_EXPIRED, NULL, WEB_NO_RETRY);
		return;
	}
	if (web_may_play(play->x, media->recording_sid)) {
		probe_note_play(play->x);
		if (!send_stored(play, media)) {
			play->waiter.takes_elsewhere = false;
			media_cache_ask(play->local->media_cache, str_of(play->sid), &play->waiter);
			return;
		}
	}
	play_free(play);
}

/* The call and the account that are asked for; one that is known by neither is of any account. */
static bool is_of_whom(const struct play *play, const struct media_answer *answer)
{
	bool is_stored = answer->found == MEDIA_FOUND_STORED;
	const char *call_sid = is_stored ? answer->media->call_sid : answer->recording->call_sid;
	const char *account_sid = is_stored ? answer->media->kept.account_sid
					    : answer->recording->account_sid;

	return fits(str_of(play->call_sid), call_sid) &&
	       (account_sid[0] == '\0' || fits(str_of(play->account_sid), account_sid));
}

/* Neither the ledger nor Twilio has it; may_come: or Twilio could not be asked. */
static void refuse_unknown(struct play *play, bool may_come)
{
	if (play->call != PLAY_CALL_UNKNOWN)
		play_refuse(play, WEB_RECORDING_NOT_AVAILABLE, NULL,
			    may_come || play->call == PLAY_CALL_ON ? ONGOING_RETRY_S
								   : WEB_NO_RETRY);
	else if (may_come)
		play_refuse(play, WEB_UPSTREAM_UNAVAILABLE,
			    "It is not known here, and Twilio cannot be asked just now.",
			    WEB_NO_RETRY);
	else
		play_refuse_missing(play,
				    sid_is_call(str_of(play->sid)) ? WEB_CALL_NOT_FOUND
								   : WEB_RECORDING_NOT_FOUND,
				    NULL);
}

static void discovery_answered(struct discovery_request *request)
{
	struct play *play = container_of(request, struct play_discovery, request)->play;

	play->discovery = NULL;
	switch (request->result) {
	case DISCOVERY_FOUND:
		play_enter(play, PLAY_DISCOVERED);
		media_cache_ask(play->local->media_cache, str_of(play->sid), &play->waiter);
		return;
	case DISCOVERY_NOT_THERE:
		refuse_unknown(play, false);
		return;
	case DISCOVERY_REFUSED:
		play_refuse(play, WEB_UPSTREAM_REFUSED, NULL, WEB_NO_RETRY);
		return;
	case DISCOVERY_BUSY:
	case DISCOVERY_FAILED:
		refuse_unknown(play, true);
		return;
	}
}

static void play_discover(struct play *play)
{
	struct play_discovery *discovery = xcalloc(1, sizeof(*discovery));

	play_enter(play, PLAY_DISCOVERING);
	play->discovery = discovery;
	discovery->play = play;
	discovery->request.reply = play->local->mailbox;
	discovery->request.answered = discovery_answered;
	discovery->request.until_ms = play->timer.at_ms;
	memcpy(discovery->request.sid, play->sid, SID_SIZE);
	str_fit(str_of(play->x->id), discovery->request.request_id,
		sizeof(discovery->request.request_id));
	str_fit(forwarded_client(play->x), discovery->request.peer,
		sizeof(discovery->request.peer));
	fetcher_discover(play->local->web->fetcher, &discovery->request);
}

static void play_answered(struct media_waiter *waiter, const struct media_answer *answer)
{
	struct play *play = container_of(waiter, struct play, waiter);
	bool has_recording = answer->found == MEDIA_FOUND_STORED ||
			     answer->found == MEDIA_FOUND_RECORDING;

	if (has_recording && !is_of_whom(play, answer)) {
		play_refuse_missing(play, WEB_RECORDING_NOT_FOUND,
				    play->call_sid[0] ? "This call has no such recording."
						      : "This account has no such recording.");
		return;
	}
	if (answer->found == MEDIA_FOUND_STORED &&
	    !fits(str_of(play->format), answer->media->format)) {
		play_refuse_format(play, answer->media->format);
		return;
	}
	switch (answer->found) {
	case MEDIA_FOUND_STORED:
		play_stored(play, answer->media);
		return;
	case MEDIA_FOUND_RECORDING:
		play_recording(play, answer->recording);
		return;
	case MEDIA_FOUND_UNRECORDED:
	case MEDIA_FOUND_UNKNOWN:
		play->call = answer->found == MEDIA_FOUND_UNKNOWN ? PLAY_CALL_UNKNOWN
			     : answer->is_call_on                 ? PLAY_CALL_ON
								  : PLAY_CALL_OVER;
		if (play->state != PLAY_ASKING)
			refuse_unknown(play, false);
		else if (play->call != PLAY_CALL_UNKNOWN || web_may_miss(play->x))
			play_discover(play);
		else
			play_free(play);
		return;
	case MEDIA_FOUND_AWAY:
		play_refuse(play, WEB_UPSTREAM_UNAVAILABLE,
			    "It is stored, and the bucket that has it does not answer just now.",
			    WEB_NO_RETRY);
		return;
	case MEDIA_FOUND_FAILED:
		play_refuse(play,
			    answer->err.kind == ERR_SCARCE || answer->err.kind == ERR_UNAVAILABLE
				    ? WEB_OVERLOADED
				    : WEB_INTERNAL,
			    NULL, WEB_NO_RETRY);
		return;
	}
}

void web_play_start(struct exchange *x, struct str sid, const struct play_terms *terms)
{
	struct play_terms wanted = terms ? *terms : (struct play_terms){ .format = STR_NONE };
	struct play *play = xcalloc(1, sizeof(*play));

	play->x = x;
	play->local = web_local_of(x);
	play->parked.gone = play_gone;
	play->waiter.answered = play_answered;
	play->waiter.takes_elsewhere = media_redirect_suits(x);
	list_init(&play->waiter.link);
	list_init(&play->player.link);
	flight_reply_init(&play->reply, x, &play->parked, &play->player);
	if (!str_copy(sid, play->sid, sizeof(play->sid)) ||
	    !str_copy(wanted.call_sid, play->call_sid, sizeof(play->call_sid)) ||
	    !str_copy(wanted.account_sid, play->account_sid, sizeof(play->account_sid)) ||
	    !str_copy(wanted.format, play->format, sizeof(play->format))) {
		play_refuse(play, WEB_BAD_REQUEST, NULL, WEB_NO_RETRY);
		return;
	}
	exchange_park(x, &play->parked);
	timer_start(play->local->loop, &play->timer, play->local->web->live.play_wait_ms,
		    play_is_late);
	media_cache_ask(play->local->media_cache, sid, &play->waiter);
}
