/*
 * From what came back of an attempt to what it means, and what then.
 *
 * The one table of it: every cause that the replaced system answered with a 502 has a
 * row here, with the words that the calls page shows.  Pure.
 */
#pragma once

#include "audio/sniff.h"
#include "base/compiler.h"
#include "base/err.h"
#include "fetch/transfer.h"
#include "rest/upstream.h"

#include <stdbool.h>
#include <stdint.h>

#define VERDICT_TEXT_SIZE 200
#define VERDICT_ACCOUNT_WAIT_MS \
	(60 * 1000)             /* refused credentials: somebody is mending them, or not */
#define VERDICT_GONE_STATUS 410 /* what the metadata says when it is deleted, too */
/* A Retry-After is believed so far: longer ones come from clocks that disagree, and a recording may not wait a week. */
#define VERDICT_RETRY_AFTER_MOST_MS (60 * 60 * 1000)

/* Of a recording that Twilio encrypted. */
enum verdict_cipher {
	CIPHER_NONE,       /* it is not, or has been opened */
	CIPHER_CLOSED,     /* what came is to be opened, once it is all here */
	CIPHER_UNREADABLE, /* what Twilio told of it cannot be read */
	CIPHER_NO_KEY,     /* there is no private key for it here */
	CIPHER_WRONG_KEY,  /* the one that is here does not open it */
	CIPHER_FORGED,     /* what came is not what Twilio encrypted */
};

/* What came back. */
struct verdict_facts {
	enum transfer_outcome outcome;
	int status;             /* of the answer; 0: none came */
	bool is_redirected;     /* the answer is not the API's own, but of a host we were led to */
	int error_code;         /* Twilio's, from an error body; 0 none */
	int64_t retry_after_ms; /* -1: not said */
	bool is_error_body;     /* a body of Twilio's error form, whatever the status */
	bool is_encoded;        /* with a Content-Encoding that nobody asked for */
	bool is_other_bytes;    /* begun again, the upstream sent other bytes than before */
	bool is_deleted;        /* ours: somebody did not want it any more */
	bool is_scarce;         /* ours: no descriptor was left */
	bool is_disk_full;      /* ours */
	bool is_disk_failed;    /* ours */
	bool is_unsynced;       /* ours: an fsync failed, what is in the file may be lost */
	char detail[VERDICT_TEXT_SIZE]; /* the transfer's or the disk's own words; "" */

	enum audio_kind kind;    /* of the body, once ended */
	const char *kind_reason; /* sniff_reason(); may be NULL */
	bool is_cut;             /* the last frame or data chunk is not whole */
	uint64_t bytes;          /* of the media, in all */
	uint64_t received;       /* of the media, in this attempt */
	int64_t duration_ms;     /* measured */
	int64_t announced_s;     /* RecordingDuration; -1 not told */

	enum verdict_cipher cipher;
	bool may_be_encrypted; /* nobody told that it is; no audio, though what we asked for may come encrypted */
	bool has_new_details; /* the metadata was asked, and tells otherwise how it is encrypted */

	int channels_asked;
	int64_t since_completed_ms; /* how long ago Twilio said that it is completed */
	bool was_asked; /* the metadata was asked for what a 404 means, or how it is encrypted */
	bool was_completed; /* and says that it is completed, although its media is not found */
};

enum verdict_meaning {
	VERDICT_KEPT,      /* whole, and audio */
	VERDICT_KEPT_OFF,  /* the same, but not as long as Twilio said: kept and flagged */
	VERDICT_NO_DUAL,   /* two channels are not to be had */
	VERDICT_NOT_READY, /* 404 so soon after `completed` */
	VERDICT_NOT_FOUND, /* 404 later: the metadata must say what it means */
	VERDICT_LIMITED,   /* too many at once */
	VERDICT_REFUSED,   /* our credentials */
	VERDICT_FORBIDDEN, /* this recording: of three in a row it means the account (limits.h) */
	VERDICT_DOWN,      /* unreachable, slow, broken off, 5xx */
	VERDICT_LYING,     /* not what it claims: an error page as audio, other bytes, cut frames */
	VERDICT_BLOCKED,   /* an address that we do not fetch from */
	VERDICT_ABSENT,    /* Twilio says that there is no media */
	VERDICT_GONE,      /* deleted at Twilio */
	VERDICT_LOCKED,    /* encrypted, and we cannot open it */
	VERDICT_OURS,      /* our disk */
	VERDICT_MEANINGS,
};

enum verdict_action {
	VERDICT_STORE,
	VERDICT_AT_ONCE,      /* again, now: with one channel */
	VERDICT_WAIT,         /* again later */
	VERDICT_WAIT_ACCOUNT, /* nothing of this account for a minute */
	VERDICT_ASK,          /* ask for the metadata, then judge again */
	VERDICT_OPEN,         /* decrypt it, then judge again */
	VERDICT_END_ABSENT,
	VERDICT_END_GONE,
	VERDICT_END_DEAD, /* a dead letter at once: no further try would end otherwise */
};

#define VERDICT_ROWS 38 /* of the table; attempts are counted by them */

struct verdict {
	unsigned row; /* below VERDICT_ROWS */
	enum verdict_meaning meaning;
	enum verdict_action action;
	const char *outcome;          /* short, stable: for the ledger's attempt */
	const char *reason_code;      /* why it does not play: the outcome; "" when it does */
	char text[VERDICT_TEXT_SIZE]; /* a sentence for a person */
	bool is_counted;              /* towards back-off */
	bool is_pointless;            /* a player who waits would wait in vain */
	bool may_resume;              /* what arrived so far is worth keeping */
	int64_t wait_ms;              /* -1: as the back-off says */
	int64_t at_least_ms; /* Retry-After: makes the wait longer, never shorter; 0 none */
};

/* What our own side could not do: an error of the store's, as facts. */
void verdict_blame_store(struct verdict_facts *facts, const struct err *err);
/* What the bytes are, as far as they were listened to; is_whole: no more will come. */
void verdict_hear(struct verdict_facts *facts, const struct sniff *sniff, bool is_whole);
void verdict_judge(const struct verdict_facts *facts, struct verdict *out);

/* The outcome of a row, which some rows share. */
const char *verdict_row_outcome(unsigned row);

/* The code of web_error.h that a play is answered for a reason_code; one that is no outcome is given back. */
const char *verdict_answer(const char *reason_code);

/* What the meaning says of Twilio as a whole. */
enum upstream_sign verdict_sign(enum verdict_meaning meaning);

/* How much the length may differ from what was announced: more than 2 s and 2 %. */
bool verdict_duration_is_off(int64_t duration_ms, int64_t announced_s);
