/*
 * What the doctor plays: calls that are in no ledger, no list, no statistic and no limit.
 *
 * Their SIDs begin with digits that are reserved for them, so that a warm play knows nothing of them and Twilio is never asked
 * for one.  Behind the reserved digits stands the server's own random number, and last what the call is (enum probe).  They
 * can be played while somebody examines, a minute from each time that the administrator's socket is asked to begin.
 *
 * Thread: any; begun under a mutex, looked at without.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stdint.h>

#define PROBES_RESERVED  "d0c70000d0c70000" /* the first 16 of a SID's 32 digits */
#define PROBES_MS        (60 * 1000)
#define PROBES_SIZE      ((uint64_t)512 * 1024) /* more than a proxy keeps in memory of a reply */
#define PROBES_FLIGHT_MS 800                    /* so long the one in flight takes to arrive */

enum probe {
	PROBE_NONE,    /* no reserved SID */
	PROBE_MISSING, /* reserved, and nothing to be played */
	PROBE_STORED,  /* all of it is here */
	PROBE_FLIGHT,  /* it arrives while it is played, anew for each request */
	PROBE_ECHO,    /* answered with the head of the request, as it arrived */
	PROBE_KINDS,
};

struct probes; /* of the process */

struct probes *probes_new(void);
void probes_free(struct probes *probes);
DEFINE_AUTO(struct probes *, probes_free)

/* The media of all of them. */
struct probes_media {
	int fd; /* borrowed */
	uint64_t size;
	char sha256[SHA256_HEX];
	int64_t made_at_ms; /* wall clock */
};

/* They can be played for another minute. */
bool probes_begin(struct probes *probes, int64_t now_ms, struct err *err) MUST_CHECK;

/* After probes_begin(). */
const struct probes_media *probes_media(const struct probes *probes);

/*
 * A token of the doctor's, by its public name: with auth = none nobody is asked who they are, and it is known by this alone. The
 * last few are kept, each for as long as it opens anything.
 */
void probes_note_token(struct probes *probes, const char *name, int64_t now_ms);
bool probes_has_token(struct probes *probes, struct str name, int64_t now_ms);

/* By its first digits; it may be no SID at all, or absent. */
static inline bool probes_is_reserved(struct str sid)
{
	return str_starts(str_after(sid, 2), STR(PROBES_RESERVED));
}
/* Of a well-formed SID of a call or a recording.  `now_ms`: monotonic; probes == NULL: none can be played. */
enum probe probes_find(const struct probes *probes, struct str sid, int64_t now_ms);
/* prefix: "CA" or "RE". */
void probes_sid(const struct probes *probes, enum probe probe, const char *prefix,
		char out[SID_SIZE]);
