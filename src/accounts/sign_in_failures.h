/*
 * Failed sign-ins by name, since the last good one: so that a restart forgives nobody.
 *
 * Names that nobody has are counted like all others, or the answer to a throttled one would tell them apart; so the
 * key is a keyed hash of the name, and the table holds no names.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdint.h>

#define SIGN_IN_FAILURES_MAX 100000 /* rows; the oldest go: some 8 MiB */

struct sign_in_failures {
	int64_t count; /* 0: none */
	int64_t at_ms; /* of the last */
};

bool sign_in_failures_find(struct catalog *catalog, struct str key, struct sign_in_failures *out,
			   struct err *err) MUST_CHECK;
bool sign_in_failures_add(struct catalog *catalog, struct str key, int64_t at_ms,
			  struct err *err) MUST_CHECK;
bool sign_in_failures_clear(struct catalog *catalog, struct str key, struct err *err) MUST_CHECK;
