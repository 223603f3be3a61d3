#include "web/web_app.h"

#include "access/web_admit.h"
#include "accesslog/access_lines.h"
#include "api/forwarded.h"
#include "api/web.h"
#include "api/web_error.h"
#include "audit/open_plays.h"
#include "auth/admission.h"
#include "base/clock.h"
#include "base/line_pairs.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/mirror.h"
#include "live/live_hub.h"
#include "media/media_cache.h"
#include "play/media_reply.h"
#include "play/peer_play.h"
#include "web/routes.h"
#include "web/web_access_log.h"

#include <stdlib.h>

_Static_assert(KNOWN_PLACES == OPEN_PLAYS_PLACES,
	       "what is known of a caller lies beside the first play of theirs");

/* Logs a play, at debug: a player may ask for a recording in hundreds of pieces. */
static void tell_play(struct exchange *x)
{
	struct log_tag tag;

	if (!x->about[0] || !log_wants(LOG_DEBUG))
		return;
	tag = web_request_tag(x);
	log_debug(&tag, "recording %s: %s was answered %d, %llu bytes sent", x->about, x->peer,
		  x->status, (unsigned long long)x->sent_bytes);
}

/* An error has a body, too, and of what is played from the bucket nothing is sent here. */
static bool has_sound(const struct exchange *x)
{
	return x->status == 307 || (x->sent_bytes > 0 && (x->status == 200 || x->status == 206));
}

static void ended(struct exchange *x)
{
	const struct web_caller *caller = web_caller_of(x);
	struct web_local *local = web_local_of(x);

	tell_play(x);
	if (local->access_lines)
		web_access_log_ended(x);
	if (x->source != PLAY_SOURCE_PROBE && !(caller && caller->known.kind == CREDENTIAL_DOCTOR))
		web_count_request(&local->counts, x, x->route && web_route_plays(x->route));
	if (x->ticket != 0 && has_sound(x))
		open_plays_sent(local->plays, x->ticket, x->sent_bytes);
}

static void tell_crowded(const struct http_server *server, bool is_crowded)
{
	unsigned count = http_server_connections(server);

	if (is_crowded)
		log_warn(NULL,
			 "too many connections or open files (a serving loop has %u connections): "
			 "new ones are answered 503",
			 count);
	else
		log_info(NULL, "connections are taken again (a serving loop has %u)", count);
}

void web_change(struct web *web, const struct web_options *options)
{
	web->live.play_wait_ms = options->play_wait_ms;
	web->live.min_free_bytes = options->min_free_bytes;
}

void web_init(struct web *web)
{
	web_change(web, &web->options);
	web->started_at_ms = clock_wall_ms();
	list_init(&web->locals);
	webhook_counters_init(&web->webhooks, WEBHOOK_REPORT_MS);
	peer_app_init(&web->peer_app);
	web->app = (struct http_app){
		.routes = web_routes,
		.route_count = web_route_count,
		.refuse = web_refuse_http,
		/* Where nobody signs in there is nobody to be known. */
		.expect = web->auth->options.mode == AUTH_NONE ? NULL : web_expect,
		.admit = web_admit,
		.ended = ended,
		.abandoned = web_access_log_ended,
		.shed = web_access_log_shed,
		.trusts = forwarded_trusts,
		.crowded = tell_crowded,
	};
}

struct web_local *web_local_new(struct web *web, struct loop *loop, struct mailbox *mailbox)
{
	struct web_local *local = xcalloc(1, sizeof(*local));
	struct media_cache_options options = {
		.entries_max = web->options.cache_entries,
		.fd_max = web->options.file_fd_max,
		.prepare = media_reply_prepare,
	};

	local->web = web;
	local->loop = loop;
	local->mailbox = mailbox;
	list_append(&web->locals, &local->link);
	list_init(&local->waveforms);
	local->media_cache = media_cache_new(loop, mailbox, web->ledger, web->store, &options);
	local->mirrors =
		mirrors_new(mailbox, web->fetcher, MIRRORS_OF_PLAYERS, media_reply_prepare);
	if (web->peer_token)
		local->peer_mirrors =
			mirrors_new(mailbox, web->fetcher, MIRRORS_OF_PEERS, peer_media_prepare);
	/* Where nobody signs in one place of all is asked for again and again. */
	local->pairs = line_pairs_new(KNOWN_PLACES, web->auth->options.mode != AUTH_NONE);
	local->admission = admission_new(web->auth, loop, mailbox, line_pairs_left(local->pairs));
	local->plays =
		open_plays_new(&web->auth->audit, loop, mailbox, line_pairs_right(local->pairs));
	local->webhooks = webhook_counter_new(&web->webhooks, loop);
	local->access_lines = access_lines_new(web->access_log, loop, mailbox);
	local->hub = live_hub_new(web, loop, mailbox, &local->counts);
	return local;
}

void web_local_stop(struct web_local *local, bool is_restart)
{
	live_hub_stop(local->hub, is_restart);
}

void web_local_end(struct web_local *local)
{
	open_plays_end_all(local->plays);
	access_lines_end(local->access_lines);
}

void web_local_free(struct web_local *local)
{
	if (!local)
		return;
	live_hub_free(local->hub);
	access_lines_free(local->access_lines);
	list_remove(&local->link);
	webhook_counter_free(local->webhooks);
	open_plays_free(local->plays);
	admission_free(local->admission);
	line_pairs_free(local->pairs);
	mirrors_free(local->mirrors);
	mirrors_free(local->peer_mirrors);
	media_cache_free(local->media_cache);
	free(local);
}
