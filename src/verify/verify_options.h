/* What can be set of comparing the store with the ledger.  A plain value. */
#pragma once

#include <stdint.h>

struct verify_options {
	int64_t every_ms;    /* each file is read once in that time; INT64_MAX: only when asked */
	uint64_t rate_bytes; /* a second, at most */
};
