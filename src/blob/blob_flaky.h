/*
 * A test double that is an ordinary driver: it passes calls on to another store,
 * and fails those that it is told to.
 *
 *	blob_flaky_fail(store, &(struct blob_failure){ BLOB_CALL_WRITE, .after = 2, .count = 1 });
 *
 * fails the third write from now, once.  A failed call does nothing, but for a seal that
 * fails as a sync: that one has renamed the file already.
 */
#pragma once

#include "base/err.h"
#include "blob/blob.h"

#include <stdint.h>

enum blob_call {
	BLOB_CALL_ARRIVING_OPEN,
	BLOB_CALL_WRITE,
	BLOB_CALL_TRUNCATE,
	BLOB_CALL_READER,
	BLOB_CALL_SEAL,
	BLOB_CALL_SWEEP,
	BLOB_CALL_OPEN_READ,
	BLOB_CALL_LIST,
	BLOB_CALL_REMOVE,
	BLOB_CALL_SYNC_PLACE,
	BLOB_CALL_FREE_BYTES,
	BLOB_CALL_ANY, /* for blob_flaky_fail(): whichever it is */
};

struct blob_failure { /* plain value */
	enum blob_call call;
	uint64_t after;     /* so many of them succeed first */
	uint64_t count;     /* then so many fail; UINT64_MAX: all */
	enum err_kind kind; /* ERR_UNAVAILABLE: the disk is full */
	bool is_sync; /* of BLOB_CALL_SEAL: BLOB_UNSYNCED; the file is under its name by then */
};

/* Takes `inner`, which is freed with it. */
struct blob_store *blob_flaky_new(struct blob_store *inner);
/* Any thread, before the calls that it is about.  Replaces the one before; NULL: none fail. */
void blob_flaky_fail(struct blob_store *flaky, const struct blob_failure *failure);
/* How many calls of the kind came since blob_flaky_new(). */
uint64_t blob_flaky_calls(struct blob_store *flaky, enum blob_call call);
