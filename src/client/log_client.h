/*
 * callspool doctor --nginx-log: reads logs, of nginx and of callspool, and tells what is in them.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "doctor/examination.h"

#include <stdbool.h>
#include <stddef.h>

struct log_request {
	const char *const *
		paths; /* files; "-": standard input, once; what was rotated from a file (FILE.1, FILE.2.gz) is read, too */
	size_t paths_count;
	bool is_json;
};

/*
 * Prints on standard output.  FINDINGS: a cause, or a request that failed; UNCHECKED: neither, but not all of it is a log that is
 * known.  ERR_NOT_FOUND: there is no such file.
 */
bool log_client_run(const struct log_request *request, enum doctor_verdict *out,
		    struct err *err) MUST_CHECK;
