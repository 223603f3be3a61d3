/*
 * The log of events: what we were told, in the order in which it was committed.
 *
 * An event is appended, never changed.  That it was committed is what a webhook's
 * 200 means; everything else in the ledger about a call is derived from it behind
 * (projection/).
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;

/*
 * On a server events come in streams, each numbered for itself.  Stream 0 is that of turns: whoever has the seat appends to it.
 * Each process that serves has another, of its id, to which its quick transactions alone append, one after the
 * other; so within a stream the order of numbers is that in which events can be seen, and who has read up to one
 * misses none.  A ledger in a file has stream 0 alone.
 */

/* Stored as numbers: append only, never renumber. */
enum event_kind {
	EVENT_RECORDING_STATUS = 1, /* a recording status callback */
	EVENT_CALL_STATUS = 2,      /* a call status callback, or a <Record action> request */
	EVENT_RECORDING_LISTED = 3, /* Twilio's Recordings list or metadata says so */
	EVENT_CALL_FETCHED = 4,     /* Twilio's Calls resource says so */
	EVENT_RECORDING_ADOPTED =
		5, /* another system left a file of it, and nothing else is known */
};

#define EVENT_UNKNOWN (-1) /* a duration or sequence number that was not told */

/* Texts are borrowed; STR_NONE where not told.  Times: wall clock, 0 where not told. */
struct event {
	enum event_kind kind;
	struct str account_sid; /* AC... */
	struct str call_sid; /* CA...; of a recording it is the parent leg; may be absent there */
	struct str parent_call_sid; /* CA...; not on a first leg */
	struct str recording_sid;   /* RE...; required for the RECORDING kinds */
	struct str status;          /* as Twilio spells it: "completed", "in-progress" ... */
	struct str direction;       /* "inbound", "outbound-api", "outbound-dial", "trunking-..." */
	struct str from, to;        /* E.164, "client:...", "sip:..." */
	struct str source;          /* RecordingSource */
	struct str track;           /* RecordingTrack */
	struct str recording_url;
	struct str encryption;  /* EncryptionDetails, the JSON text */
	struct str idempotency; /* I-Twilio-Idempotency-Token; kept, never keyed on */
	struct str raw; /* the form or JSON as it came: fields that we do not know stay here */
	struct str request_id;   /* of the request that brought it, or caused the question */
	int64_t sequence_number; /* SequenceNumber, or EVENT_UNKNOWN */
	int64_t started_at_ms;   /* of the recording or the call, by the kind */
	int64_t timestamp_ms;    /* when what is told happened; for a final call status: its end */
	int64_t duration_s;      /* of the recording or the call, by the kind, or EVENT_UNKNOWN */
	int64_t channels;        /* 1, 2; 0 not told */
	int64_t error_code;      /* 16101 ...; 0 none */
	int64_t received_at_ms;  /* required */
};

/* All texts absent, all numbers not told. */
void event_init(struct event *event, enum event_kind kind, int64_t received_at_ms);

/*
 * Appends one event within the caller's transaction.  *out_seq is its place in the
 * stream: larger than any before it, not necessarily without gaps.
 *
 * ERR_INVALID: no SID to project to (a call event without call_sid, a recording event
 * without recording_sid), or one longer than a SID can be.
 *
 * In texts NUL and what is no UTF-8 becomes U+FFFD; `raw` is kept byte for byte.
 *
 * The same event may be appended again: it is kept twice and projects to nothing
 * new.  (A unique digest was rejected: its index is random, so each append would
 * dirty a page of its own, where now 64 events share a few.)
 */
bool events_append(struct catalog *catalog, const struct event *event, int64_t *out_seq,
		   struct err *err) MUST_CHECK;

/* The place of the last event of a stream, and of that of turns; 0 when it is empty. */
bool events_last_of(struct catalog *catalog, int64_t stream, int64_t *out_seq,
		    struct err *err) MUST_CHECK;
bool events_last(struct catalog *catalog, int64_t *out_seq, struct err *err) MUST_CHECK;
/*
 * When the last event that a webhook brought was received; 0 when there is none among the last `among` events of each of the
 * newest streams.
 * Reads each that came behind it: after an import those are millions, so where others wait for the answer, ask few.
 */
bool events_last_webhook_at(struct catalog *catalog, int64_t among, int64_t *out_ms,
			    struct err *err) MUST_CHECK;

/* Is the event of another account than the row it is about?  "": the row's is not known yet. */
bool event_is_foreign(const char *account_sid, const struct event *event);
