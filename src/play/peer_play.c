/*
 *	WAITING -> SENDING
 *	     '---> SENDING_AHEAD -> SENDING
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
#include "play/media_reply.h"
#include "twilio/sid.h"
#include "verdict/verdict.h"

#include <stdlib.h>

#define SEEK_AGAIN_MS  1000
#define ERROR_BODY_MAX 1024

enum peer_play_state { PEER_PLAY_WAITING, PEER_PLAY_SENDING, PEER_PLAY_SENDING_AHEAD };

struct peer_play {
	struct parked parked;
	struct player player;
	struct timer timer; /* WAITING */
	enum peer_play_state state;
	struct exchange *x;
	struct web_local *local;
	int64_t generation; /* from SENDING on: of the media */
	uint64_t arrived;
	int64_t sought_at_ms;
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

static void start_sending(struct peer_play *play, enum peer_play_state state,
			  const struct news *now, uint64_t arrived)
{
	timer_stop(&play->timer);
	play->state = state;
	play->generation = now->media.generation;
	play->arrived = arrived;
}

static bool begin_ahead(struct peer_play *play, const struct news *now,
			const struct media_reply *reply, uint64_t byte)
{
	const struct news_seek *seek = reply->ranges.count == 1 ? news_seek_with(now, byte) : NULL;
	int64_t now_ms = loop_now_ms(play->local->loop);
	struct media media;

	if (!seek) {
		if (now_ms - play->sought_at_ms >= SEEK_AGAIN_MS) {
			play->sought_at_ms = now_ms;
			player_seek(&play->player, byte);
		}
		return false;
	}
	media = now->media;
	media.fd = seek->fd;
	play->player.seek_id = seek->id;
	start_sending(play, PEER_PLAY_SENDING_AHEAD, now, seek->arrived);
	return media_reply_send_growing(play->x, &media, reply, seek->arrived, &play->parked);
}

/* True: it was answered, and the play may be freed. */
static bool begin_reply(struct peer_play *play, const struct news *now)
{
	struct media_reply reply;
	uint64_t needs;

	if (now->media.size == MEDIA_SIZE_UNKNOWN) {
		if (play->x->request.known[HTTP_RANGE].at ||
		    play->x->request.known[HTTP_IF_MATCH].at)
			return false; /* an ETag is known by then */
		start_sending(play, PEER_PLAY_SENDING, now, now->arrived);
		media_reply_send_chunked(play->x, &now->media, now->arrived, now->is_complete,
					 &play->parked);
		return true;
	}
	media_reply_choose(play->x, &now->media, &reply);
	needs = media_reply_needs(play->x, &reply);
	if (needs > now->arrived)
		return begin_ahead(play, now, &reply, needs - 1);
	start_sending(play, PEER_PLAY_SENDING, now, now->arrived);
	if (!media_reply_send_growing(play->x, &now->media, &reply, now->arrived, &play->parked))
		play_free(play);
	return true;
}

static void play_goes_on(struct peer_play *play, const struct news *now)
{
	if (now->is_elsewhere || !now->is_flowing || now->media.generation != play->generation) {
		exchange_cut(play->x);
		return;
	}
	if (play->state == PEER_PLAY_SENDING_AHEAD && now->arrived > play->arrived) {
		exchange_switch_file(play->x, now->media.fd);
		play->player.seek_id = 0;
		play->state = PEER_PLAY_SENDING;
	}
	play->arrived = play->state == PEER_PLAY_SENDING
				? now->arrived
				: news_seek_arrived(now, play->player.seek_id, play->arrived);
	exchange_arrived(play->x, play->arrived, now->is_complete);
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
	play->local = local;
	play->parked.gone = play_gone;
	play->player.moved = play_moved;
	play->player.request_id = x->id;
	list_init(&play->player.link);
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
