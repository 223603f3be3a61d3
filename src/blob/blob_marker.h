/*
 * Whose store a bucket is: the object callspool.store says that it is one of ours, and of which ledger.
 *
 * A ledger has an id, and all who serve from it know it.  Nothing is put where the marker names another; where there is none it is
 * written, unless the ledger says that media is stored already: then the bucket is not the one that it was.  A marker of an
 * older version names nobody: it is taken over by a ledger that has media there.  One that names another id than the ledger has (which
 * was restored from before it had one, perhaps) is taken over where somebody says so, by that id; and by no ledger that
 * has nothing stored.
 *
 * What was written is read again, at once and before the first object: of two ledgers that begin at once in one place one sees the
 * other's.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "blob/blob.h"
#include "s3/s3.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BLOB_MARKER_KEY "callspool.store"
#define BLOB_PROBE_KEY  "callspool.doctor" /* for a moment: checkup/bucket_checks.c */

#define BLOB_MARKER_TEXT \
	"A store of callspool: recordings, in folders by the first two digits of their call.\n"

struct blob_marker {
	struct s3 *s3;
	char id[BLOB_STORE_ID_SIZE];    /* of the ledger; "": not known: then any of ours will do */
	char claim[BLOB_STORE_ID_SIZE]; /* of a marker that is to be made this ledger's; "": none */
	bool is_used;                   /* the ledger says that media is stored there */
	atomic_bool is_sure;            /* it was there, and ours, before this check */
};

enum marker_kind {
	MARKER_OURS,     /* this ledger's; or, where we know of none, anybody's */
	MARKER_OTHERS,   /* another ledger's, */
	MARKER_CLAIMED,  /* which is to be this one's */
	MARKER_NAMELESS, /* it names none */
	MARKER_ABSENT,
	MARKER_FOREIGN, /* not what we would write */
};

/* What stands there, against the ids.  claim: "", or the id of another.  Pure. */
enum marker_kind blob_marker_read(struct str text, const char *id, const char *claim);
/* The id that it names, as one may be; "": none. */
void blob_marker_id(struct str text, char out[BLOB_STORE_ID_SIZE]);
/* The text of a marker. */
void blob_marker_write(const char *id, struct buf *out);

/* Embedded in its owner; zeroed but for what is asked. */
struct marker_check {
	bool may_write;           /* where it may be, it is made ours */
	int64_t give_up_after_ms; /* as of s3_request */
	int64_t limit_ms;
	bool is_once;
	void (*done)(struct marker_check *check); /* on the bucket's loop */

	/* ERR_CONFLICT: another ledger's.  ERR_UNAVAILABLE: not known just now, or not what it was. */
	bool is_ours;
	struct err err;

	/* internal */
	struct blob_marker *marker;
	struct s3_request ask;
	struct buf text;
	bool is_written, is_claiming;
};

void blob_marker_check(struct blob_marker *marker, struct marker_check *check);
/* The same, and waits for it. */
bool blob_marker_check_now(struct blob_marker *marker, struct marker_check *check,
			   struct err *err) MUST_CHECK;
