/*
 * What nginx's configuration does with the requests that matter: one for each way that players, browsers and Twilio take.
 *
 * Its checks stand in proxycheck/proxy_checks.c.  All requests are those of public_url, below its path where it has one, which
 * nginx is to take away.  Where nothing in the configuration listens for it (TLS ends before this nginx, or nobody set
 * public_url), they go to the first server that passes plays on.  Where that has no TLS and public_url is https, they are as a
 * proxy sends them that ends it: with X-Forwarded-Proto: https, and the player's address in X-Forwarded-For.
 */
#pragma once

#include "base/err.h"
#include "nginx/nginx_proxied.h"
#include "nginx/nginx_visit.h"

#include <stdbool.h>

struct deployment;

enum proxy_way_kind {
	WAY_PLAY,
	WAY_MEDIA, /* a play by the recording's SID */
	WAY_HEAD,  /* a play's head */
	WAY_WEBHOOK,
	WAY_CALL_WEBHOOK,
	WAY_EVENTS, /* a WebSocket */
	WAY_LINK,
	WAY_CALLS,
	WAY_PAGE,
	PROXY_WAYS,
};

struct proxy_way {
	const char *name;   /* "a play" */
	char *target;       /* of the request: the path of public_url, and behind it */
	struct str arrives; /* ... what callspool is to be asked for */
	struct nginx_request request;
	struct nginx_visit visit;
	struct nginx_proxied proxied; /* where it is passed on */
	bool is_proxied;
};

enum proxy_view_state {
	PROXY_VIEW_NONE,       /* no configuration was given */
	PROXY_VIEW_UNREADABLE, /* err: it cannot be opened */
	PROXY_VIEW_BROKEN,     /* err: nginx would not start with it */
	PROXY_VIEW_EMPTY,      /* no server in it */
	PROXY_VIEW_READ,
};

struct proxy_view {
	enum proxy_view_state state;
	struct err err;
	struct nginx_conf *conf;
	char host[300];  /* of the requests, with the port that is not the scheme's own */
	struct str path; /* of public_url, without a slash at its end; borrowed */
	bool is_https;   /* outside, whatever this nginx sees */
	bool is_guess;   /* nobody set public_url */
	bool is_behind; /* nothing listens for it: something stands before this nginx, or it is another's */
	struct proxy_way ways[PROXY_WAYS];
};

/* Reads deployment->nginx_conf, once, and notes its time limits in deployment->proxy where no option has. */
const struct proxy_view *proxy_view_open(struct deployment *deployment);
void proxy_view_close(struct deployment *deployment);

/* Does TLS end before this nginx?  Then its request brings X-Forwarded-Proto and X-Forwarded-For. */
bool proxy_way_is_forwarded(const struct proxy_way *way);
/* Does it come to the same back end as a play? */
bool proxy_way_is_ours(const struct proxy_view *view, enum proxy_way_kind kind);
/*
 * The ways on which recordings are played: by call, by recording (as the page does) and by link.  The next behind `after`
 * (NULL: from the start) that comes to the same back end, and in whose block another thing may be in force than before.
 */
const struct proxy_way *proxy_next_play(const struct proxy_view *view,
					const struct proxy_way *after);
