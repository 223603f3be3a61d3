/*
 * A URL, read once: where a request goes, and which origin that is.  Reading is
 * libcurl's own, so that what was judged is what is asked.  Pure but for memory.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero: none.  Texts are its own, on the heap. */
struct fetch_target {
	char *url;  /* normalised, without fragment */
	char *host; /* lower case, without brackets and a last dot */
	uint16_t port;
	bool is_https;
};

/*
 * ERR_INVALID: not an absolute http or https URL, one with a user in it, or one whose
 * host reads differently the second time.
 * upgrade: http becomes https (its port 80 becomes 443, another one stays).
 */
bool fetch_target_read(const char *url, bool upgrade, struct fetch_target *out,
		       struct err *err) MUST_CHECK;
void fetch_target_release(struct fetch_target *target);
static inline void fetch_target_release_at(struct fetch_target *target)
{
	fetch_target_release(target);
}
/* Same scheme, host and port. */
bool fetch_target_same_origin(const struct fetch_target *a, const struct fetch_target *b);
