/*
 * Twilio's list read back over a time (rest/backfill.h): begun, and how far it is.
 *
 *	POST /api/imports {"since": "2026-01-01", "until": "2026-01-31"}
 *	GET  /api/imports
 */
#pragma once

struct exchange;

/* Of every account; days of GMT.  since may be left out: all that there is; until, too: up to now. */
void web_imports_begin(struct exchange *x);
void web_imports_list(struct exchange *x);
