/*
 * What fetch.c (the engine), transfer.c and transfer_hops.c (one request) share.  Nobody else includes it.
 *
 * libcurl allows neither adding nor removing nor freeing a handle from inside one of
 * its callbacks (CURLM_RECURSIVE_API_CALL), and every callback of a receiver may be
 * inside one.  So what receivers ask for is only noted on the transfer, and
 * fetch_settle() carries it out: after each call into libcurl, or in the next turn.
 *
 *	SPARE -> WAITING -> ACTIVE -> ENDED -> SPARE
 *	             \---------------^
 */
#pragma once

#include "base/list.h"
#include "event/loop.h"
#include "fetch/fetch.h"
#include "fetch/fetch_target.h"
#include "fetch/transfer.h"

#include <curl/curl.h>

struct fetch {
	struct loop *loop;
	CURLM *multi;
	CURLSH *share; /* TLS sessions, so that the second connection to a host is cheap */
	struct timer curl_timer;                   /* the one timer that libcurl asks for */
	struct timer chores;                       /* fetch_settle() in the next turn */
	struct list sockets;                       /* of struct socket_watch */
	struct list waiting, active, ended, spare; /* of struct transfer: its place is its list */
	uint32_t waiting_count, active_count, spare_count;
	bool must_resume; /* an active transfer wants to go on */

	char *proxy, *ca_file, *user_agent; /* proxy: "" for none */
	char **allowed_hosts;               /* without brackets */
	size_t allowed_count;
	int64_t connect_timeout_ms, stall_timeout_ms;
	uint64_t stall_bytes_per_s;
	uint32_t max_transfers;
};

enum transfer_place {
	TRANSFER_SPARE,   /* in the pool; keeps its easy handle */
	TRANSFER_WAITING, /* for its turn */
	TRANSFER_ACTIVE,  /* known to libcurl, or between two hops */
	TRANSFER_ENDED,   /* cancelled, or told its end; receiver is NULL; to be taken back */
};

#define STALL_PULSES 8 /* the stall limit is looked at so many times in its length */

struct transfer {
	struct fetch *fetch;
	struct list link;
	enum transfer_place place;
	CURL *easy;
	bool is_added;                      /* to the multi handle */
	struct transfer_receiver *receiver; /* NULL: no callback any more */

	/* what is asked */
	enum transfer_method method;
	struct fetch_target target;
	struct fetch_target auth_for;
	char *authorization;            /* "Authorization: Basic ..."; NULL: none */
	struct curl_slist *own_headers; /* the caller's, for the first origin */
	struct curl_slist *any_headers; /* for every hop: Range and the like */
	struct curl_slist *sent_headers;
	char *body;
	size_t body_len;
	bool upgrade_to_https, is_abroad; /* abroad: a redirect has left the first origin */
	int64_t time_limit_ms;

	/* how it goes */
	struct transfer_head head;
	bool is_head_told, is_stopped, is_paused, is_curl_paused, is_redirect;
	bool is_refused;  /* the guard refused an address for this hop */
	bool is_tried;    /* another address of the same host was not refused */
	char refused[96]; /* and which */
	uint64_t bytes, dropped_bytes;
	uint32_t redirects;
	int64_t asked_at_ms, head_at_ms; /* monotonic */
	struct timer pulse, deadline;
	uint64_t samples[STALL_PULSES]; /* progress at the last pulses */
	uint32_t pulses;
	char curl_text[CURL_ERROR_SIZE];
};

/* ---- fetch.c ---- */

void fetch_settle_soon(struct fetch *fetch);
/* Moves it to the list of its new place; the only function that does. */
void fetch_place(struct transfer *transfer, enum transfer_place place);
/* An object from the pool, or a new one; on no list yet. */
struct transfer *fetch_take_spare(struct fetch *fetch);
/* May a connection be opened to an address of this kind for this host? */
bool fetch_allows_host(const struct fetch *fetch, const char *host);

/* ---- transfer.c: what the caller asks for ---- */

/* Forgets what it was for; keeps the easy handle.  Outside of libcurl's callbacks. */
void transfer_clear(struct transfer *transfer);

/* ---- transfer_hops.c: how it goes; all of it outside of libcurl's callbacks ---- */

/* Its turn has come / libcurl is through with it. */
void transfer_begin(struct transfer *transfer);
void transfer_done(struct transfer *transfer, CURLcode code);
/* Lets libcurl go on with a paused one. */
void transfer_go_on(struct transfer *transfer);
/* Stops its timers, and takes it away from libcurl. */
void transfer_leave(struct transfer *transfer);
/* Appends a copy. */
void transfer_add_line(struct curl_slist **list, const char *line);
/* The stall limit runs from now; anywhere. */
void transfer_pulse(struct transfer *transfer);
