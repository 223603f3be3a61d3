/*
 * Twilio's list read back over a time: import --since.  The server that runs on the data folder reads it, or, where none
 * does, one in this process that fetches nothing; this asks for it, and shows how far it is.  The ledger keeps the place, so
 * that whoever is killed goes on there.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "config/settings.h"

#include <jansson.h>
#include <stdbool.h>

struct import_since {
	const struct settings *settings;
	const char *since, *until; /* days; NULL: no bound */
	bool waits;                /* until what was found was fetched, too, where a server runs */
};
/* *out, for json_decref(): the answer of GET /api/imports at the end.  *out_is_own: nobody fetches it yet. */
bool import_since_run(const struct import_since *asked, json_t **out, bool *out_is_own,
		      struct err *err) MUST_CHECK;
/* The sum of a number over all accounts. */
json_int_t import_since_sum(const json_t *answer, const char *key);
