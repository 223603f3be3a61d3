#include "proxycheck/proxy_view.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "base/own.h"
#include "doctor/deployment.h"
#include "nginx/nginx_force.h"
#include "nginx/nginx_request.h"

#include <stdio.h>

#define CALL      "CA0123456789abcdef0123456789abcdef"
#define RECORDING "RE0123456789abcdef0123456789abcdef"
#define GUESS     "calls.example.com"
#define TRIED_MIN 8u
#define LOOKS_MAX \
	1000000u /* at servers: each listen that is tried is looked for among all of them */

/*
 * What ends TLS before this nginx says by what players came, and for whom it asks, from an address of its own.  The two come
 * first in each list: where TLS ends here, or there is none, they are passed over.
 */
#define FORWARDED_COUNT 2
#define FORWARDS_FROM   "192.0.2.1"

static const struct nginx_header play_headers[] = {
	{ { "X-Forwarded-Proto", 17 }, { "https", 5 } },
	{ { "X-Forwarded-For", 15 }, { "203.0.113.7", 11 } },
	{ { "Range", 5 }, { "bytes=0-1", 9 } },
	{ { "If-Range", 8 }, { "\"v1\"", 4 } },
	{ { "Authorization", 13 }, { "Bearer token", 12 } },
	{ { "Cookie", 6 }, { "session=x", 9 } },
	{ { "Origin", 6 }, { "https://app.example", 19 } },
};

static const struct nginx_header webhook_headers[] = {
	{ { "X-Forwarded-Proto", 17 }, { "https", 5 } },
	{ { "X-Forwarded-For", 15 }, { "203.0.113.7", 11 } },
	{ { "Content-Type", 12 }, { "application/x-www-form-urlencoded", 33 } },
	{ { "X-Twilio-Signature", 18 }, { "signature", 9 } },
};

static const struct nginx_header upgrade_headers[] = {
	{ { "X-Forwarded-Proto", 17 }, { "https", 5 } },
	{ { "X-Forwarded-For", 15 }, { "203.0.113.7", 11 } },
	{ { "Connection", 10 }, { "Upgrade", 7 } },
	{ { "Upgrade", 7 }, { "websocket", 9 } },
	{ { "Cookie", 6 }, { "session=x", 9 } },
};

static const struct way {
	const char *name, *method, *target;
	const struct nginx_header *headers;
	size_t header_count;
} ways[PROXY_WAYS] = {
	[WAY_PLAY] = { "a play", "GET", "/api/calls/" CALL "/download", play_headers,
		       ARRAY_LEN(play_headers) },
	[WAY_MEDIA] = { "a play by recording", "GET", "/api/recordings/" RECORDING "/media",
			play_headers, ARRAY_LEN(play_headers) },
	[WAY_HEAD] = { "a player's HEAD", "HEAD", "/api/calls/" CALL "/download", play_headers,
		       ARRAY_LEN(play_headers) },
	[WAY_WEBHOOK] = { "Twilio's webhook", "POST", "/webhook/recording-status?account=a%20b",
			  webhook_headers, ARRAY_LEN(webhook_headers) },
	[WAY_CALL_WEBHOOK] = { "Twilio's webhook of calls", "POST", "/webhook/call-status",
			       webhook_headers, ARRAY_LEN(webhook_headers) },
	[WAY_EVENTS] = { "the WebSocket of the page", "GET", "/api/events", upgrade_headers,
			 ARRAY_LEN(upgrade_headers) },
	[WAY_LINK] = { "a link's play", "GET", "/l/Zk3_x81Qm7secret/media", play_headers,
		       ARRAY_LEN(play_headers) },
	[WAY_CALLS] = { "the list of calls", "GET", "/api/calls", play_headers,
			ARRAY_LEN(play_headers) },
	[WAY_PAGE] = { "the page", "GET", "/", play_headers, ARRAY_LEN(play_headers) },
};

/*
 * Does TLS end before this nginx?  *out_client: the address that nginx sees, unless its server takes the player's out of a
 * header, or is told it ahead of the request.
 */
static bool comes_forwarded(const struct proxy_view *view, const struct nginx_request *base,
			    struct str *out_client)
{
	const struct nginx_directive *server;
	struct nginx_listen listen;

	if (!view->is_https)
		return false;
	server = nginx_server_for(view->conf, base->address, base->port, nginx_host_of(base->host),
				  &listen);
	if (!server || listen.is_tls)
		return false;
	if (!listen.has_proxy_protocol && !nginx_in_force(server, STR("set_real_ip_from")))
		*out_client = STR(FORWARDS_FROM);
	return true;
}

static void follow(struct proxy_view *view, enum proxy_way_kind kind, struct nginx_request *base)
{
	struct proxy_way *way = &view->ways[kind];
	const struct way *row = &ways[kind];
	size_t passed_over;

	way->name = row->name;
	way->request = *base;
	passed_over = comes_forwarded(view, base, &way->request.client) ? 0 : FORWARDED_COUNT;
	way->request.method = str_of(row->method);
	way->target = xasprintf("%.*s%s", STR_ARG(view->path), row->target);
	way->request.target = str_of(way->target);
	way->arrives = str_after(way->request.target, view->path.len);
	way->request.headers = row->headers + passed_over;
	way->request.header_count = row->header_count - passed_over;
	nginx_visit_start(&way->visit, view->conf, &way->request);
	nginx_visit_follow(&way->visit);
	/* A location takes it, too: behind its set, if and rewrite, and before what it lets in and passes on. */
	if (nginx_in_force(way->visit.block, STR("set_real_ip_from")))
		way->request.client = base->client;
	if (way->visit.end == NGINX_PROXIED)
		way->is_proxied = nginx_proxied_start(&way->proxied, &way->visit);
}

static void unfollow(struct proxy_way *way)
{
	if (way->visit.end == NGINX_PROXIED)
		nginx_proxied_release(&way->proxied);
	nginx_visit_release(&way->visit);
	free(way->target);
	*way = (struct proxy_way){ 0 };
}

static bool passes_plays_on(struct proxy_view *view, struct nginx_request *base)
{
	bool passes;

	follow(view, WAY_PLAY, base);
	passes = view->ways[WAY_PLAY].is_proxied;
	unfollow(&view->ways[WAY_PLAY]);
	return passes;
}

/* A name that requests to that server have. */
static void name_of_server(const struct nginx_directive *server, struct proxy_view *view)
{
	struct str name = nginx_server_name(server);
	bool is_plain = name.len > 0 && str_find(name, '*') == name.len &&
			!str_starts(name, STR("~")) && !str_eq(name, STR("_")) &&
			!str_starts(name, STR("$"));

	str_fit(is_plain ? name : STR(GUESS), view->host, sizeof(view->host));
}

/* A configuration of many servers is not tried to its end. */
static size_t most_tried(const struct nginx_directive *http)
{
	const struct nginx_directive *server = NULL;
	size_t count = 1;

	while ((server = nginx_find(http, server, STR("server"))) != NULL)
		count++;
	return LOOKS_MAX / count > TRIED_MIN ? LOOKS_MAX / count : TRIED_MIN;
}

/* The first listen whose server passes plays on; else the first of all.  False: there is none. */
static bool find_any(struct proxy_view *view, struct nginx_request *base)
{
	const struct nginx_directive *http = nginx_http(view->conf), *server;
	struct nginx_request fallback = { 0 };
	bool names_host = view->is_guess;
	size_t tried = 0, most = most_tried(http);

	for (server = nginx_find(http, NULL, STR("server")); server && tried <= most;
	     server = nginx_find(http, server, STR("server"))) {
		struct nginx_listen listen;

		for (size_t i = 0; nginx_listen_of(server, i, &listen); i++) {
			struct nginx_request request = *base;

			if (names_host)
				name_of_server(server, view);
			request.port = listen.port;
			request.address = str_eq(listen.address, STR("*")) ? STR("")
									   : listen.address;
			request.host = str_of(view->host);
			if (!fallback.host.at)
				fallback = request;
			if (++tried > most || !passes_plays_on(view, &request))
				continue;
			view->is_https |= names_host && listen.is_tls;
			*base = request;
			return true;
		}
	}
	if (!fallback.host.at)
		return false;
	*base = fallback;
	return true;
}

static bool listens(const struct proxy_view *view, const struct nginx_request *request)
{
	struct nginx_listen listen;

	return nginx_server_for(view->conf, request->address, request->port,
				nginx_host_of(request->host), &listen) != NULL;
}

static struct str path_of(struct str target)
{
	struct str path = str_first(target, str_find(target, '?'));

	while (str_ends(path, STR("/")))
		path.len--;
	return path;
}

/* What the requests have in common. */
static bool find_base(struct proxy_view *view, const char *public_url, struct nginx_request *out)
{
	struct err err;

	view->is_guess = !public_url || !nginx_request_of_url(str_of(public_url), out, &err);
	if (view->is_guess && !nginx_request_of_url(STR("http://" GUESS "/"), out, &err))
		return false;
	view->path = path_of(out->target);
	str_fit(out->host, view->host, sizeof(view->host));
	out->host = str_of(view->host);
	view->is_https = !view->is_guess && str_starts_nocase(str_of(public_url), STR("https:"));
	if (!view->is_guess && listens(view, out))
		return true;
	view->is_behind = !view->is_guess;
	return find_any(view, out);
}

/* The shortest of all plays, unless an option gave another. */
static void note(struct proxy_limit *limit, const struct proxy_view *view, const char *name,
		 char *source, size_t size)
{
	const struct proxy_way *way = NULL;

	if (limit->source)
		return;
	while ((way = proxy_next_play(view, way)) != NULL) {
		const struct nginx_directive *found =
			nginx_in_force(way->visit.block, str_of(name));
		struct str text = nginx_word_in_force(way->visit.block, str_of(name));
		int64_t ms;

		if (!nginx_time_ms(text, &ms) || (limit->source && ms >= limit->ms))
			continue;
		if (found)
			snprintf(source, size, "%.*s:%u", STR_ARG(found->file->path), found->line);
		else
			snprintf(source, size, "nginx's own, no %s", name);
		*limit = (struct proxy_limit){ .ms = ms, .source = source };
	}
}

/* An upstream without `keepalive` ends each connection at once, and one without a block has none to keep. */
static void note_keepalive(struct proxy_limit *limit, const struct proxy_way *play, char *source,
			   size_t size)
{
	const struct nginx_directive *upstream = play->proxied.to.upstream;
	const struct nginx_directive *keeps =
		upstream ? nginx_find(upstream, NULL, STR("keepalive")) : NULL;
	const struct nginx_directive *timeout =
		keeps ? nginx_find(upstream, NULL, STR("keepalive_timeout")) : NULL;

	if (limit->source)
		return;
	limit->ms = keeps || nginx_keeps_by_itself(&play->visit) ? 60000 : 0;
	if (timeout && !nginx_time_ms(nginx_word(timeout, 1), &limit->ms))
		return;
	keeps = timeout ? timeout : keeps;
	if (keeps)
		snprintf(source, size, "%.*s:%u", STR_ARG(keeps->file->path), keeps->line);
	else
		snprintf(source, size,
			 limit->ms > 0 ? "nginx's own, no keepalive"
				       : "nginx's own: without keepalive it keeps none");
	limit->source = source;
}

struct proxy_view_sources {
	char connect[300], send[300], read[300], keepalive[300];
};

static void note_limits(struct proxy_view *view, struct proxy_limits *limits,
			struct proxy_view_sources *sources)
{
	const struct proxy_way *play = &view->ways[WAY_PLAY];

	if (!play->is_proxied)
		return;
	note(&limits->connect, view, "proxy_connect_timeout", sources->connect,
	     sizeof(sources->connect));
	note(&limits->send, view, "proxy_send_timeout", sources->send, sizeof(sources->send));
	note(&limits->read, view, "proxy_read_timeout", sources->read, sizeof(sources->read));
	note_keepalive(&limits->keepalive, play, sources->keepalive, sizeof(sources->keepalive));
}

/* One allocation: the view, and the texts that deployment->proxy borrows. */
struct opened {
	struct proxy_view view;
	struct proxy_view_sources sources;
};

/* Words that are names of directives, and hardly anything else. */
static bool is_directive_name(struct str word)
{
	return str_find(word, '_') < word.len && nginx_rule_of(word) != NULL;
}

/* Directives that have no words of their own. */
static bool stands_alone(const struct nginx_directive *directive)
{
	static const struct str names[] = {
		{ "internal", 8 }, { "break", 5 }, { "ip_hash", 7 }, { "least_conn", 10 }
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (nginx_is(directive, names[i]))
			return true;
	return false;
}

/*
 * nginx takes the next line for more words of this one, and does not start: "invalid number of arguments".  The first word is
 * what it names itself, a cache, a header; and what was taken in has words behind its name.
 */
static const struct nginx_directive *unended(const struct nginx_directive *block,
					     struct str *out_next)
{
	for (const struct nginx_directive *d = nginx_first(block); d; d = nginx_next(block, d)) {
		const struct nginx_directive *inside = d->has_block ? unended(d, out_next) : NULL;

		if (inside)
			return inside;
		for (size_t i = stands_alone(d) ? 1 : 2; i + 1 < d->word_count; i++)
			if (is_directive_name(d->words[i])) {
				*out_next = d->words[i];
				return d;
			}
	}
	return NULL;
}

static bool is_ended(struct proxy_view *view)
{
	struct str next;
	const struct nginx_directive *found = unended(nginx_conf_root(view->conf), &next);

	if (!found)
		return true;
	return err_set(&view->err, ERR_INVALID, "%.*s:%u: a \";\" is missing before %.*s",
		       STR_ARG(str_first(found->file->path, 120)), found->line,
		       STR_ARG(str_first(next, 60)));
}

static void read_view(struct deployment *deployment, struct opened *opened)
{
	struct proxy_view *view = &opened->view;
	struct nginx_conf_options options = { .path = deployment->nginx_conf };
	struct nginx_request base;

	if (!nginx_conf_read(&options, &view->conf, &view->err) || !is_ended(view)) {
		view->state = view->err.kind == ERR_INVALID ? PROXY_VIEW_BROKEN
							    : PROXY_VIEW_UNREADABLE;
		return;
	}
	view->state = PROXY_VIEW_EMPTY;
	if (!nginx_http(view->conf) ||
	    !find_base(view, deployment->places[PLACE_PUBLIC].url, &base))
		return;
	view->state = PROXY_VIEW_READ;
	for (int kind = 0; kind < PROXY_WAYS; kind++)
		follow(view, (enum proxy_way_kind)kind, &base);
	note_limits(view, &deployment->proxy, &opened->sources);
}

const struct proxy_view *proxy_view_open(struct deployment *deployment)
{
	struct opened *opened;

	if (deployment->proxy_view)
		return deployment->proxy_view;
	opened = xcalloc(1, sizeof(*opened));
	deployment->proxy_view = &opened->view;
	if (deployment->nginx_conf)
		read_view(deployment, opened);
	return deployment->proxy_view;
}

/* What was noted goes with the texts that it borrows. */
static void forget(struct proxy_limit *limit, const char *source)
{
	if (limit->source == source)
		*limit = PROXY_LIMIT_UNKNOWN;
}

static void forget_limits(struct proxy_limits *limits, const struct proxy_view_sources *sources)
{
	forget(&limits->connect, sources->connect);
	forget(&limits->send, sources->send);
	forget(&limits->read, sources->read);
	forget(&limits->keepalive, sources->keepalive);
}

void proxy_view_close(struct deployment *deployment)
{
	struct proxy_view *view = deployment->proxy_view;
	struct opened *opened;

	if (!view)
		return;
	opened = container_of(view, struct opened, view);
	forget_limits(&deployment->proxy, &opened->sources);
	for (int kind = 0; view->state == PROXY_VIEW_READ && kind < PROXY_WAYS; kind++)
		unfollow(&view->ways[kind]);
	nginx_conf_free(view->conf);
	free(opened);
	deployment->proxy_view = NULL;
}

bool proxy_way_is_forwarded(const struct proxy_way *way)
{
	return nginx_request_header(&way->request, STR("X-Forwarded-For")).at != NULL;
}

bool proxy_way_is_ours(const struct proxy_view *view, enum proxy_way_kind kind)
{
	const struct proxy_way *play = &view->ways[WAY_PLAY], *way = &view->ways[kind];

	return play->is_proxied && way->is_proxied &&
	       str_eq_nocase(play->proxied.to.host, way->proxied.to.host);
}

static bool is_new_play(const struct proxy_view *view, const enum proxy_way_kind *kinds, size_t i)
{
	if (!proxy_way_is_ours(view, kinds[i]))
		return false;
	for (size_t k = 0; k < i; k++)
		if (view->ways[kinds[k]].visit.block == view->ways[kinds[i]].visit.block)
			return false;
	return true;
}

const struct proxy_way *proxy_next_play(const struct proxy_view *view,
					const struct proxy_way *after)
{
	static const enum proxy_way_kind kinds[] = { WAY_PLAY, WAY_MEDIA, WAY_LINK };
	bool is_behind = after == NULL;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (is_behind && is_new_play(view, kinds, i))
			return &view->ways[kinds[i]];
		is_behind |= after == &view->ways[kinds[i]];
	}
	return NULL;
}
