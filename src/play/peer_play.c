/*
 *	WAITING -> SENDING
 *
 * From each an end: an error before the head, a connection that is closed short after it.
 */
#include "play/peer_play.h"

#include "api/web.h"
#include "api/web_error.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "dispatch/mirror.h"
#include "http/reply.h"
#include "peer/peer_answer.h"
#include "play/flight_reply.h"
#include "play/media_reply.h"
#include "twilio/sid.h"
#include "verdict/verdict.h"

#include <stdlib.h>

#define ERROR_BODY_MAX 1024

enum peer_play_state { PEER_PLAY_WAITING, PEER_PLAY_SENDING };

struct peer_play {
	struct parked parked;
	struct player player;
	struct timer timer; /* WAITING */
	enum peer_play_state state;
	struct exchange *x;
	struct flight_reply reply;
};

static void play_free(struct peer_play *play)
{
	player_leave(&play->player);
	timer_stop(&play->timer);
	free(play);
}

static void play_gone(struct parked *parked)
{
	play_free(container_of(parked, struct peer_play, parked));
}

/* ---- errors ---- */

/* Those of players are web_error's; these are read by a process (peer/peer_answer.h). */
static void send_error(struct exchange *x, const char *code, const char *reason, const char *text)
{
	char bytes[ERROR_BODY_MAX];
	struct json json;
	struct buf body;

	buf_over(&body, bytes, sizeof(bytes));
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", false);
	json_text(&json, "error", str_of(text));
	json_text(&json, "code", str_of(code));
	if (reason[0] != '\0')
		json_text(&json, "reason", str_of(reason));
	json_text(&json, "request_id", str_of(x->id));
	json_close(&json, '}');
	reply_header(x, STR("Content-Type"), STR("application/json"));
	reply_header(x, STR("Cache-Control"), STR("no-store"));
	reply_send(x, buf_str(&body));
}

static void refuse_elsewhere(struct peer_play *play)
{
	reply_begin(play->x, 421);
	send_error(play->x, "elsewhere", "", "This process does not fetch that recording.");
	play_free(play);
}

static void refuse_because(struct peer_play *play, const struct news *now)
{
	reply_begin(play->x, 503);
	if (now->is_pointless)
		reply_header(play->x, STR(PEER_POINTLESS), STR("1"));
	send_error(play->x, verdict_answer(now->reason_code), now->reason_code,
		   now->reason_text[0] ? now->reason_text : "Nothing of it is here yet.");
	play_free(play);
}

/* ---- the reply ---- */

/* True: it was answered, and the play may be freed. */
static bool begin_reply(struct peer_play *play, const struct news *now)
{
	/* An ETag is known once the length is. */
	bool may_chunk = !play->x->request.known[HTTP_RANGE].at &&
			 !play->x->request.known[HTTP_IF_MATCH].at;

	switch (flight_reply_begin(&play->reply, now, may_chunk)) {
	case FLIGHT_REPLY_NOT_YET:
		return false;
	case FLIGHT_REPLY_GOES_ON:
		timer_stop(&play->timer);
		play->state = PEER_PLAY_SENDING;
		break;
	case FLIGHT_REPLY_WHOLE:
		play_free(play);
		break;
	}
	return true;
}

static void play_goes_on(struct peer_play *play, const struct news *now)
{
	if (now->is_elsewhere || !flight_reply_is_of(&play->reply, now))
		exchange_cut(play->x);
	else
		flight_reply_moved(&play->reply, now);
}

static void play_moved(struct player *player, const struct mirror *mirror)
{
	struct peer_play *play = container_of(player, struct peer_play, player);
	const struct news *now = &mirror->now;

	if (play->state != PEER_PLAY_WAITING)
		play_goes_on(play, now);
	else if (now->is_elsewhere)
		refuse_elsewhere(play);
	else if (now->is_flowing && begin_reply(play, now))
		return;
	else if (now->is_last) /* the ledger says what became of it */
		refuse_elsewhere(play);
	else if (now->reason_code[0] != '\0' && (!now->is_flowing || now->is_pointless))
		refuse_because(play, now);
}

static void patience_ended(struct timer *timer)
{
	static const struct news nothing = { .is_last = false };
	struct peer_play *play = container_of(timer, struct peer_play, timer);
	const struct mirror *mirror = play->player.mirror;

	refuse_because(play, mirror ? &mirror->now : &nothing);
}

static void serve_media(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	struct recording wanted = { .state = RECORDING_QUEUED };
	const struct mirror *mirror;
	struct peer_play *play;

	if (!sid_is_recording(x->request.params[0]) ||
	    !str_copy(x->request.params[0], wanted.recording_sid, SID_SIZE)) {
		web_refuse(x, WEB_BAD_REQUEST, NULL, WEB_NO_RETRY);
		return;
	}
	x->source = PLAY_SOURCE_PROBE; /* counted where somebody plays it */
	play = xcalloc(1, sizeof(*play));
	play->x = x;
	play->parked.gone = play_gone;
	play->player.moved = play_moved;
	play->player.request_id = x->id;
	list_init(&play->player.link);
	flight_reply_init(&play->reply, x, &play->parked, &play->player);
	exchange_park(x, &play->parked);
	timer_start(local->loop, &play->timer, PEER_PATIENCE_MS, patience_ended);
	mirror = mirror_join(local->peer_mirrors, &wanted, &play->player);
	if (mirror->now.is_flowing || mirror->now.reason_code[0] != '\0')
		play_moved(&play->player, mirror);
}

/* ---- the listener ---- */

static const struct http_route routes[] = {
	{ BIT(HTTP_GET), PEER_PATH "{}", serve_media, .access = WEB_PEER },
};

/* In the same time whatever is wrong with it. */
static bool shows_token(const struct exchange *x)
{
	struct str wanted = str_of(web_local_of(x)->web->peer_token);
	struct str shown = x->request.known[HTTP_AUTHORIZATION];

	if (!str_starts_nocase(shown, STR("Bearer ")))
		return false;
	shown = str_trim(str_after(shown, sizeof("Bearer")));
	return shown.len == wanted.len && wanted.len > 0 &&
	       bytes_equal_secret(shown.at, wanted.at, wanted.len);
}

static bool admit(struct exchange *x)
{
	if (shows_token(x))
		return true;
	reply_begin(x, 401);
	reply_header(x, STR("WWW-Authenticate"), STR("Bearer"));
	send_error(x, "unauthenticated", "", "This is not the token of this process.");
	return false;
}

void peer_app_init(struct http_app *app)
{
	*app = (struct http_app){ .routes = routes,
				  .route_count = ARRAY_LEN(routes),
				  .refuse = web_refuse_http,
				  .admit = admit };
}

void peer_media_prepare(struct media *media)
{
	struct buf more;

	media_reply_prepare(media);
	buf_over(&more, media->lines + media->lines_len, sizeof(media->lines) - media->lines_len);
	buf_addf(&more, PEER_GENERATION ": %lld\r\n" PEER_GENERATION_AT ": %lld\r\n",
		 (long long)media->generation, (long long)media->modified_at_ms);
	media->lines_len += more.len;
}
