#include "web/web_app.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "flights/mirror.h"
#include "media/media_cache.h"
#include "web/forwarded.h"
#include "web/media_reply.h"
#include "web/routes.h"
#include "web/web.h"
#include "web/web_error.h"
#include "web/web_host.h"

#include <stdlib.h>

/*
 * Without sign-in only listening on loopback keeps strangers out.  A web page of theirs can still send
 * requests here through the listener's own browser (DNS rebinding), but then Host has their name.  A
 * request without Host (HTTP/1.0) is from no browser.
 */
static bool admit_anybody(struct exchange *x)
{
	struct str host = x->request.known[HTTP_HOST];

	if (!host.at || web_host_is_own(host, web_local_of(x)->web->options.public_url))
		return true;
	web_refuse(x, WEB_FORBIDDEN,
		   "With auth = none this is answered only under an IP address, localhost, or the "
		   "host of public_url.",
		   WEB_NO_RETRY);
	return false;
}

/* Checks whether the caller may use the route; replies with the error when not. */
static bool admit(struct exchange *x)
{
	const struct web *web = web_local_of(x)->web;

	switch ((enum web_access)x->route->access) {
	case WEB_CLOSED: /* http refuses it before; never open by mistake */
		web_refuse(x, WEB_FORBIDDEN, NULL, WEB_NO_RETRY);
		return false;
	case WEB_ANYONE:
	case WEB_PROVIDER:
		return true;
	case WEB_LISTENER:
	case WEB_ADMIN:
		break;
	}
	if (x->over_unix)
		return true;
	if (web->options.auth == WEB_AUTH_NONE)
		return admit_anybody(x);
	web_refuse(x, WEB_UNAUTHENTICATED, NULL, WEB_NO_RETRY);
	return false;
}

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

void web_init(struct web *web)
{
	web->started_at_ms = clock_wall_ms();
	webhook_counters_init(&web->webhooks, WEBHOOK_REPORT_MS);
	web->app = (struct http_app){
		.routes = web_routes,
		.route_count = web_route_count,
		.refuse = web_refuse_http,
		.admit = admit,
		.ended = tell_play,
		.trusts = forwarded_is_trusted,
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
	local->media_cache = media_cache_new(loop, mailbox, web->ledger, web->store, &options);
	local->mirrors = mirrors_new(mailbox, web->fetcher, media_reply_prepare);
	local->webhooks = webhook_counter_new(&web->webhooks, loop);
	return local;
}

void web_local_free(struct web_local *local)
{
	if (!local)
		return;
	webhook_counter_free(local->webhooks);
	mirrors_free(local->mirrors);
	media_cache_free(local->media_cache);
	free(local);
}
