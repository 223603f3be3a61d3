/*
 * A flight: one recording on its way here, however many wait for it.
 *
 *	QUEUED -> ASKING -> CHECKING -> ARRIVING -> SEALING -> STORED
 *	  ^          |          |           |           |
 *	  +-- WAITING (when, why) <---------+-----------+     ASKING .. SEALING -> DEAD | ABSENT | GONE
 *
 * A flight does one thing at a time and says when it is over: it never decides when it
 * may go on; that is the scheduler's.  What it learns is committed in the ledger before
 * anybody hears of it.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "base/compiler.h"
#include "base/list.h"
#include "base/map.h"
#include "catalog/recordings.h"
#include "event/loop.h"
#include "event/workers.h"
#include "flights/download.h"
#include "flights/flight_update.h"
#include "flights/rest_request.h"
#include "flights/seeks.h"
#include "flights/verdict.h"
#include "ledger/ledger.h"

#include <stdbool.h>
#include <stdint.h>

struct flight_env;
struct scheduler;

enum flight_state {
	FLIGHT_QUEUED,   /* for its turn */
	FLIGHT_ASKING,   /* the attempt is being committed, or the request is out: for a head */
	FLIGHT_CHECKING, /* for enough bytes to know that it is audio */
	FLIGHT_ARRIVING, /* for the rest */
	FLIGHT_SEALING,  /* for the disk, then for the ledger */
	FLIGHT_WAITING,  /* for the instant of its next try */
	FLIGHT_STORED,   /* over: here */
	FLIGHT_DEAD,     /* over: given up, for a person */
	FLIGHT_ABSENT,   /* over: Twilio has no media of it */
	FLIGHT_GONE,     /* over: deleted at Twilio, or no longer to be fetched */
	FLIGHT_STATES,
};

enum flight_rank { /* who goes first */
		   FLIGHT_FOR_PLAYERS,
		   FLIGHT_NEW,
		   FLIGHT_BACKFILL,
		   FLIGHT_RANKS,
};

/* How a flight wants what it asked for to go on. */
struct flight_result {
	enum verdict_meaning meaning;
	bool is_over;    /* a terminal state was entered */
	int64_t wait_ms; /* else: not before so long from now */
};

/* Whom a flight tells, never from inside flight_begin(). */
struct flight_owner {
	/* Within a turn: all has arrived, only our disk and ledger are waited for. */
	void (*landed)(struct flight *flight);
	/* At the end of each turn. */
	void (*turned)(struct flight *flight, const struct flight_result *result);
};

struct flight {
	const struct flight_env *env;
	struct map_node node; /* key: recording_sid; until it is over */
	struct list in_line;  /* the scheduler's: among those that wait for a turn, or are over */
	struct list kept;     /* the scheduler's: among those that wait with a file begun */
	char recording_sid[SID_SIZE], call_sid[SID_SIZE], account_sid[SID_SIZE];
	enum flight_state state;

	/* the scheduler's */
	struct scheduler *scheduler;
	enum flight_rank rank, slot_rank; /* slot_rank: of the slot that it holds or held */
	bool has_landed;                  /* it has given its slot back */
	bool is_reaped;
	struct timer timer;     /* WAITING */
	int64_t last_try_at_ms; /* monotonic; 0 never */
	int64_t not_before_ms;  /* monotonic: a play does not bring the next try further forward */

	/* the updates that are here; how many mirrors have one */
	struct list updates;
	unsigned mirror_count; /* changed by whoever first brings a update, and by the last news */
	char reason_code[RECORDING_REASON_SIZE];
	char reason_text[VERDICT_TEXT_SIZE];
	bool is_pointless;

	/* the attempt under way */
	struct recording recording; /* as the ledger had it when the attempt began */
	struct recording begun;     /* the same, while the writer fills it */
	int64_t attempt_id, generation, generation_at_ms, began_at_ms;
	struct arrival arrival;
	struct download download;
	struct seeks seeks;
	struct rest_request question; /* what a 404 means */
	struct verdict verdict;
	int64_t limited; /* tries in a row that were one too many: not counted, but waited for longer and longer */
	struct verdict_facts facts;
	struct recording_media media; /* once sealed */
	char media_name[96];
	int64_t next_try_at_ms; /* wall clock, as committed */
	struct ledger_job ledger_job;
	struct job seal_job;
	bool sealed;
	struct err seal_err;

	const struct flight_owner *owner;
	struct reap reap;
};

struct flight *flight_new(const struct flight_env *env, const char *recording_sid,
			  const char *call_sid, const char *account_sid,
			  const struct flight_owner *owner);
/* Cancels what is under way; its updates are freed. */
void flight_free(struct flight *flight);

/* QUEUED or WAITING: takes its turn. */
void flight_begin(struct flight *flight);
/* WAITING -> QUEUED, by the scheduler. */
void flight_queue(struct flight *flight);
/* QUEUED: no turn can be taken now (its account is paused): waits, and says why. */
void flight_hold_back(struct flight *flight, const char *reason_code, const char *reason_text);

/* QUEUED or WAITING: what arrived is given up, and its descriptors; the next try begins a new generation. */
void flight_drop_file(struct flight *flight);

/* A mirror's update came, for the first time or again; it is the flight's until sent back. */
void flight_take_update(struct flight *flight, struct flight_update *update);
/* True when it is over and all updates were sent with the last news: it may be freed. */
bool flight_is_done(const struct flight *flight);

/* Is there a way from the one state to the other?  Pure. */
bool flight_may_enter(enum flight_state from, enum flight_state to);
const char *flight_state_text(enum flight_state state);
