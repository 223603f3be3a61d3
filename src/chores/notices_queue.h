/*
 * The notices that wait to be told (catalog/notices.h), and those that were given up (dead letters).
 *
 * Of one recording they are told in their order: a later one waits until an earlier one was taken, or given up.  A
 * dead letter waits for a person, NOTICE_DEAD_KEPT_MS at the most.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "catalog/calls.h"
#include "catalog/catalog.h"
#include "catalog/notices.h"
#include "catalog/recordings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTICE_FAILURE_SIZE 200
#define NOTICE_DEAD_KEPT_MS (INT64_C(30) * 24 * 60 * 60 * 1000)

/* A plain value.  Instants: wall clock, 0 none or not known. */
struct notice {
	int64_t seq; /* its place, and what makes its id */
	enum notice_type type;
	int64_t at_ms;     /* of the change */
	int64_t due_at_ms; /* 0: given up */
	int64_t tries, tried_at_ms;
	int64_t trying_ms; /* what its tries have taken, with the waits between them */
	int64_t died_at_ms;
	int http_status;                   /* the last try's; 0: no answer */
	char failure[NOTICE_FAILURE_SIZE]; /* why it failed; "" */

	/* The media that it tells of, as it was then. */
	int64_t generation, duration_ms;
	uint64_t size;
	int channels;
	char format[8];
	char reason_code[RECORDING_REASON_SIZE], reason_text[RECORDING_TEXT_SIZE];
	char sha256[SHA256_HEX]; /* "" when it is not known, or of another generation */

	int64_t recording_id;
	char recording_sid[SID_SIZE], call_sid[SID_SIZE], account_sid[SID_SIZE];
	int64_t started_at_ms;
	enum call_direction direction;
	bool is_stored, is_held, is_expired_told; /* the recording, now */
};

/* Those that are due and whose turn it is, the longest due first. */
bool notices_due(struct catalog *catalog, int64_t now_ms, struct notice *out, size_t size,
		 size_t *out_count, struct err *err) MUST_CHECK;
/* When the first is due that is not so yet; 0: there is none. */
bool notices_next_due(struct catalog *catalog, int64_t now_ms, int64_t *out_ms,
		      struct err *err) MUST_CHECK;

/* The dead letters behind after_seq, in the order of their changes. */
bool notices_list_dead(struct catalog *catalog, int64_t after_seq, struct notice *out, size_t size,
		       size_t *out_count, struct err *err) MUST_CHECK;

/* More are not counted, so that it takes a few milliseconds at the most. */
#define NOTICES_COUNTED_MAX 100000
struct notice_counts {
	int64_t waiting, dead;
	int64_t oldest_at_ms; /* the change of which nobody was told for longest; 0: none waits */
};
bool notices_count(struct catalog *catalog, struct notice_counts *out, struct err *err) MUST_CHECK;

/* ---- changing: the writer ---- */

/* It was taken, or is to be told to nobody.  One that is not there any more is no error. */
bool notices_end(struct catalog *catalog, int64_t seq, struct err *err) MUST_CHECK;

struct notice_failure {
	int64_t seq;
	int64_t at_ms;     /* now */
	int64_t due_at_ms; /* of the next try; 0: it is given up */
	int64_t trying_ms;
	int http_status;
	const char *failure;
};
/* out_waited: false where it was given up meanwhile, or removed: nothing is changed then. */
bool notices_failed(struct catalog *catalog, const struct notice_failure *failure, bool *out_waited,
		    struct err *err) MUST_CHECK;
/* Those of the first `most` whose change was before before_ms are given up. */
bool notices_give_up(struct catalog *catalog, int64_t before_ms, int64_t at_ms, size_t most,
		     size_t *out_count, struct err *err) MUST_CHECK;
/* What is due after beyond_ms, which no wait that is ever set explains, is due at at_ms: the clock was ahead. */
bool notices_bring_forward(struct catalog *catalog, int64_t beyond_ms, int64_t at_ms, size_t most,
			   size_t *out_count, struct err *err) MUST_CHECK;
/* Those of the first `most` dead letters are forgotten that were given up before before_ms. */
bool notices_forget_dead(struct catalog *catalog, int64_t before_ms, size_t most, size_t *out_count,
			 struct err *err) MUST_CHECK;
/*
 * Dead letters are due at once, as new ones: the one of that number (ERR_NOT_FOUND: there is none), or where seq is 0
 * as many as `most` of them.  It is a turn, though there be none: the receiver is said to be back.
 */
bool notices_revive(struct catalog *catalog, int64_t seq, int64_t at_ms, size_t most,
		    size_t *out_count, struct err *err) MUST_CHECK;
