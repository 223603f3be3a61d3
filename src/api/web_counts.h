/*
 * What a serving loop counts of its requests: the loop's own, read by /metrics from another thread.
 *
 * Sets of names are closed, so that a label never holds what a client wrote.
 */
#pragma once

#include "auth/sign_in.h"
#include "base/counter.h"
#include "base/time_histogram.h"

#include <stdint.h>

struct exchange;

/* Where a play found its recording; in exchange.source. */
enum play_source {
	PLAY_SOURCE_NONE,   /* nowhere: it was refused before that */
	PLAY_SOURCE_CACHE,  /* stored, and known to this loop */
	PLAY_SOURCE_STORE,  /* stored, as the ledger said */
	PLAY_SOURCE_FLIGHT, /* on its way here */
	PLAY_SOURCES,
	PLAY_SOURCE_PROBE = PLAY_SOURCES, /* the doctor's: nowhere counted */
};
const char *play_source_name(enum play_source source);

enum play_result {
	PLAY_RESULT_PLAYED,               /* 200, 206 */
	PLAY_RESULT_REDIRECTED,           /* 307: the bucket plays it */
	PLAY_RESULT_NOT_MODIFIED,         /* 304 */
	PLAY_RESULT_CUT,                  /* begun, and closed short: the rest never came */
	PLAY_RESULT_LEFT,                 /* the client went before there was an answer */
	PLAY_RESULT_NOT_SATISFIABLE,      /* 412, 416 */
	PLAY_RESULT_BAD_REQUEST,          /* 400 and the like */
	PLAY_RESULT_REFUSED,              /* 401, 403, 429 */
	PLAY_RESULT_MISSING,              /* 404 */
	PLAY_RESULT_GONE,                 /* 410: expired, deleted */
	PLAY_RESULT_KEY_MISSING,          /* encrypted, and its private key is not here */
	PLAY_RESULT_UPSTREAM_REFUSED,     /* Twilio refuses our credentials */
	PLAY_RESULT_UPSTREAM_UNAVAILABLE, /* Twilio did not send it in time */
	PLAY_RESULT_OVERLOADED,           /* 503: too much is going on */
	PLAY_RESULT_INTERNAL,             /* our disk, our database, our bug */
	PLAY_RESULTS,
};
const char *play_result_name(enum play_result result);

/* exchange.outcome: an error of the table, or that a reply was cut; 0: neither. */
#define WEB_OUTCOME_ERROR(error) ((uint8_t)((error) + 1))
#define WEB_OUTCOME_CUT          UINT8_MAX

/* Of a reply that was begun.  Pure. */
enum play_result play_result_of(int status, uint8_t outcome);

/* How often one may try: who tries more is answered 429. */
enum web_limit {
	LIMIT_UNKNOWN,  /* unknown credentials, of a network */
	LIMIT_NETWORK,  /* sign-ins of a network */
	LIMIT_ACCOUNT,  /* sign-ins to an account */
	LIMIT_PASSWORD, /* changes of a password */
	LIMIT_PLAYS,    /* recordings that a user begins to play */
	LIMIT_MISSING,  /* SIDs that are not there */
	LIMIT_LINK,     /* openings of a link, of a network */
	WEB_LIMITS,
};
const char *web_limit_name(enum web_limit limit);

#define WEB_STATUS_CLASSES 6 /* by the first digit of the status */

struct web_counts {
	char before[COUNTER_LINE]; /* what other threads write is not in a line with these */
	struct counter requests[WEB_STATUS_CLASSES];
	struct counter plays[PLAY_SOURCES][PLAY_RESULTS];
	struct gauge latest_plays; /* where the last were found: see latest_add() */
	/* From the head of the request to the first byte of media; NONE stays empty. */
	struct time_histogram first_byte[PLAY_SOURCES];
	struct time_histogram webhooks; /* from the head to the 200 */
	struct counter sign_ins[SIGN_IN_RESULTS];
	struct counter throttled[WEB_LIMITS];
	struct gauge live_sockets, live_polls; /* who is told of changes just now */
	struct counter live_messages;          /* that they were told */
	char after[COUNTER_LINE];
};

/* Those of several loops together; a plain value. */
struct web_sums {
	uint64_t requests[WEB_STATUS_CLASSES];
	uint64_t plays[PLAY_SOURCES][PLAY_RESULTS];
	uint64_t latest_plays, latest_stored; /* of the last few of each loop; from the store */
	struct time_sum first_byte[PLAY_SOURCES];
	struct time_sum webhooks;
	uint64_t sign_ins[SIGN_IN_RESULTS];
	uint64_t throttled[WEB_LIMITS];
	int64_t live_sockets, live_polls;
	uint64_t live_messages;
};
/* Any thread. */
void web_counts_add(const struct web_counts *counts, struct web_sums *sums);

/* A request has ended whose reply was begun. */
void web_count_request(struct web_counts *counts, const struct exchange *x, bool is_play);
