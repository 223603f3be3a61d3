/*
 * Refusing, so that the audit knows of it: who may not (403), who tries too often (429), and who asks for SIDs
 * that are not there.
 */
#pragma once

#include "api/web_error.h"
#include "base/compiler.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

/* The limits, as the audit calls them. */
#define LIMIT_UNKNOWN  "unknown credentials"
#define LIMIT_NETWORK  "sign-ins of a network"
#define LIMIT_ACCOUNT  "sign-ins to an account"
#define LIMIT_PASSWORD "changes of a password"
#define LIMIT_PLAYS    "plays"
#define LIMIT_MISSING  "unknown SIDs"

/* 403, and an entry `refused` for whom the exchange knows, else for their network. */
void web_refuse_forbidden(struct exchange *x, enum web_error error, const char *text);
/* 429, and an entry `throttled`.  `limit`: one of these; `name`: of the account that is over it, or NULL. */
void web_refuse_throttled(struct exchange *x, const char *limit, const char *name, int64_t wait_ms);

/*
 * A SID is not there: `error`, with its 404, or 429 for a credential that has asked for too many.  What is there is
 * never refused by this.
 */
void web_refuse_missing(struct exchange *x, enum web_error error, const char *text);
/* Before somebody else is asked for it: false, and 429, where web_refuse_missing() would say so. */
bool web_may_miss(struct exchange *x) MUST_CHECK;
