/*
 * Reading Twilio's Recordings list of one account, newest first, back to an instant: what the ledger does not
 * know, or knows as less far, becomes events.
 *
 * One page is in memory, one request is under way, and none is sent while transfers wait for their turn.  A
 * page that gives no answer is asked for again; when that does not help either, the walk has failed, and what it
 * wrote stays.  A list whose pages name each other in a circle has no end, and is a failure, too, behind what they hold.  Recordings that come in meanwhile move rows to later pages: what is seen twice is known by then.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "base/compiler.h"
#include "chores/reconciliations.h"
#include "event/loop.h"
#include "ledger/ledger_jobs.h"
#include "rest/rest_request.h"
#include "twilio/rest.h"

#include <stdbool.h>
#include <stdint.h>

#define LIST_WALK_PAGE_SIZE 1000 /* the most that Twilio gives */
#define LIST_WALK_URL_MAX   2048

struct account;
struct rest_env;

struct list_walk;

/* What is read.  All zero: all that there is. */
struct list_walk_plan {
	int64_t since_ms;  /* created then or later */
	int64_t before_ms; /* created on that day (GMT) or earlier; 0: no bound */
	const char *url; /* the page to begin with, as next_url once was; NULL or "": the newest */
	int64_t too_old_ms; /* what began before that instant is counted; 0: nothing */
	/*
	 * NULL, or called on the writer's thread for each page that holds recordings, in the transaction that writes the last
	 * of them, with `listed`, `found` and the like as they are then: what it writes holds if the page does.
	 */
	bool (*keep)(const struct list_walk *walk, struct catalog *catalog, struct err *err);
};

/* Embedded in who asks; all zero: nothing is asked. */
struct list_walk {
	/* set by list_walk_start() */
	const struct rest_env *env;
	const struct account *account;
	struct list_walk_plan plan;
	void (*ended)(struct list_walk *walk);

	/* what came of it */
	bool is_whole;
	char failure[RECONCILIATION_TEXT_SIZE]; /* unless it is: why, a sentence's part */
	int status; /* of the answer that it failed for; 0: there was none, or it made no sense */
	int64_t listed, found;      /* recordings; found: of these that were news */
	int64_t malformed, too_old; /* rows that are no recordings; listed, too old */
	int64_t reached_ms; /* the last page goes back so far; 0: it has no date, or none was read */
	int64_t oldest_open_ms; /* the oldest that has not ended was created then; 0: all have */

	/* internal */
	struct timer timer;
	struct ledger_job job;
	struct rest_request request;
	struct rest_recordings_page page;
	size_t left;       /* rows of the page that are not written yet, from its beginning */
	size_t chunk_news; /* of the chunk that is being written */
	unsigned tries;    /* of this page */
	char url[LIST_WALK_URL_MAX];
	char next_url[LIST_WALK_URL_MAX]; /* "": this page is the last */
	/* The next page that page number mark_at named: who comes by it again goes in a circle. */
	char mark[LIST_WALK_URL_MAX];
	uint64_t pages, mark_at;
};

/* ended() is called once, later; never from here.  `env` and `account` outlive the walk, plan->url this call. */
void list_walk_start(struct list_walk *walk, const struct rest_env *env,
		     const struct account *account, const struct list_walk_plan *plan,
		     void (*ended)(struct list_walk *walk));
/* After the mailbox of env was closed, or when it has ended; as often as you like. */
void list_walk_release(struct list_walk *walk);
