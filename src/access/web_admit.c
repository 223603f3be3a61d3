#include "access/web_admit.h"

#include "access/cookie.h"
#include "access/proxy_identity.h"
#include "access/web_refusal.h"
#include "api/forwarded.h"
#include "api/web.h"
#include "api/web_error.h"
#include "api/web_host.h"
#include "auth/admission.h"
#include "auth/credential.h"
#include "auth/origin.h"
#include "auth/throttle.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/network.h"
#include "event/loop.h"
#include "http/reply.h"
#include "twilio/sid.h"
#include "websocket/websocket_handshake.h"

#include <stdatomic.h>
#include <stdlib.h>

#define HOST_WARN_MS 60000 /* 1,440 lines a day while somebody asks */

_Static_assert(sizeof(struct web_caller) <= EXCHANGE_CALLER_MAX, "a caller fits its exchange");

#define SHOWN_SIZE WEB_CALLER_NAME_SIZE
_Static_assert(SHOWN_SIZE >= PROXY_IDENTITY_SIZE, "a proxy's user fits");
_Static_assert(SHOWN_SIZE > SID_LEN + sizeof(":" CREDENTIAL_PREFIX) + CREDENTIAL_LEN,
	       "user and password of Basic fit");

/* What a request shows. */
struct shown {
	enum known_source source;
	struct str text;      /* at == NULL: nothing */
	bool is_ambient;      /* the browser adds it by itself */
	bool is_wrong;        /* of another form: whoever shows it is nobody */
	enum web_error error; /* with `why`, what a wrong one is told */
	const char *why;      /* NULL: as one that nobody knows */
	char room[SHOWN_SIZE];
};

/* A session's cookie, in its exchange until somebody is admitted: what web_expect() found is not looked for twice. */
struct sight {
	struct str cookie;
	struct admission_sight of;
};
_Static_assert(sizeof(struct sight) != sizeof(struct web_caller), "neither is taken for the other");

/* One exchange whose caller a reader looks up. */
struct waiting {
	struct parked parked;
	struct admission_waiter waiter;
	struct exchange *x;
	bool is_ambient;
};

/* ---- refusing ---- */

static bool refuse(struct exchange *x, enum web_error error, const char *text,
		   int64_t retry_after_s)
{
	web_refuse(x, error, text, retry_after_s);
	return false;
}

/* An address of Twilio's form. */
static bool is_basic(enum web_access access)
{
	return access == WEB_BASIC_PLAY || access == WEB_BASIC_READ;
}

static bool refuse_unknown(struct exchange *x)
{
	if (is_basic((enum web_access)x->route->access))
		return refuse(x, WEB_UNAUTHENTICATED,
			      "Authenticate: the account SID, or a token's name, and the token.",
			      WEB_NO_RETRY);
	if (x->route->access == WEB_LINK)
		return refuse(x, WEB_LINK_NOT_FOUND, NULL, WEB_NO_RETRY);
	return refuse(x, WEB_UNAUTHENTICATED, NULL, WEB_NO_RETRY);
}

static bool refuse_throttled(struct exchange *x, enum web_limit limit, int64_t wait_ms)
{
	web_refuse_throttled(x, limit, NULL, wait_ms);
	return false;
}

static bool refuse_forbidden(struct exchange *x, enum web_error error, const char *text)
{
	web_refuse_forbidden(x, error, text);
	return false;
}

/* ---- whose page asks ---- */

/* Where the value of a header that browsers alone send goes; NULL for the others. */
static struct str *place_of(struct origin_request *asked, struct str name)
{
	const struct {
		struct str name;
		struct str *place;
	} places[] = {
		{ STR("Origin"), &asked->origin },
		{ STR("Sec-Fetch-Site"), &asked->site },
		{ STR("Sec-Fetch-Mode"), &asked->mode },
		{ STR("Sec-Fetch-Dest"), &asked->dest },
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (str_eq_nocase(name, places[i].name))
			return places[i].place;
	return NULL;
}

/* Each may be there once. */
static void read_browser_lines(const struct http_request *request, struct origin_request *asked)
{
	for (uint32_t i = 0; i < request->header_count; i++) {
		struct str *place = place_of(asked, request->headers[i].name);

		if (!place)
			continue;
		asked->is_doubled |= place->at != NULL;
		*place = request->headers[i].value;
	}
}

static bool is_own_page(const struct exchange *x)
{
	const struct http_request *request = &x->request;
	bool is_websocket = request->known[HTTP_UPGRADE].at && websocket_is_wanted(request);
	bool is_reading = request->method == HTTP_GET || request->method == HTTP_HEAD;
	/* What a WebSocket reads goes on, and it can be written to. */
	struct origin_request asked = { .is_reading = is_reading && !is_websocket,
					.is_websocket = is_websocket };
	char url_text[ORIGIN_MAX + 64], own_text[ORIGIN_MAX];
	struct buf url, own;

	/* No browser, or one of before 2020 that reads: the usual way of players. */
	if (!is_websocket && !request->known[HTTP_ORIGIN].at &&
	    !request->known[HTTP_SEC_FETCH_SITE].at)
		return true;
	read_browser_lines(request, &asked);
	buf_over(&url, url_text, sizeof(url_text));
	buf_over(&own, own_text, sizeof(own_text));
	forwarded_add_origin(x, &url);
	if (!buf_ok(&url) || !origin_of_url(buf_str(&url), &own))
		buf_clear(&own);
	return origin_is_admitted(&asked, buf_str(&own),
				  web_local_of(x)->web->options.cors_origins);
}

/* ---- what is shown ---- */

static void take_bearer(struct str header, struct shown *out)
{
	out->source = KNOWN_BEARER;
	out->text = STR("");
	out->is_wrong = !str_starts_nocase(header, STR("Bearer ")) ||
			!credential_of_token(str_trim(str_after(header, 7)), &out->text);
}

/* user: an account, as Twilio's clients have it, or the token's name.  *out is a slice of `room`. */
static bool token_of_basic(struct str header, char *room, size_t size, struct str *out)
{
	struct str both = { .at = room }, user;
	size_t colon;

	if (!str_starts_nocase(header, STR("Basic ")) ||
	    !base64_decode(str_trim(str_after(header, 6)), (uint8_t *)room, size, &both.len))
		return false;
	colon = str_find(both, ':');
	user = str_first(both, colon);
	return credential_of_token(str_after(both, colon + 1), out) &&
	       (sid_is_account(user) || str_eq(user, credential_name(*out)));
}

/* A browser that was told the token once sends it to whoever names the address. */
static void take_basic(struct exchange *x, struct shown *out)
{
	struct str authorization = x->request.known[HTTP_AUTHORIZATION];

	if (!authorization.at)
		return;
	if (str_starts_nocase(authorization, STR("Bearer"))) {
		take_bearer(authorization, out);
		return;
	}
	out->source = KNOWN_BASIC;
	out->is_ambient = true;
	out->text = STR("");
	out->is_wrong = !token_of_basic(authorization, out->room, sizeof(out->room), &out->text);
}

static void take_link(const struct exchange *x, struct shown *out)
{
	struct str name = x->request.params[0], visit;
	struct buf both;

	if (name.len > CREDENTIAL_NAME_LEN) {
		out->source = KNOWN_LINK;
		out->text = name;
		return;
	}
	out->source = KNOWN_LINK_VISIT;
	out->is_ambient = true;
	visit = cookie_of(x, COOKIE_LINK);
	if (!visit.at)
		return;
	/* The visit of one link opens no other. */
	buf_over(&both, out->room, sizeof(out->room));
	buf_add_str(&both, name);
	buf_add_str(&both, visit);
	out->is_wrong = !buf_ok(&both);
	out->text = buf_str(&both);
}

static void wrong(struct shown *out, enum web_error error, const char *why)
{
	out->is_wrong = true;
	out->error = error;
	out->why = why;
}

static void take_proxy(struct exchange *x, struct shown *out)
{
	out->source = KNOWN_PROXY;
	out->is_ambient = true;
	switch (proxy_identity_read(x, out->room, &out->text)) {
	case PROXY_IDENTITY_NONE:
		out->text = STR_NONE;
		return;
	case PROXY_IDENTITY_NAMED:
		return;
	case PROXY_IDENTITY_DOUBLED:
		wrong(out, WEB_BAD_REQUEST,
		      "A header of the proxy that names the user comes twice.");
		return;
	case PROXY_IDENTITY_REFUSED:
		wrong(out, WEB_FORBIDDEN, "The user whom the proxy names may not use this.");
		return;
	case PROXY_IDENTITY_TESTED:
		wrong(out, WEB_FORBIDDEN, "A user header that callspool doctor sent arrived here.");
		return;
	}
}

/* NULL: web_expect() found no cookie of a session, or was not asked. */
static const struct sight *sight_of(const struct exchange *x)
{
	return exchange_caller(x, sizeof(struct sight));
}

/* Where their first play stands, if it can: they keep it wherever they are known, and when they are not for a moment. */
static unsigned near_of(const uint64_t tag[2])
{
	return (unsigned)(tag[0] % OPEN_PLAYS_PLACES);
}

void web_expect(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	struct sight sight;

	sight.cookie = cookie_of(x, COOKIE_SESSION);
	if (!sight.cookie.at)
		return;
	admission_expect(local->admission, KNOWN_COOKIE, sight.cookie, &sight.of);
	open_plays_expect(local->plays, near_of(sight.of.tag));
	exchange_set_caller(x, &sight, sizeof(sight));
}

static void look_at(struct exchange *x, struct shown *out)
{
	const struct auth *auth = web_local_of(x)->web->auth;
	struct str authorization = x->request.known[HTTP_AUTHORIZATION];
	const struct sight *sight = sight_of(x);

	out->text = STR_NONE;
	out->is_ambient = out->is_wrong = false;
	out->why = NULL;
	if (x->route->access == WEB_LINK) {
		take_link(x, out);
	} else if (is_basic((enum web_access)x->route->access)) {
		take_basic(x, out);
	} else if (authorization.at && str_starts_nocase(authorization, STR("Bearer"))) {
		take_bearer(authorization, out);
	} else if (auth->options.mode == AUTH_PROXY) {
		take_proxy(x, out);
	} else {
		out->source = KNOWN_COOKIE;
		out->text = sight ? sight->cookie : cookie_of(x, COOKIE_SESSION);
		out->is_ambient = true;
	}
}

/* ---- may they? ---- */

static uint16_t right_of(enum web_access access)
{
	switch (access) {
	case WEB_PLAY:
	case WEB_LINK:
	case WEB_BASIC_PLAY:
		return RIGHT_PLAY;
	case WEB_READ:
	case WEB_BASIC_READ:
		return RIGHT_READ;
	case WEB_MAKE_LINK:
		return RIGHT_LINK;
	case WEB_CHANGE:
		return RIGHT_CHANGE;
	case WEB_STATUS:
		return RIGHT_STATUS;
	case WEB_ADMIN:
		return RIGHT_ADMIN;
	case WEB_CLOSED:
	case WEB_ANYONE:
	case WEB_PROVIDER:
	case WEB_VISITOR:
	case WEB_SIGNED_IN:
	case WEB_LOCAL:
	case WEB_PEER:
		break;
	}
	return 0;
}

/* Somebody is known: the page that asks, then the right. */
static bool decide(struct exchange *x, const struct known *known, bool is_ambient)
{
	struct web_caller caller = { .known = *known };
	uint16_t right = right_of((enum web_access)x->route->access);

	exchange_set_caller(x, &caller, sizeof(caller)); /* the audit names who is refused, too */
	if (is_ambient && !is_own_page(x))
		return refuse_forbidden(x, WEB_FOREIGN_ORIGIN, NULL);
	if (right != 0 && !(known->rights & right))
		return refuse_forbidden(x, WEB_FORBIDDEN, NULL);
	return true;
}

/* Nobody is known. */
static bool decide_nobody(struct exchange *x)
{
	bool is_reading = x->request.method == HTTP_GET || x->request.method == HTTP_HEAD;

	if (x->route->access != WEB_VISITOR)
		return refuse_unknown(x);
	/* Whoever signs somebody in from a page of theirs would have them play under another name. */
	if (!is_reading && !is_own_page(x))
		return refuse_forbidden(x, WEB_FOREIGN_ORIGIN, NULL);
	return true;
}

/* Without sign-in, or over the administrator's socket: everybody may all, but for the right of a link. */
static bool decide_everybody(struct exchange *x)
{
	struct web_caller caller = { .known = { .rights = RIGHTS_ALL }, .is_everybody = true };

	exchange_set_caller(x, &caller, sizeof(caller));
	return true;
}

/*
 * A proxy that sends a name of its own as Host gets 403 for everything.  One line a minute: a page of a
 * stranger can ask for thousands a second.
 */
static void warn_of_host(struct exchange *x, struct str host)
{
	struct web *web = web_local_of(x)->web;
	struct log_tag tag = web_request_tag(x);
	int64_t now_ms = clock_monotonic_ms();
	int64_t last_ms = atomic_load_explicit(&web->host_warned_at_ms, memory_order_relaxed);

	if (last_ms != 0 && now_ms - last_ms < HOST_WARN_MS)
		return;
	if (atomic_compare_exchange_strong(&web->host_warned_at_ms, &last_ms, now_ms))
		log_warn(&tag,
			 "%s is answered 403 because its Host is %.*s: behind nginx write "
			 "\"proxy_set_header Host $host;\", and set public_url to the address that "
			 "players use",
			 x->peer, STR_ARG(host));
}

/* Players send the same Host again and again: the last one that was ours needs no second look. */
static bool host_is_own(struct exchange *x, struct str host)
{
	struct web_local *local = web_local_of(x);

	if (str_eq(host, str_first((struct str){ local->own_host, sizeof(local->own_host) },
				   local->own_host_len)))
		return true;
	if (!web_host_is_own(host, local->web->options.public_url))
		return false;
	if (host.len > 0 && host.len <= sizeof(local->own_host)) {
		memcpy(local->own_host, host.at, host.len);
		local->own_host_len = host.len;
	}
	return true;
}

static bool admit_without_sign_in(struct exchange *x)
{
	struct str host = x->request.known[HTTP_HOST];

	/*
	 * Only listening on loopback keeps strangers out.  A page of theirs can still send requests here
	 * through the listener's own browser (DNS rebinding), but then Host has their name.  A request
	 * without Host (HTTP/1.0) is from no browser.
	 */
	if (host.at && !host_is_own(x, host)) {
		warn_of_host(x, host);
		return refuse_forbidden(
			x, WEB_FORBIDDEN,
			"With auth = none this is answered only under an IP address, localhost, or "
			"the host of public_url.");
	}
	if (!is_own_page(x))
		return refuse_forbidden(x, WEB_FOREIGN_ORIGIN, NULL);
	return decide_everybody(x);
}

/* ---- a reader looks it up ---- */

static void answered(struct admission_waiter *waiter, enum admission_result result,
		     const struct known *entry, int64_t wait_ms)
{
	struct waiting *waiting = container_of(waiter, struct waiting, waiter);
	struct exchange *x = waiting->x;
	bool is_ambient = waiting->is_ambient, is_admitted = false;

	free(waiting);
	switch (result) {
	case ADMISSION_KNOWN:
		is_admitted = decide(x, entry, is_ambient);
		break;
	case ADMISSION_NOBODY:
		is_admitted = decide_nobody(x);
		break;
	case ADMISSION_THROTTLED:
		refuse_throttled(x, LIMIT_UNKNOWN, wait_ms);
		break;
	case ADMISSION_BUSY:
		web_refuse(x, WEB_OVERLOADED, "The ledger does not answer just now.", WEB_NO_RETRY);
		break;
	case ADMISSION_FAILED:
		web_refuse(x, WEB_INTERNAL, NULL, WEB_NO_RETRY);
		break;
	}
	if (is_admitted)
		exchange_admit(x);
}

static void gone(struct parked *parked)
{
	struct waiting *waiting = container_of(parked, struct waiting, parked);

	admission_leave(&waiting->waiter);
	free(waiting);
}

static bool ask(struct exchange *x, const struct shown *shown)
{
	struct web_local *local = web_local_of(x);
	struct waiting *waiting = xcalloc(1, sizeof(*waiting));
	char network[NETWORK_TEXT_SIZE];
	enum admission_result result;
	int64_t wait_ms = 0;

	*waiting = (struct waiting){ .parked = { .gone = gone },
				     .waiter = { .answered = answered },
				     .x = x,
				     .is_ambient = shown->is_ambient };
	network_of_address(forwarded_client(x), 64, network);
	if (!admission_ask(local->admission, shown->source, shown->text, str_of(network),
			   &waiting->waiter, &result, &wait_ms)) {
		exchange_park(x, &waiting->parked);
		return false;
	}
	free(waiting);
	if (result == ADMISSION_THROTTLED)
		return refuse_throttled(x, LIMIT_UNKNOWN, wait_ms);
	return decide_nobody(x);
}

bool web_admit(struct exchange *x)
{
	struct web_local *local = web_local_of(x);
	enum web_access access = (enum web_access)x->route->access;
	const struct known *known;
	struct shown shown;
	struct admission_sight sight;
	const struct sight *expected;

	if (access == WEB_CLOSED) /* http refuses it before; never open by mistake */
		return refuse(x, WEB_FORBIDDEN, NULL, WEB_NO_RETRY);
	if (access == WEB_ANYONE || access == WEB_PROVIDER)
		return true;
	if (x->over_admin)
		return decide_everybody(x);
	if (access ==
	    WEB_LOCAL) /* no right that can be given away is enough to start programs here */
		return refuse_forbidden(x, WEB_FORBIDDEN,
					"This is answered over the administrator's socket alone.");
	if (local->web->auth->options.mode == AUTH_NONE && access != WEB_LINK)
		return admit_without_sign_in(x);
	look_at(x, &shown);
	if (shown.is_wrong && shown.why && shown.error == WEB_FORBIDDEN)
		return refuse_forbidden(x, shown.error, shown.why);
	if (shown.is_wrong && shown.why)
		return refuse(x, shown.error, shown.why, WEB_NO_RETRY);
	if (shown.is_wrong)
		return refuse_unknown(x);
	if (!shown.text.at)
		return decide_nobody(x);
	expected = sight_of(x);
	if (shown.source == KNOWN_COOKIE && expected)
		sight = expected->of;
	else
		admission_expect(local->admission, shown.source, shown.text, &sight);
	known = admission_look(local->admission, &sight);
	if (!known)
		return ask(x, &shown);
	return known->kind == 0 ? decide_nobody(x) : decide(x, known, shown.is_ambient);
}

/* ---- who it was ---- */

struct str web_acts_for(const struct exchange *x)
{
	const struct web_caller *caller = web_caller_of(x);

	if (!caller ||
	    (caller->known.source != KNOWN_BEARER && caller->known.source != KNOWN_BASIC))
		return STR_NONE;
	return http_request_header(&x->request, STR("Callspool-For"));
}

/* The public name of the session or token that the request shows; "": it shows none. */
static struct str credential_shown(const struct exchange *x, const struct known *known,
				   char room[WEB_CALLER_NAME_SIZE])
{
	struct str authorization = x->request.known[HTTP_AUTHORIZATION], text = STR_NONE;

	if (known->source == KNOWN_BEARER &&
	    !credential_of_token(str_trim(str_after(authorization, 7)), &text))
		return STR("");
	if (known->source == KNOWN_BASIC &&
	    !token_of_basic(authorization, room, WEB_CALLER_NAME_SIZE, &text))
		return STR("");
	if (known->source == KNOWN_COOKIE)
		text = cookie_of(x, COOKIE_SESSION);
	return credential_is_well_formed(text) ? credential_name(text) : STR("");
}

struct str web_caller_name(const struct exchange *x, char room[WEB_CALLER_NAME_SIZE])
{
	const struct auth *auth = web_local_of(x)->web->auth;
	const struct web_caller *caller = web_caller_of(x);

	if (!caller || caller->is_everybody)
		return STR("");
	if (caller->known.source == KNOWN_PROXY)
		return http_request_header(&x->request, str_of(auth->options.user_header));
	return credential_shown(x, &caller->known, room);
}

void web_actor_of(const struct exchange *x, struct auth_actor *out)
{
	const struct web_caller *caller = web_caller_of(x);
	char room[WEB_CALLER_NAME_SIZE];

	*out = (struct auth_actor){ .user_id = 0 };
	str_fit(forwarded_client(x), out->address, sizeof(out->address));
	if (!caller)
		return;
	out->user_id = (int64_t)caller->known.user_id;
	str_fit(credential_shown(x, &caller->known, room), out->credential,
		sizeof(out->credential));
	out->rights = caller->known.rights;
	str_fit(web_acts_for(x), out->for_user, sizeof(out->for_user));
}

bool web_query_has(const struct exchange *x, struct str wanted)
{
	struct str rest = x->request.query, piece;

	while (rest.at && str_cut(&rest, '&', &piece))
		if (str_eq(piece, wanted))
			return true;
	return false;
}

bool web_is_download(const struct exchange *x)
{
	return web_query_has(x, STR("download=1"));
}

/* Who plays; their address, which costs a look at the proxies, is found where one begins. */
static void play_request_of(const struct exchange *x, const char *recording_sid,
			    struct play_request *out)
{
	const struct web_caller *caller = web_caller_of(x);

	*out = (struct play_request){ .for_user = web_acts_for(x),
				      .recording_sid = recording_sid,
				      .is_download = web_is_download(x) };
	if (!caller || caller->is_everybody)
		return;
	out->user_id = caller->known.user_id;
	out->credential_id = caller->known.credential_id;
	/* A token may come by Basic, too, and then stands elsewhere. */
	if (caller->known.source == KNOWN_COOKIE)
		out->near = near_of(caller->known.tag) + 1;
}

void web_play_request(const struct exchange *x, const char *recording_sid, struct play_request *out)
{
	play_request_of(x, recording_sid, out);
	out->address = forwarded_client(x);
}

bool web_is_playing(const struct exchange *x, const char *recording_sid)
{
	struct play_request request;

	play_request_of(x, recording_sid, &request);
	return open_plays_is_on(web_local_of(x)->plays, &request);
}

/* Its token goes through a proxy that is being examined: it opens no other recording. */
static bool doctor_may_play(const struct known *known, const char *recording_sid)
{
	uint8_t sid[KNOWN_SID_BYTES];

	return hex_decode(str_after(str_of(recording_sid), 2), sid, sizeof(sid)) &&
	       memcmp(sid, known->sid, sizeof(sid)) == 0;
}

bool web_may_play(struct exchange *x, const char *recording_sid)
{
	const struct web_caller *caller = web_caller_of(x);
	struct web_local *local = web_local_of(x);
	struct play_request request;
	int64_t wait_ms = 0;
	uint64_t key;

	play_request_of(x, recording_sid, &request);
	if (caller && caller->known.kind == CREDENTIAL_DOCTOR) {
		if (!doctor_may_play(&caller->known, recording_sid))
			return refuse_forbidden(x, WEB_FORBIDDEN, NULL);
		x->source = PLAY_SOURCE_PROBE;
	}
	switch (open_plays_look(local->plays, &request, &key)) {
	case OPEN_PLAY_NEW:
		if (!auth_may_begin_play(local->web->auth, request.user_id, recording_sid,
					 loop_now_ms(local->loop), &wait_ms))
			return refuse_throttled(x, LIMIT_PLAYS, wait_ms);
		request.address = forwarded_client(x);
		open_plays_begin(local->plays, &request, key);
		break;
	case OPEN_PLAY_ON:
		break;
	case OPEN_PLAY_UNRECORDED:
		return refuse(x, WEB_OVERLOADED, "The audit cannot be written just now.",
			      WEB_NO_RETRY);
	}
	x->ticket = key;
	return true;
}
