/*
 * What the files of this room share; no other room includes it.
 */
#pragma once

#include "catalog/calls.h"
#include "catalog/catalog.h"
#include "catalog/catalog_sql.h"
#include "catalog/foreseen.h"
#include "catalog/main_recording.h"
#include "catalog/notices.h"
#include "catalog/recordings.h"
#include "catalog/rows.h"
#include "catalog/turns.h"
#include "db/db.h"

/* ---- processes.c: the first thing in a write transaction ---- */

bool process_fence(struct catalog *catalog, struct err *err) MUST_CHECK;

/* ---- foreseen.c ---- */

/* Asks what was named, with the begin of a transaction. */
bool foresight_ask(struct catalog *catalog, struct err *err) MUST_CHECK;
/* The transaction is over, or could not be begun: all is forgotten. */
void foresight_end(struct catalog *catalog);
void foresight_free(struct foresight *foresight);

/* recordings_mark.c: within a write transaction.  ERR_NOT_FOUND: no such recording. */
bool recording_place_find(struct catalog *catalog, struct str recording_sid,
			  struct recording_place *out, struct err *err) MUST_CHECK;
/* The same of one that may enter `to` from where it is; else ERR_CONFLICT. */
bool recording_place_find_for(struct catalog *catalog, struct str recording_sid,
			      enum recording_state to, struct recording_place *out,
			      struct err *err) MUST_CHECK;

/* Of a SHA-256, in hexadecimal. */
#define RECORDING_DIGEST_LEN (sizeof(((struct recording *)NULL)->sha256) - 1)

/* ---- notices.c: where catalog->notifies ---- */

/* The one that a change from place->state to `to` calls for, if any. */
bool notice_of_move(struct catalog *catalog, const struct recording_place *place,
		    enum recording_state to, int64_t seq, struct err *err) MUST_CHECK;
/* Its digest is known: what waits for it does so no longer. */
bool notice_has_digest(struct catalog *catalog, struct str recording_sid,
		       struct err *err) MUST_CHECK;
