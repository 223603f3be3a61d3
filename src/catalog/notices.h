/*
 * Notices: what is to be told to whom notify_url names, a row each, written in the transaction of the change that it
 * tells of: no crash loses one, and none is there whose change is not.  The rows are the queue; who takes from it is
 * chores/notices_queue.h.
 *
 * Where nobody is to be told, none is written, and a change costs one comparison more.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;

/* Stored as numbers: append only, never renumber. */
enum notice_type {
	NOTICE_STORED = 1, /* the recording's media is here, or again, of another generation */
	NOTICE_FAILED,     /* nothing will come: given up, absent, or deleted at Twilio */
	NOTICE_EXPIRED,    /* older than recordings are kept: no longer played */
	NOTICE_PURGED,     /* its bytes were removed, after its time */
	NOTICE_DELETED,    /* the same, because a person did not want it */
	/* Told to nobody: its hold was lifted, so it may have expired long ago. */
	NOTICE_LOOK,
};

/*
 * What is written before the digest is known waits for it so long: the receiver may want to compare.  Then it is told
 * without.
 */
#define NOTICE_DIGEST_WAIT_MS (30 * 1000)

/* The writer, or before it runs: from the next transaction on changes are noted, or not. */
void catalog_notify(struct catalog *catalog, bool notifies);

/*
 * The writer: of a recording whose row says already what has changed, with the sequence number of the change.  Only
 * where changes are noted.
 */
bool notice_add(struct catalog *catalog, int64_t recording_id, enum notice_type type, int64_t seq,
		struct err *err) MUST_CHECK;
