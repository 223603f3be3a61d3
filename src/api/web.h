/*
 * The state that request handlers work with: struct web is shared by all serving loops and
 * read-only once they run; each loop has a struct web_local of its own.
 */
#pragma once

#include "api/web_counts.h"
#include "api/web_options.h"
#include "api/webhook_counts.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/list.h"
#include "base/own.h"
#include "http/exchange.h"
#include "http/http_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct access_lines;
struct access_log;
struct accounts;
struct arriving_table;
struct admission;
struct auth;
struct blob_store;
struct canary;
struct disk_trend;
struct ledger;
struct line_pairs;
struct live_hub;
struct loop_times;
struct media_cache;
struct mailbox;
struct migration;
struct mirrors;
struct notifier;
struct open_plays;
struct probes;
struct purge_env;
struct retention;
struct reserve;
struct successor;
struct verifier;
struct fetcher;
struct keeper;
struct vault;

/* Of the options, what changes while the loops run (SIGHUP): read here, and not in web.options. */
struct web_live {
	_Atomic int64_t play_wait_ms;
	_Atomic uint64_t min_free_bytes;
};

/* The pointers are borrowed: what they point to outlives this. */
struct web {
	struct web_options options;
	struct web_live live; /* web_change() */
	const struct retention *retention;
	const struct purge_env *purge;
	struct ledger *ledger;
	struct fetcher *fetcher;
	struct verifier *verifier;
	struct arriving_table *arriving; /* what is on its way here; NULL: nothing is fetched */
	struct blob_store *store;
	struct vault *vault;   /* private keys */
	struct keeper *keeper; /* NULL: nothing is done later in this process */
	const struct reserve *reserve;
	const struct accounts *accounts;
	struct auth *auth;
	struct probes *probes;       /* what the doctor plays; NULL: nothing */
	struct canary *canary;       /* NULL: this process does not examine itself */
	struct successor *successor; /* NULL: this process cannot be upgraded */
	struct migration *migration; /* NULL: nothing is moved from here */
	struct disk_trend *disk_trend;
	struct notifier *notifier; /* NULL: nobody is to be told of changes */
	const char *
		own_url; /* where we listen: what a link begins with that the administrator's socket made */
	struct access_log *access_log; /* NULL: none is wanted */
	struct webhook_counters webhooks;
	struct list locals; /* all of struct web_local; changed while no loop runs */
	const struct loop_times *keeping_times; /* of the keeping loop */
	struct http_app app;
	struct http_app peer_app;              /* where peer_token is set */
	const char *peer_token;                /* what other processes show; NULL: none asks */
	int64_t started_at_ms;                 /* wall clock */
	_Atomic int64_t stranger_warned_at_ms; /* monotonic: proxy_identity.c */
	_Atomic int64_t host_warned_at_ms;     /* monotonic: web_admit.c */
	_Atomic bool long_address_told;        /* media_redirect.c */
};

struct web_local {
	struct http_local local;
	struct web *web;
	struct list link; /* of web->locals */
	struct loop *loop;
	struct mailbox *mailbox;
	struct media_cache *media_cache;
	struct mirrors *mirrors;
	struct mirrors *peer_mirrors; /* NULL: no other process asks */
	struct line_pairs *pairs;     /* of who is known, and of what they play: */
	struct admission *admission;
	struct open_plays *plays;
	struct webhook_counter *webhooks;
	struct access_lines *access_lines; /* NULL: as above */
	struct live_hub *hub;              /* who is told of changes */
	struct list waveforms; /* web_waveform.c: whose file is read, first, and who waits for it */
	char own_host[64];     /* web_admit.c: the last Host that was ours, without sign-in */
	size_t own_host_len;
	const struct http_server *http; /* NULL until it is open */
	struct web_counts counts;
};

/* The state of the loop that serves this exchange. */
static inline struct web_local *web_local_of(const struct exchange *x)
{
	return container_of(x->server->local, struct web_local, local);
}

/* Who may call a route (web_admit.h).  One that names nothing is closed to all. */
enum web_access {
	WEB_CLOSED = HTTP_CLOSED,
	WEB_ANYONE,    /* says nothing of anybody: health, the page's own files */
	WEB_PROVIDER,  /* proves itself by its signature */
	WEB_VISITOR,   /* anybody; who they are is found out where it can be */
	WEB_SIGNED_IN, /* whoever is known */
	WEB_LINK,      /* the holder of the link in the address */
	WEB_LOCAL,     /* whoever comes over the administrator's socket */
	/* whoever has the right (auth/rights.h) */
	WEB_PLAY,
	WEB_READ,
	WEB_MAKE_LINK,
	WEB_CHANGE,
	WEB_STATUS,
	WEB_ADMIN,
	/* the same, of who shows a token as Twilio's clients show theirs: by Basic, or by Bearer; nothing else counts */
	WEB_BASIC_PLAY,
	WEB_BASIC_READ,
	WEB_PEER, /* other processes, on their own listener alone (play/peer_play.h) */
};
