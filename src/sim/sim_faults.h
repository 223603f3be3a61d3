/*
 * Faults of the simulated Twilio: rules, and what they make of one request.
 *
 *	kind[=value][@rate%][#times][:target]
 *
 *	429@10%			one media request in ten is answered 429
 *	404#3			the first three of each recording 404
 *	cut=50%#1:RE0123...	that recording, once: the connection ends half-way
 *	slow=4000		4,000 bytes a second
 *
 * rate: how many of the requests it applies to, 100 % where not said; seeded, so a run
 * can be repeated.  times: how often at most for each recording.  target: one recording,
 * `api` (lists and metadata instead of media), or `all` (both).  All rules that apply to
 * a request act together; of several that answer something else the first counts.
 * The kinds are the table in sim_faults.c, and in docs/simulate.md for users.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "twilio/sid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_FAULTS_MAX 32
#define SIM_FAULT_TEXT 200 /* the longest rule */

enum sim_fault_kind {
	SIM_FAULT_STATUS,    /* 400..599 as the kind; value: Retry-After in seconds */
	SIM_FAULT_PAGE,      /* 200 with an error page: xml, json, html */
	SIM_FAULT_EMPTY,     /* 200 with nothing */
	SIM_FAULT_REDIRECT,  /* 302 to the same host, or to the address given */
	SIM_FAULT_CLOSE,     /* the connection ends without an answer */
	SIM_FAULT_HANG,      /* takes the request, never answers */
	SIM_FAULT_DELAY,     /* the head comes so much later */
	SIM_FAULT_SLOW,      /* bytes a second */
	SIM_FAULT_STALL,     /* nothing more from that place on, the connection stays */
	SIM_FAULT_CUT,       /* the connection ends at that place */
	SIM_FAULT_LENGTH,    /* Content-Length is so much off */
	SIM_FAULT_NO_LENGTH, /* chunked */
	SIM_FAULT_TYPE,      /* another Content-Type */
	SIM_FAULT_RANGES,    /* no fault: ranges are served, with a strong ETag */
	SIM_FAULT_CHANGED,   /* from now on it is other media, as long */
	SIM_FAULT_DROP,      /* a callback is not sent */
	SIM_FAULT_DUPLICATE, /* a callback is sent twice */
	SIM_FAULT_REORDER,   /* a callback is held back by up to two seconds */
	SIM_FAULT_KINDS,
};

enum sim_target { SIM_TARGET_MEDIA, SIM_TARGET_API, SIM_TARGET_ALL, SIM_TARGET_RECORDING };

/* A place in a body: bytes, or thousandths of its length. */
struct sim_place {
	bool is_given;
	bool is_share;
	uint64_t value;
};

struct sim_fault {
	enum sim_fault_kind kind;
	enum sim_target target;
	char recording_sid[SID_LEN + 1]; /* SIM_TARGET_RECORDING */
	uint32_t rate;                   /* in a million */
	uint32_t times;                  /* for each recording; 0: no bound */
	int status;                      /* SIM_FAULT_STATUS */
	int64_t number;         /* seconds, milliseconds, bytes a second or bytes, by the kind */
	struct sim_place place; /* stall, cut */
	char value[SIM_FAULT_TEXT]; /* page, type, redirect */
	char text[SIM_FAULT_TEXT];  /* the rule as given */
};

struct sim_faults {
	size_t count;
	struct sim_fault at[SIM_FAULTS_MAX];
	uint64_t seed; /* moves with each chance taken */
};

/* What a recording keeps: how often each rule hit it. */
struct sim_fault_hits {
	uint32_t at[SIM_FAULTS_MAX];
};

/* Everything that happens to one request; zeroed: nothing. */
struct sim_plan {
	int status;            /* 0: as it should be */
	int64_t retry_after_s; /* 0: no such header */
	const char *page;      /* "xml", "json", "html" */
	const char *redirect;  /* "" for the same host */
	const char *type;
	bool is_empty, is_closing, is_hanging, is_lengthless, has_ranges, is_changed;
	int64_t delay_ms;
	uint64_t bytes_per_s; /* 0: at once */
	struct sim_place stall, cut;
	int64_t length_off;
	bool is_dropped, is_duplicate, is_reordered; /* callbacks */
};

/* ERR_INVALID says what is wrong with the text. */
bool sim_fault_read(struct str text, struct sim_fault *out, struct err *err) MUST_CHECK;
/* ERR_CONFLICT: there are SIM_FAULTS_MAX already. */
bool sim_faults_add(struct sim_faults *faults, struct str text, struct err *err) MUST_CHECK;
void sim_faults_clear(struct sim_faults *faults);

/* Which of the rules a request is held against. */
enum sim_request { SIM_REQUEST_MEDIA, SIM_REQUEST_API, SIM_REQUEST_CALLBACK };

/*
 * Takes the chances and counts the hits.  recording_sid and hits: STR_NONE and NULL where
 * the request is about no recording; `times` then never bounds.  The texts in *out are the rules'.
 */
void sim_faults_plan(struct sim_faults *faults, enum sim_request request, struct str recording_sid,
		     struct sim_fault_hits *hits, struct sim_plan *out);

/* Where in a body of that size; size when it is not given or lies behind. */
uint64_t sim_place_in(const struct sim_place *place, uint64_t size);

/* A generator that can be repeated (splitmix64); moves *seed. */
uint64_t sim_chance(uint64_t *seed);
/* Below `bound`, from 0. */
static inline uint64_t sim_chance_below(uint64_t *seed, uint64_t bound)
{
	return bound > 0 ? sim_chance(seed) % bound : 0;
}
