/*
 * What the checks said.  Owned by who examines; texts are copies, and may hold what strangers sent: who prints them for a
 * terminal makes them plain.
 */
#pragma once

#include "base/compiler.h"
#include "doctor/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum result_kind {
	RESULT_GOOD,
	RESULT_FINDING,
	RESULT_UNCHECKED, /* could not be checked, and should have been */
	RESULT_LEFT_OUT,  /* there is nothing to check here, or another check tells it */
	RESULT_KINDS,
};

struct result {
	const struct check_group *group;
	const struct check *check;
	enum result_kind kind;
	char *detail; /* what was seen; why it was not checked; NULL for a finding */
	struct finding finding;
};

/* A line of the chain of time limits, from the player to Twilio. */
struct limit_line {
	const char *who;  /* "player", "proxy", "callspool", "Twilio"; static */
	const char *what; /* "waits for a head"; static */
	int64_t ms;       /* INT64_MAX: none; -1: not known */
	char *source;     /* a setting, file:line, an option */
};

struct report {
	struct result *results; /* in the order in which they were said */
	size_t count, size;
	struct limit_line *limits;
	size_t limits_count;
	/* Whose results these are now: set by who runs the checks. */
	const struct check_group *group;
	const struct check *check;
	/*
	 * Of this run, to be written behind callspool, and behind callspool doctor, so that a command that confirms looks at
	 * the same: " --config FILE", " --nginx-conf FILE"; borrowed; NULL: none.
	 */
	const char *settings_options, *doctor_options;
	/* Something was asked for by its name; this check by its own. */
	bool is_chosen, is_named;
};

void report_good(struct report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_unchecked(struct report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What it is of is not in use here, or another check of this run tells it: that is no gap. */
void report_left_out(struct report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What it needs is not there (no server runs, ...): no gap where all is run, for then another check tells it. */
void report_lacking(struct report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_finding(struct report *report, const struct finding *finding);
/* "callspool doctor NAME" with the options of this run, of the check whose results these are now; for free(). */
char *report_command(const struct report *report);
/* `source` is copied. */
void report_limit(struct report *report, const char *who, const char *what, int64_t ms,
		  const char *source);

size_t report_count(const struct report *report, enum result_kind kind);
/* The finding nearest to the cause; NULL: there is none. */
const struct result *report_worst(const struct report *report);
/* The first that could not be checked; NULL: all were. */
const struct result *report_first(const struct report *report, enum result_kind kind);

/* *out has the same results and limits, of its own. */
void report_copy(const struct report *report, struct report *out);

void report_release(struct report *report);
static inline void report_release_at(struct report *report)
{
	report_release(report);
}
