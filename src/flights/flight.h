/*
 * A flight: one recording on its way here, however many wait for it.
 *
 *	QUEUED -> ASKING -> CHECKING -> ARRIVING -> SEALING -> STORED
 *	  ^          |          |           |           |
 *	  +-- WAITING (when, why) <---------+-----------+     ASKING .. SEALING -> DEAD | ABSENT | GONE
 *
 * and from QUEUED, FOLLOWING and WAITING to GONE, when the recording is deleted here.  Of several processes on one
 * ledger, what another one fetches, and a player wants here:
 *
 *	QUEUED -> FOLLOWING -> STORED        and back to QUEUED, or WAITING (follow.h)
 *
 * A flight does one thing at a time and says when it is over: it never decides when it
 * may go on; that is the scheduler's.  What it learns is committed in the ledger before
 * anybody hears of it.  What only one try needs is in the try (try.h), which is there while
 * the flight is ASKING .. SEALING.
 *
 * Thread: the fetching loop.
 */
#pragma once

#include "base/compiler.h"
#include "base/counter.h"
#include "base/list.h"
#include "base/map.h"
#include "catalog/recordings.h"
#include "event/loop.h"
#include "flights/download.h"
#include "flights/flight_update.h"
#include "flights/follow.h"
#include "flights/seeks.h"
#include "retention/retention.h"
#include "verdict/verdict.h"

#include <stdbool.h>
#include <stdint.h>

struct flight;
struct flight_env;
struct lease_begun;
struct try;

#define FLIGHT_NUDGE_MS 5000 /* a play brings a try forward at most so often */

enum flight_state {
	FLIGHT_QUEUED,    /* for its turn */
	FLIGHT_ASKING,    /* the attempt is being committed, or the request is out: for a head */
	FLIGHT_CHECKING,  /* for enough bytes to know that it is audio */
	FLIGHT_ARRIVING,  /* for the rest */
	FLIGHT_SEALING,   /* for the disk, then for the ledger */
	FLIGHT_FOLLOWING, /* for what another process fetches */
	FLIGHT_WAITING,   /* for the instant of its next try */
	FLIGHT_STORED,    /* over: here */
	FLIGHT_DEAD,      /* over: given up, for a person */
	FLIGHT_ABSENT,    /* over: Twilio has no media of it */
	FLIGHT_GONE,      /* over: deleted at Twilio, or no longer to be fetched */
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
	int status;          /* of the last answer; 0: none came */
	bool is_redirected;  /* ... which was not the API's own */
	bool was_sent;       /* a request of it went out to Twilio's API */
	bool is_over;        /* a terminal state was entered */
	bool is_in_ledger;   /* else: the ledger knows when again */
	int64_t wait_ms;     /* not before so long from now */
	int64_t at_least_ms; /* of that, what Twilio asked for, whoever listens; 0: nothing */
};

/*
 * Where the flights of an owner are.  flight_enter() alone moves one: its state, its list and the
 * counters together.
 */
struct flight_lists {
	struct list in[FLIGHT_STATES]; /* who has been there longest is first; QUEUED: see lines */
	struct list lines[FLIGHT_RANKS]; /* QUEUED */
	unsigned count[FLIGHT_STATES];
	unsigned in_line[FLIGHT_RANKS]; /* QUEUED */
	/* Slots, which are for asking Twilio: ASKING, CHECKING, ARRIVING, by the rank they began with. */
	unsigned slots[FLIGHT_RANKS];
};
void flight_lists_init(struct flight_lists *lists);
/* Slots that are taken, whatever the rank. */
unsigned flight_lists_flying(const struct flight_lists *lists);
/*
 * Whose rows may say that they are due though they are at hand: all that are not over, but for those that wait as their
 * row says.  A new array, sorted as by strcmp(), the caller's.
 */
size_t flight_lists_at_hand(const struct flight_lists *lists, char (**out)[SID_SIZE]);

/* What /metrics tells of the flights of an owner: for any thread to read. */
struct flight_counts {
	struct gauge in[FLIGHT_STATES];        /* as flight_lists.count */
	struct counter attempts[VERDICT_ROWS]; /* that ended, and are committed */
	struct counter received_bytes;         /* of media, by those attempts */
};

/* Whose the flights are.  Told never from inside flight_begin(). */
struct flight_owner {
	struct flight_lists lists;
	struct flight_counts counts;
	/* Within a turn: all has arrived, only our disk and ledger are waited for. */
	void (*landed)(struct flight *flight);
	/* At the end of each turn. */
	void (*turned)(struct flight *flight, const struct flight_result *result);
	/* What came of following.  Told never from inside flight_follow(). */
	void (*looked)(struct flight *flight, enum follow_result result);
};

struct flight {
	const struct flight_env *env;
	struct flight_owner *owner;
	struct list place; /* on the owner's list of its state */
	enum flight_state state;
	struct map_node node; /* the scheduler's, until it is over; key: recording_sid */
	char recording_sid[SID_SIZE], call_sid[SID_SIZE], account_sid[SID_SIZE];
	/* Who had it begun, for the log: a play, or else who had the recording queued; "": nobody. */
	char request_id[REQUEST_ID_SIZE];

	/* the scheduler's */
	enum flight_rank rank;
	enum flight_rank slot_rank; /* of the slot that it holds or held */
	struct list kept;           /* among those that wait with a file begun */
	unsigned *account_slots; /* by rank: those that its account has taken; NULL: not counted */
	bool is_as_in_ledger;    /* WAITING: for the instant that its row says, or less */
	struct timer timer;      /* WAITING */
	int64_t last_try_at_ms;  /* monotonic; 0 never */
	int64_t not_before_ms;   /* monotonic: a play does not bring the next try further forward */
	struct reap reap;
	bool is_reaped;

	/* the updates that are here; how many mirrors have one */
	struct list updates;
	/* Changed by whoever first brings an update, or brings it from a mirror that is no more, and by the last news. */
	unsigned mirror_count;
	char reason_code[RECORDING_REASON_SIZE];
	char reason_text[VERDICT_TEXT_SIZE];
	bool is_pointless;

	/* the file in the making, from try to try */
	struct arrival arrival;
	struct seeks seeks;
	int64_t generation, generation_at_ms;
	struct kept retained; /* how long it is played, as the last try found it */
	bool is_shown;        /* it is in env->arriving */
	bool is_abandoned;    /* it was deleted here meanwhile */
	bool was_elsewhere;   /* the last try found that another process fetches it */
	bool holds_lease;     /* for all that is known: no other process fetches it */
	bool is_nobodys;      /* the last look found that nobody has a lease of it */

	struct lease_begun
		*begun;  /* owned: the attempt that a claim began for its next turn; or NULL */
	struct try *try; /* NULL: none is under way */
	struct follow *follow; /* FOLLOWING; else NULL */
};

/* QUEUED, or WAITING (as the ledger says it was left), on the owner's list of that state. */
struct flight *flight_new(const struct flight_env *env, const char *recording_sid,
			  const char *call_sid, const char *account_sid, struct flight_owner *owner,
			  enum flight_rank rank, enum flight_state state);
/* Cancels what is under way; its updates are freed. */
void flight_free(struct flight *flight);

/* QUEUED or WAITING: takes its turn. */
void flight_begin(struct flight *flight);
/* WAITING -> QUEUED, by the scheduler. */
void flight_queue(struct flight *flight);
/* It is to be freed, at the end of this turn perhaps: its owner sees no more of it.  As often as you like. */
void flight_leave_list(struct flight *flight);
/* QUEUED: goes over to the end of the other line; else it counts from its next turn on. */
void flight_set_rank(struct flight *flight, enum flight_rank rank);
/* QUEUED: no turn can be taken now (its account is paused): waits, and says why. */
void flight_hold_back(struct flight *flight, const char *reason_code, const char *reason_text);

/* QUEUED or WAITING: why it waits, as its players are told. */
void flight_set_reason(struct flight *flight, const char *code, const char *text,
		       bool is_pointless);
/* QUEUED or WAITING: what arrived is given up, and its descriptors; the next try begins a new generation. */
void flight_drop_file(struct flight *flight);

/*
 * It was removed here: the flight is over, at once or as soon as the ledger or the disk, whichever it waits for, has
 * answered.  True: at once, and its owner is not told.
 */
bool flight_abandon(struct flight *flight) MUST_CHECK;

/* A mirror's update came, for the first time or again; it is the flight's until sent back. */
void flight_take_update(struct flight *flight, struct flight_update *update);
/* True when it is over and all updates were sent with the last news: it may be freed. */
bool flight_is_done(const struct flight *flight);

/* Is there a way from the one state to the other?  Pure. */
bool flight_may_enter(enum flight_state from, enum flight_state to);
const char *flight_state_text(enum flight_state state);
