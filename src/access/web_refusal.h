/*
 * Refusing, so that the audit knows of it: who may not (403), who tries too often (429), and who asks for SIDs
 * that are not there.
 */
#pragma once

#include "api/web_counts.h"
#include "api/web_error.h"
#include "base/compiler.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

/* 403, and an entry `refused` for whom the exchange knows, else for their network. */
void web_refuse_forbidden(struct exchange *x, enum web_error error, const char *text);
/* 429, and an entry `throttled`.  `name`: of the account that is over the limit, or NULL. */
void web_refuse_throttled(struct exchange *x, enum web_limit limit, const char *name,
			  int64_t wait_ms);
/* 429 that no waiting ends, with the same entry. */
void web_refuse_locked(struct exchange *x, const char *name);

/*
 * A SID is not there: `error`, with its 404, or 429 for a credential that has asked for too many.  What is there is
 * never refused by this.
 */
void web_refuse_missing(struct exchange *x, enum web_error error, const char *text);
/* Before somebody else is asked for it: false, and 429, where web_refuse_missing() would say so. */
bool web_may_miss(struct exchange *x) MUST_CHECK;
