/*
 * Recordings: one row each, with the state it is in and, once stored, its media.
 *
 *                +--------------- requeue ---------------+
 *                v                                       |
 *   ANNOUNCED -> QUEUED <-> WAITING -> STORED -> PURGED  |
 *       |          |           |         |               |
 *       +----------+-----------+---> ABSENT  DEAD  GONE -+
 *
 *   each but PURGED -> DELETED, where a person wants that
 *
 * A flight is not a state of the ledger: that one is under way shows in its attempt,
 * which has begun and not ended (attempts.h).  So a crash leaves nothing here to
 * repair, and a try costs no write more than its attempt.
 *
 * Every change gets the next number of catalog_sequence() into `changed_seq`.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "retention/retention.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored as numbers: append only, never renumber. */
enum recording_state {
	RECORDING_ANNOUNCED, /* Twilio is still recording or processing it */
	RECORDING_QUEUED,    /* completed: to be fetched, never tried or to be tried at once */
	RECORDING_WAITING,   /* for next_try_at_ms, because of reason_code */
	RECORDING_STORED,    /* kept whole, checked, committed */
	RECORDING_ABSENT,    /* Twilio says that there is none: too short, silent */
	RECORDING_DEAD,      /* dead letter: given up, waits for a person */
	RECORDING_GONE,      /* deleted at Twilio before we had it */
	RECORDING_PURGED,    /* stored once, bytes removed */
	RECORDING_DELETED, /* a person did not want it: its bytes are removed, and it is fetched no more */
	RECORDING_STATES,
};

/* "announced", "queued", ... as the API and the log spell it. */
const char *recording_state_text(enum recording_state state);
/* Why Twilio kept none: of its error code, 0 where it told none. */
const char *recording_absent_code(int64_t error_code);
/* Our bytes were taken away for good: nothing makes it another state. */
static inline bool recording_is_removed(enum recording_state state)
{
	return state == RECORDING_PURGED || state == RECORDING_DELETED;
}

/*
 * What the calls page filters by: states that mean the same to who listens.  Stored
 * as numbers: append only, never renumber.
 */
enum recording_group {
	RECORDING_GROUP_NONE,    /* the call has no recording that we know of */
	RECORDING_GROUP_PENDING, /* announced, queued, waiting */
	RECORDING_GROUP_STORED,
	RECORDING_GROUP_ABSENT,
	RECORDING_GROUP_FAILED,  /* dead */
	RECORDING_GROUP_DELETED, /* gone, purged, deleted */
	RECORDING_GROUPS,
};

enum recording_group recording_state_group(enum recording_state state);
/* "none", "pending", "stored", "absent", "failed", "deleted" */
const char *recording_group_text(enum recording_group group);
bool recording_group_from_text(struct str text, enum recording_group *out) MUST_CHECK;

/* What is going on while it is ANNOUNCED.  Stored as numbers: append only, never renumber. */
enum recording_live {
	RECORDING_NOT_LIVE, /* nothing, or we do not know */
	RECORDING_LIVE,
	RECORDING_LIVE_PAUSED,
};

/* Who is fetched first.  Stored as numbers: append only, never renumber. */
enum recording_rank {
	RECORDING_RANK_NEW,      /* Twilio has told us of it */
	RECORDING_RANK_BACKFILL, /* found by listing, or kept longer now */
};

/* What a play does to the wait for the next try.  Stored as numbers: append only, never renumber. */
enum recording_wait_rule {
	RECORDING_WAIT_SHORTENED, /* brings the try forward */
	RECORDING_WAIT_AS_TOLD,   /* Twilio asked us to wait: nothing before next_try_at_ms */
	RECORDING_WAIT_POINTLESS, /* a try would end as the last one did: the play is told so */
};

/* What has become of its waveform.  Stored as numbers: append only, never renumber. */
enum recording_waveform {
	RECORDING_WAVEFORM_PENDING, /* to be computed once it is stored */
	RECORDING_WAVEFORM_STORED,  /* beside its media */
	RECORDING_WAVEFORM_NONE,    /* its media cannot be decoded: there is none */
};

#define RECORDING_NEVER       INT64_MAX /* as the instant of the next try */
#define RECORDING_PATH_SIZE   160
#define RECORDING_REASON_SIZE 32
#define RECORDING_TEXT_SIZE   200
#define REQUEST_ID_SIZE       40 /* exchange.id */
#define HOLD_BY_SIZE          65
#define HOLD_REASON_SIZE      301

/* A plain value: it may be copied and may cross threads.  Times: wall clock, 0 not known. */
struct recording {
	char recording_sid[SID_SIZE];
	char call_sid[SID_SIZE];    /* "" when not known (conference recordings) */
	char account_sid[SID_SIZE]; /* "" when not known */
	enum recording_state state;
	enum retention_way way;   /* its call's direction */
	bool is_held;             /* neither expired, purged nor deleted while set */
	bool is_duration_off;     /* kept although the length differs from what Twilio said */
	enum recording_live live; /* as last told; counts while ANNOUNCED, and its call is on */
	bool is_encrypted;        /* recordings_find_source() has the details */

	/* what Twilio told */
	int64_t started_at_ms;   /* RecordingStartTime */
	int64_t completed_at_ms; /* when its completed event was received */
	int64_t duration_s;      /* EVENT_UNKNOWN (-1) when not told */
	int channels;            /* 0 when not told */
	int error_code;          /* 16101 too short, 16102 silent ...; 0 none */
	char source[40];         /* "DialVerb" ... */

	/* fetching */
	int channels_wanted; /* 2, or 1 once Twilio refused two */
	enum recording_rank rank;
	char request_id[REQUEST_ID_SIZE]; /* of the request that had it queued; "": none did */
	int64_t queued_at_ms;    /* since when it waits to be stored; 0 unless QUEUED or WAITING */
	int64_t next_try_at_ms;  /* 0 unless QUEUED or WAITING; RECORDING_NEVER: expired */
	int64_t first_try_at_ms; /* of this round; 0 not tried */
	int64_t tries;           /* counted tries of this round */
	int64_t limited;         /* tries in a row that were one too many */
	/*
	 * How long this round has been tried for, up to waiting_since_ms: attempts, and waits as far as they were meant.
	 * Giving up counts this: neither a stop nor a jump of the clock is in it.
	 */
	int64_t trying_ms;
	int64_t waiting_since_ms; /* when the wait for next_try_at_ms began; 0: it does not wait */
	enum recording_wait_rule wait_rule;
	/* why it does not play: "upstream_refused" ...; "" */
	char reason_code[RECORDING_REASON_SIZE];
	char reason_text[RECORDING_TEXT_SIZE]; /* the same for a person; "" */

	/* the media; generation and generation_at_ms from the first attempt on, the rest once STORED */
	int64_t generation; /* number of the attempt that began the file; 0 none */
	int64_t generation_at_ms;
	uint64_t size;       /* bytes */
	int64_t duration_ms; /* measured */
	int channels_stored;
	char format[8];                 /* "mp3", "wav" */
	char sha256[65];                /* lower case hexadecimal; "" until it is computed */
	char path[RECORDING_PATH_SIZE]; /* relative to the store */
	int64_t stored_at_ms;
	enum recording_waveform waveform;
	int64_t removed_at_ms; /* PURGED, DELETED */

	/* recordings_hold.h; empty unless it is held */
	char hold_by[HOLD_BY_SIZE]; /* "": nobody by name */
	int64_t hold_since_ms;
	char hold_reason[HOLD_REASON_SIZE]; /* "": none was given */

	int64_t changed_seq; /* catalog_sequence() of its last change */
};

/* What decides how long it is kept. */
struct kept recording_kept(const struct recording *recording);

/* What only a flight needs; heap texts, "" when not told. */
struct recording_source {
	char *url;        /* RecordingUrl as told */
	char *encryption; /* EncryptionDetails, JSON text */
	char *track;
};
void recording_source_release(struct recording_source *source);

/* ---- reading ---- */

/* ERR_NOT_FOUND when we do not know it. */
bool recordings_find(struct catalog *catalog, struct str recording_sid, struct recording *out,
		     struct err *err) MUST_CHECK;
bool recordings_find_source(struct catalog *catalog, struct str recording_sid,
			    struct recording_source *out, struct err *err) MUST_CHECK;

/*
 * The main recording of a call, in one indexed query.
 *
 * CALL_UNKNOWN     the ledger has no such call: *out and *out_call_on untouched
 * CALL_UNRECORDED  the call is known, no recording of it is
 * CALL_RECORDED    *out is its main recording; before one is fixed (none completed),
 *                  the one that is most likely to become it, else an absent one
 *
 * *out_call_on: the call's status is not final yet (so a recording may still come).
 */
enum call_recorded { CALL_UNKNOWN, CALL_UNRECORDED, CALL_RECORDED };
bool recordings_find_main(struct catalog *catalog, struct str call_sid,
			  enum call_recorded *out_found, struct recording *out, bool *out_call_on,
			  struct err *err) MUST_CHECK;

/* All recordings of a call, oldest first; *out_count <= size. */
bool recordings_list_of_call(struct catalog *catalog, struct str call_sid, struct recording *out,
			     size_t size, size_t *out_count, struct err *err) MUST_CHECK;

/*
 * Dead letters, by id, in pages; the end is a page with fewer than `size`.  No index holds them, for they are few: it
 * walks all recordings behind after_id, and is for commands, not for a serving loop.
 */
struct recording_dead {
	int64_t id; /* for the next page */
	struct recording recording;
};
bool recordings_list_dead(struct catalog *catalog, int64_t after_id, struct recording_dead *out,
			  size_t size, size_t *out_count, struct err *err) MUST_CHECK;

/* For /health and status; kept up to date with each change, so its cost does not grow. */
struct catalog_counts {
	int64_t calls;
	int64_t recordings[RECORDING_STATES];
	int64_t bytes_stored;
	int64_t oldest_queued_at_ms; /* 0: nothing waits */
	int64_t events_waiting;      /* appended, not projected yet (an upper bound) */
	int64_t events_set_aside;    /* passed over, because they cannot be projected */
};
bool catalog_counts(struct catalog *catalog, struct catalog_counts *out,
		    struct err *err) MUST_CHECK;

/*
 * ---- changing: the writer, within a transaction ----
 *
 * ERR_NOT_FOUND: no such recording.  ERR_CONFLICT: the state it is in does not allow
 * it (somebody was faster); nothing is changed.
 */

/* QUEUED, WAITING, STORED (to be repaired): try again at next_try_at_ms. */
struct recording_wait {
	int64_t at_ms; /* now */
	int64_t next_try_at_ms;
	const char *reason_code; /* short, stable, snake_case */
	const char *reason_text; /* a sentence; cut at RECORDING_TEXT_SIZE */
	bool is_counted;         /* a try that counts: not for 429 or refused credentials */
	bool is_limited;         /* the try was one too many: 429 */
	int64_t trying_ms;       /* of this round, up to at_ms */
	enum recording_wait_rule rule;
};
bool recordings_mark_waiting(struct catalog *catalog, struct str recording_sid,
			     const struct recording_wait *wait, struct err *err) MUST_CHECK;

/*
 * QUEUED, WAITING: older than recordings are kept, so it is not fetched, and counts as expired: WAITING for
 * RECORDING_NEVER, where a longer retention finds it (queue_revive()).
 */
bool recordings_mark_expired(struct catalog *catalog, struct str recording_sid,
			     struct err *err) MUST_CHECK;

/*
 * QUEUED, WAITING, ANNOUNCED, DEAD, ABSENT, GONE (it turned up after all), STORED (repaired).
 * It has no waveform then, and no digest but the one that is told: recordings_digest.h, recordings_waveform.h.
 */
struct recording_media {
	int64_t stored_at_ms;
	int64_t generation, generation_at_ms; /* of the file: see attempts_begin() */
	uint64_t size;
	int64_t duration_ms;
	int channels;
	bool is_duration_off;
	int64_t recheck_at_ms; /* rechecks.h: when to look at it again; 0: not */
	const char *format;
	const char *path;
	const char *sha256; /* 64 digits; NULL or "": it is not known yet */
};
bool recordings_mark_stored(struct catalog *catalog, struct str recording_sid,
			    const struct recording_media *media, struct err *err) MUST_CHECK;

/* From ANNOUNCED, QUEUED, WAITING; error_code 0 when not told. */
bool recordings_mark_absent(struct catalog *catalog, struct str recording_sid, int error_code,
			    const char *reason_text, struct err *err) MUST_CHECK;
/* From ANNOUNCED, QUEUED, WAITING. */
bool recordings_mark_dead(struct catalog *catalog, struct str recording_sid,
			  const char *reason_code, const char *reason_text,
			  struct err *err) MUST_CHECK;
/* From ANNOUNCED, QUEUED, WAITING, DEAD: Twilio has deleted it. */
bool recordings_mark_gone(struct catalog *catalog, struct str recording_sid,
			  const char *reason_text, struct err *err) MUST_CHECK;
/*
 * A person (or verify) wants it fetched again: a new round with no tries, due at
 * once.  From every state but ANNOUNCED, PURGED and DELETED; QUEUED is left as it is, but that
 * it counts as not tried.
 */
bool recordings_requeue(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
			struct err *err) MUST_CHECK;
/*
 * Asked while an attempt of it is under way, which has begun the round: was it requeued since?  Then it is QUEUED, and its
 * round is not tried.
 */
bool recordings_was_requeued(struct catalog *catalog, struct str recording_sid, bool *out,
			     struct err *err) MUST_CHECK;
/*
 * The file of `seen`, which was STORED, is not there or not whole: as recordings_requeue(), and says why.
 * ERR_CONFLICT: it is not STORED any more, or with another generation.
 */
bool recordings_mark_lost(struct catalog *catalog, const struct recording *seen, int64_t at_ms,
			  const char *reason_text, struct err *err) MUST_CHECK;
/* Twilio has other bytes than those of `seen`, which is STORED: the same. */
bool recordings_mark_replaced(struct catalog *catalog, const struct recording *seen, int64_t at_ms,
			      struct err *err) MUST_CHECK;
/* It was queued on behalf of this request.  Any state. */
bool recordings_set_request(struct catalog *catalog, struct str recording_sid,
			    struct str request_id, struct err *err) MUST_CHECK;
/* Twilio has no two channels of it: ask for one from now on.  Any state. */
bool recordings_want_channels(struct catalog *catalog, struct str recording_sid, int channels,
			      struct err *err) MUST_CHECK;
