/*
 * Leases: which process fetches a recording.
 *
 * A row of the table leases, whose key is the recording: so at no instant has one two.  It needs no time of its own, for it ends with
 * its process's row (members.h).  Whoever has a file begun, or a player who waits, keeps it from try to try.
 *
 * A ledger in a file has one process and no leases: there every function says yes.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"
#include "catalog/recordings_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;
struct db_stmt;

/* An attempt that was begun as the recording was claimed, and what was known of it then. */
struct lease_begun {
	struct recording recording;
	char *encryption; /* as the ledger has it (twilio/encryption_details.h); NULL: it is not encrypted */
	char *url; /* RecordingUrl as told; "": it was not */
	int64_t attempt_id, began_at_ms;
};
void lease_begun_free(struct lease_begun *begun);
DEFINE_AUTO(struct lease_begun *, lease_begun_free)

/* A lease of what a claim has found, as it was asked for: what was had of it comes along with the commit. */
struct leases_asked {
	struct db_stmt *begun, *leased; /* NULL: nothing was asked */
};
/* What was asked is not wanted any more; as often as you like. */
void leases_asked_release(struct leases_asked *asked);
/*
 * CATALOG_QUICK (of a file: a reader): queue_claim(), and a lease of each is asked for.  `asked` is empty.
 *
 * On a server an attempt is begun of each that nobody had a lease of before, and that is not too old to be kept.  Others are begun, if
 * at all, in a turn.
 */
bool leases_claim(struct catalog *catalog, const struct queue_claim *claim, struct queue_row *out,
		  size_t *out_count, struct leases_asked *asked, struct err *err) MUST_CHECK;
/*
 * Behind the commit, which is no wait more; nobody relies on it before.  Of the rows those stay that are had, with row->begun,
 * which is the caller's.  Those that somebody else claimed or changed at that moment were passed over, and not waited for:
 * *out_passed_over, and who is to have them asks again soon.
 */
bool leases_had(const struct queue_claim *claim, struct leases_asked *asked, struct queue_row *rows,
		size_t *count, bool *out_passed_over, struct err *err) MUST_CHECK;

/* ---- in a write transaction ---- */

/* *out false: another process has it. */
bool lease_take(struct catalog *catalog, struct str recording_sid, int64_t at_ms, bool *out,
		struct err *err) MUST_CHECK;
/*
 * Before a try; *out true: not here, not now.  Another process has it; or, with `pause_ms`, one has failed with it no longer ago, or was told
 * how long to wait: then it has shortened of the wait what a player may.
 */
bool lease_begin(struct catalog *catalog, const struct recording *recording, int64_t at_ms,
		 int64_t pause_ms, bool *out_is_elsewhere, struct err *err) MUST_CHECK;
/*
 * Who does something else with the recording: nobody claims it from now on until the turn is over, and what was claimed before, and
 * the attempt that was begun with it, is seen by what is asked next.
 */
bool lease_shut_out(struct catalog *catalog, struct str recording_sid, struct err *err) MUST_CHECK;
/* ERR_CONFLICT: it is not ours any more, and what was done under it is not to be kept. */
bool lease_check(struct catalog *catalog, struct str recording_sid, struct err *err) MUST_CHECK;
/* The same, and gives it back. */
bool lease_end(struct catalog *catalog, struct str recording_sid, struct err *err) MUST_CHECK;

/* ---- whose it is ---- */

#define HOLDER_ADDRESS_SIZE 280
#define HOLDER_TOKEN_SIZE   65

struct lease_holder {
	int64_t process_id; /* 0: nobody has a lease of it */
	/* Where it can be asked, and what it is shown (members_tell()); "": nowhere. */
	char address[HOLDER_ADDRESS_SIZE], token[HOLDER_TOKEN_SIZE];
};
/* CATALOG_READ.  Who fetches it; of a ledger in a file nobody else. */
bool lease_find_holder(struct catalog *catalog, struct str recording_sid, struct lease_holder *out,
		       struct err *err) MUST_CHECK;

/* ---- what was forgotten ---- */

struct lease_row {
	int64_t recording_id, since_ms; /* since_ms: of the newer of both */
	char recording_sid[SID_SIZE];
};
/*
 * Those of this process, and the recordings of which its flights have an open attempt, by recording, in pages; the end is a page with
 * fewer than `size`.
 */
bool leases_own(struct catalog *catalog, int64_t after_id, struct lease_row *out, size_t size,
		size_t *out_count, struct err *err) MUST_CHECK;
