/*
 * Who is this caller, and may they call this route?  Asked when the head is read, before a byte of the body.
 *
 *	route -> (everybody, or the provider: go) -> Host -> what is shown -> known? -> whose page asks -> right
 *
 * What is shown is one thing: Authorization if it is there, else the cookie or the proxy's header; on addresses of
 * links the link; on those of Twilio's form a token, by Basic or by Bearer.  A wrong token is never made good by a cookie beside it.
 */
#pragma once

#include "audit/open_plays.h"
#include "auth/auth.h"
#include "auth/known.h"
#include "http/exchange.h"

#include <stdbool.h>

/* Who an admitted exchange is of; in the exchange, see web_caller_of(). */
struct web_caller {
	struct known known; /* kind 0: nobody in particular */
	bool is_everybody;  /* auth = none, or the administrator's socket: all rights, no name */
};

/* http_app.expect */
void web_expect(struct exchange *x);
/* http_app.admit */
bool web_admit(struct exchange *x);

/* NULL: nobody is known, and the route is one for visitors. */
static inline const struct web_caller *web_caller_of(const struct exchange *x)
{
	return exchange_caller(x, sizeof(struct web_caller));
}
/*
 * How the access log calls them: by the public name of the session or token, or as the proxy does that signed them
 * in; "": nobody is known.  A slice of the request, or of `room`.
 */
#define WEB_CALLER_NAME_SIZE 128
struct str web_caller_name(const struct exchange *x, char room[WEB_CALLER_NAME_SIZE]);
/* The same for the audit; zeros for nobody. */
void web_actor_of(const struct exchange *x, struct auth_actor *out);

/* The name in a Callspool-For header, which counts with tokens alone; "" for none. */
struct str web_acts_for(const struct exchange *x);
/* Refuses by itself where a play may not begin; else x->ticket is its key in open_plays.h. */
bool web_may_play(struct exchange *x, const char *recording_sid);
/* Is `name=value` one of its query, as it is written? */
bool web_query_has(const struct exchange *x, struct str wanted);
/* `?download=1`: it is saved, not heard. */
bool web_is_download(const struct exchange *x);
/* Who plays, as the audit calls them: slices of the request. */
void web_play_request(const struct exchange *x, const char *recording_sid,
		      struct play_request *out);
/* Has some of it been sent to the same caller a moment ago, to be heard or saved as now? */
bool web_is_playing(const struct exchange *x, const char *recording_sid);
