/*
 * What a fetch and its transfers are, and the steps that all who work on them share.  The
 * files of one transfer build on it, each calling only those named before it:
 *
 *	fetch_state.c      the lists and the pool; a transfer held, left, cleared
 *	transfer_end.c     a transfer is over: libcurl said so, or it was too slow
 *	transfer_answer.c  the answer as it comes, and the sockets: what libcurl calls
 *	transfer_hops.c    one hop after the other
 *	fetch.c            libcurl on the loop; whose turn it is
 *	transfer.c         what the caller asks for; beside fetch.c, and needs only the first two
 *
 * libcurl allows neither adding nor removing nor freeing a handle from inside one of
 * its callbacks (CURLM_RECURSIVE_API_CALL), and every callback of a receiver may be
 * inside one.  So what receivers ask for is only noted on the transfer, and
 * fetch.c carries it out: after each call into libcurl, or in the next turn.
 *
 *	SPARE -> WAITING -> ACTIVE -> ENDED -> SPARE
 *	             \---------------^
 */
#pragma once

#include "base/list.h"
#include "event/loop.h"
#include "fetch/fetch_target.h"
#include "fetch/transfer_receiver.h"
#include "fetch/transfer_request.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch {
	struct loop *loop;
	CURLM *multi;
	CURLSH *share; /* TLS sessions, so that the second connection to a host is cheap */
	struct timer curl_timer;                   /* the one timer that libcurl asks for */
	struct timer chores;                       /* what is left to do, in the next turn */
	void (*chores_due)(struct timer *timer);   /* fetch.c's */
	struct list sockets;                       /* of struct socket_watch */
	struct list waiting, active, ended, spare; /* of struct transfer: its place is its list */
	uint32_t waiting_count, active_count, spare_count;
	bool must_stop; /* the receiver of an active one had enough, outside of libcurl */

	/* The body of one transfer, as far as it came within one call into libcurl. */
	struct transfer *gathering; /* NULL: nothing */
	size_t gathered_len;
	char gathered[TRANSFER_PIECE_MAX];

	char *proxy, *ca_file, *user_agent; /* proxy: "" for none */
	char **allowed_hosts;               /* without brackets */
	size_t allowed_count;
	bool allows_all;
	int64_t connect_timeout_ms, stall_timeout_ms;
	uint64_t stall_bytes_per_s;
	uint32_t max_transfers, max_per_origin;
	struct date_listener *dates; /* NULL: nobody listens */
};

/* One of libcurl's sockets.  The descriptor is libcurl's. */
struct socket_watch {
	struct watch watch;
	struct list link;
	struct reap reap;
	struct fetch *fetch;
	CURL *easy;
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
	bool has_file;
	struct transfer_file file;        /* has_file: in place of body */
	uint64_t file_at;                 /* the next byte of it */
	bool upgrade_to_https, is_abroad; /* abroad: a redirect has left the first origin */
	int64_t time_limit_ms;

	/* how it goes */
	struct transfer_head head;
	bool is_head_told, is_stopped, is_redirect;
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

/* What was noted is carried out in the next turn. */
void fetch_settle_soon(struct fetch *fetch);
/* Moves it to the list of its new place; the only function that does. */
void fetch_place(struct transfer *transfer, enum transfer_place place);
/* An object from the pool, or a new one; SPARE, and stays on its list until it is placed. */
struct transfer *fetch_take_spare(struct fetch *fetch);
/* May a connection be opened to an address of this kind for this host? */
bool fetch_allows_host(const struct fetch *fetch, const char *host);

/* Watches it no more; it is freed at the end of the turn. */
void fetch_forget_socket(struct socket_watch *s);
/*
 * Watches the sockets of this handle no more, before it is taken out of libcurl: a socket that is
 * still connecting is closed there first and told of then, when its number may be another's.
 */
void fetch_forget_sockets(struct fetch *fetch, CURL *easy);

/* Appends a copy. */
void transfer_add_line(struct curl_slist **list, const char *line);

/* These outside of libcurl's callbacks. */

/* Takes it away from libcurl, which has the next hop or nothing to do with it. */
void transfer_detach(struct transfer *transfer);

/* Stops its timers, and takes it away from libcurl. */
void transfer_leave(struct transfer *transfer);
/* Leaves, and forgets what it was for; keeps the easy handle. */
void transfer_clear(struct transfer *transfer);
/* Clears it, and takes it off its list. */
void transfer_free(struct transfer *transfer);
