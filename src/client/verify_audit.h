/*
 * The whole audit read with the keys that it was written with, and compared with heads that were kept elsewhere: verify
 * --audit.  Beside a server that runs, or without one.
 */
#pragma once

#include "audit/audit_chain.h"
#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>

/*
 * `heads`: a file of lines of a log, "-" for standard input, NULL for none.  False: it could not be checked; ERR_INVALID:
 * because of what was given.
 */
bool verify_audit_run(const struct settings *settings, const char *heads, struct audit_report *out,
		      struct err *err) MUST_CHECK;
