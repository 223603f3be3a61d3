/*
 * Attempts: every try to fetch a recording, with its outcome, for good: "why does
 * this not play?" is answered from here.
 *
 * The number of an attempt is the generation of the file that it begins.  It is
 * committed before the first byte of that file is served and is never given twice,
 * not even after a crash or a deletion, so that an ETag made of it never names two
 * contents.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTEMPT_OUTCOME_SIZE 32
#define ATTEMPT_DETAIL_SIZE  200

struct attempt { /* a plain value */
	int64_t id;
	char recording_sid[SID_SIZE];
	int64_t began_at_ms;
	int64_t ended_at_ms; /* 0: under way */
	int64_t generation; /* of the file it wrote to: its own id, or that of the file it resumed */
	int channels;       /* asked for; 0: unsaid */
	int http_status;    /* 0: no answer */
	int64_t bytes;      /* that arrived in this attempt */
	/* "stored", "not_ready", "interrupted" ...; "" under way */
	char outcome[ATTEMPT_OUTCOME_SIZE];
	char detail[ATTEMPT_DETAIL_SIZE]; /* a sentence for a person; "" */
};

/*
 * Begins an attempt.  resumes == 0: it begins a file anew, and the recording's
 * generation becomes *out_id and its generation_at_ms began_at_ms; otherwise it goes
 * on with the file of that generation.  Sets the recording's first_try_at_ms when it
 * is the first of its round.  ERR_NOT_FOUND: no such recording.  ERR_CONFLICT: it is
 * STORED, and a file that is served keeps its generation: recordings_requeue() first.
 * After either the caller rolls back.
 */
struct attempt_begin {
	struct str recording_sid;
	int64_t began_at_ms;
	int64_t resumes; /* generation, or 0 */
	int channels;
};
bool attempts_begin(struct catalog *catalog, const struct attempt_begin *begin, int64_t *out_id,
		    struct err *err) MUST_CHECK;

/* ERR_NOT_FOUND: no such attempt; ERR_CONFLICT: it has ended already. */
struct attempt_end {
	int64_t id;
	int64_t ended_at_ms;
	const char *outcome; /* short, stable, snake_case */
	int http_status;
	int64_t bytes;
	const char *detail; /* may be NULL; cut at ATTEMPT_DETAIL_SIZE */
};
bool attempts_end(struct catalog *catalog, const struct attempt_end *end,
		  struct err *err) MUST_CHECK;

/*
 * Those that this process has begun of the recording and not ended were never flown, or it is not known that they were begun: they
 * end as "interrupted".  A ledger in a file has none.
 */
bool attempts_give_up(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
		      struct err *err) MUST_CHECK;

/* Newest first; *out_count <= size. */
bool attempts_list(struct catalog *catalog, struct str recording_sid, struct attempt *out,
		   size_t size, size_t *out_count, struct err *err) MUST_CHECK;

/* Whose they are: anybody's; those of processes that are no more (processes.h); one process's. */
enum attempts_of { ATTEMPTS_OF_ALL, ATTEMPTS_OF_THE_DEAD, ATTEMPTS_OF_PROCESS };

/*
 * Ends what is open of them as "interrupted", because no flight of theirs can be under way.  process_id: with
 * ATTEMPTS_OF_PROCESS.  *out_closed: how many; NULL: nobody asks.
 */
bool attempts_close_open(struct catalog *catalog, enum attempts_of whose, int64_t process_id,
			 int64_t at_ms, int64_t *out_closed, struct err *err) MUST_CHECK;

/*
 * The same of what this process's flights of one recording have left open, whose end could not be written.  Who adopts a file asks
 * for no channels, and is no flight.
 */
bool attempts_close_flights(struct catalog *catalog, struct str recording_sid, int64_t at_ms,
			    struct err *err) MUST_CHECK;
