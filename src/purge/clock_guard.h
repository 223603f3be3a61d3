/*
 * Is the clock to be believed?
 *
 * What is removed is gone, and age is what the clock says: one that jumps a year ahead would make everything old at
 * once.  So nothing is removed by a clock that nobody vouches for:
 *
 *	Twilio's Date, which came with an answer, carried on by a clock that never jumps
 *	else this clock as it was when it was last vouched for, carried on in the same way
 *	else, after a start, the ledger: at most CLOCK_GUARD_GAP_MS behind the last instant that was vouched for
 *	else a person, who says that it is right
 *
 * A clock that is behind is believed: by it less is removed than might be.  One that is ahead by less than
 * CLOCK_GUARD_APART_MS is no fault, but what vouches for it is gone by.
 *
 * What the ledger keeps follows Twilio's word, back as well: else a person's word for a clock that was a year ahead would
 * have each start of that year believe whatever the clock says.
 *
 * Any thread: a lock for a few instructions.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct clock_guard;

#define CLOCK_GUARD_APART_MS INT64_C(3600000)        /* more, and two clocks differ */
#define CLOCK_GUARD_GAP_MS   (7 * INT64_C(86400000)) /* a standstill that nobody has to confirm */

/* An instant, by the wall clock and by one that counts on whatever becomes of that. */
struct clock_reading {
	int64_t wall_ms, boot_ms;
};

/* What vouches for the clock; 0: nothing is known of it. */
struct clock_voucher {
	struct clock_reading twilio;  /* its Date, and when that came */
	struct clock_reading vouched; /* in this process */
	int64_t kept_ms;              /* the ledger's: wall clock */
};

/* ERR_UNAVAILABLE: not to be believed, and why, for a person.  Pure. */
bool clock_guard_judge(const struct clock_voucher *voucher, const struct clock_reading *now,
		       struct err *err) MUST_CHECK;
/* Of a clock that is to be believed: what it says, or what vouches for it, where that is less.  Pure. */
int64_t clock_guard_bounded_ms(const struct clock_voucher *voucher,
			       const struct clock_reading *now);

struct clock_guard *clock_guard_new(void);
void clock_guard_free(struct clock_guard *guard); /* NULL does nothing */
DEFINE_AUTO(struct clock_guard *, clock_guard_free)

/* Before anything is written to the ledger by this process. */
bool clock_guard_load(struct clock_guard *guard, struct catalog *catalog,
		      struct err *err) MUST_CHECK;
/* An answer of Twilio's API had this Date; it came just now.  True: clock_guard_keep() is due, for the ledger is ahead of it. */
bool clock_guard_heard(struct clock_guard *guard, int64_t date_ms);
/* Twilio's Date, carried on to now, whatever this clock says; false: none has come since the start. */
bool clock_guard_told(struct clock_guard *guard, int64_t *out_ms) MUST_CHECK;
/* How long there is this one, by a clock that never jumps: it is made as the process starts. */
int64_t clock_guard_age_ms(const struct clock_guard *guard);
/* The time, if it is to be believed, and never ahead of what vouches for it.  ERR_UNAVAILABLE: it is not. */
bool clock_guard_now(struct clock_guard *guard, int64_t *out_ms, struct err *err) MUST_CHECK;
enum clock_doubt {
	CLOCK_UNDOUBTED, /* it is believed; or nobody knows yet, as before Twilio's first answer */
	CLOCK_UNVOUCHED, /* it jumped, or stood still for too long: a person may say that it is right */
	CLOCK_CONTRADICTED, /* by Twilio's answers: it is wrong */
};
/* Is there reason to doubt it, and which?  `err` is set unless UNDOUBTED: why, for a person. */
enum clock_doubt clock_guard_doubt(struct clock_guard *guard, struct err *err) MUST_CHECK;
/*
 * The writer: has the ledger know that the clock was right, at most once an hour; else when it was, once.  Where the ledger is
 * ahead of Twilio's word, that.
 */
bool clock_guard_keep(struct clock_guard *guard, struct catalog *catalog,
		      struct err *err) MUST_CHECK;
/* The writer: a person says that the clock is right.  ERR_CONFLICT: Twilio says otherwise. */
bool clock_guard_trust(struct clock_guard *guard, struct catalog *catalog,
		       struct err *err) MUST_CHECK;
