/*
 * What a command's exit status means: one table for all commands.
 */
#pragma once

#include "base/err.h"

#include <stdio.h>

enum exit_status {
	EXIT_GOOD = 0,
	EXIT_OUR_FAULT = 1,   /* our disk, our database, our bug */
	EXIT_WRONG_USAGE = 2, /* arguments or settings */
	EXIT_NOT_FOUND = 3,
	EXIT_CONFLICT = 4,
	EXIT_NO_ANSWER = 5, /* Twilio, or a server of ours, is down or slow */
	EXIT_DEGRADED = 6,  /* it runs, but not all of it works */
	EXIT_FINDINGS = 7,  /* what was checked is not as it should be */
	EXIT_UNCHECKED = 8, /* it could not be checked */
};

enum exit_status exit_status_of(enum err_kind kind);
/* NULL: there is no such status. */
const char *exit_status_meaning(unsigned status);
/* The table for people, a line a status. */
void exit_status_print(FILE *to);
