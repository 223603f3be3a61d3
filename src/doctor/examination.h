/*
 * Running checks: all, those of groups, or some by name; and what comes of them.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "doctor/check.h"
#include "doctor/report.h"

#include <stdbool.h>
#include <stddef.h>

#define EXAMINATION_NAMES_MAX 64

struct deployment;

/* Embedded by who wants to hear of results as they are found. */
struct examination_watch {
	/* A check has said what it says: the results from `first` on are new. */
	void (*told)(struct examination_watch *watch, const struct report *report, size_t first);
};

/* What is to be run: nothing named is everything. */
struct examination {
	const char *const *names; /* of groups and of checks; borrowed */
	size_t names_count;
	struct examination_watch *watch;  /* NULL: nobody */
	const _Atomic bool *is_cancelled; /* no further check is run; NULL: nothing does */
};

/* ERR_INVALID names what is neither a group nor a check, with the nearest that is. */
bool examination_validate(const struct examination *examination, struct err *err) MUST_CHECK;
/* Blocks; the results are added to *report. */
void examination_run(const struct examination *examination, struct deployment *deployment,
		     struct report *report);

enum doctor_verdict {
	VERDICT_GOOD,
	VERDICT_FINDINGS,
	VERDICT_UNCHECKED, /* nothing was found, but something could not be checked */
};
enum doctor_verdict examination_verdict(const struct report *report);
