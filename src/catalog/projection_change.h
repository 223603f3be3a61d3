/*
 * What has changed in the ledger, as it is told to whoever keeps something of it: by the projection of events, and by jobs of
 * the writer.
 */
#pragma once

#include "catalog/catalog.h"

#include <stdint.h>

/* Bits of projection_change.what; stored (turn_news.h): append only, never renumber. */
enum projection_what {
	PROJECTED_CALL = 1 << 0,       /* the call is new, or changed */
	PROJECTED_RECORDING = 1 << 1,  /* the recording is new, or changed */
	PROJECTED_TO_FETCH = 1 << 2,   /* it became RECORDING_QUEUED, or is due sooner: a flight */
	PROJECTED_MAIN = 1 << 3,       /* this recording became the call's main recording */
	PROJECTED_CALL_ENDED = 1 << 4, /* the call's status became final */
	PROJECTED_STORED = 1 << 5,     /* the recording became RECORDING_STORED, or again */
	/* Of auth/: what loops know of a credential, of all of a user's, of all visits of links, is over. */
	PROJECTED_CREDENTIAL = 1 << 6,
	PROJECTED_USER = 1 << 7,
	PROJECTED_LINK = 1 << 8,
	PROJECTED_REMOVED =
		1 << 9, /* the recording was purged or deleted: its files are to go (removals.h) */
	/*
	 * With PROJECTED_CALL, of a call that was known: where it stands in the list, its direction or its numbers
	 * changed.  A list that has it must look again whether it still belongs there.
	 */
	PROJECTED_MOVED = 1 << 10,
	/* Of another process's turns some were missed: whoever keeps anything may hold what is no longer so.  No SID is named. */
	PROJECTED_ALL = 1 << 11,
	PROJECTED_LET_GO =
		1 << 12, /* an attempt is over that may have held what was to be removed */
	PROJECTED_NOTICES =
		1 << 13, /* dead letters wait again, for their receiver is said to be back */
};

struct projection_change {
	unsigned what;
	char call_sid[SID_SIZE];      /* "" when the recording's call is not known */
	char recording_sid[SID_SIZE]; /* "" when the event named none */
	char account_sid[SID_SIZE];   /* "" when not told */
	int64_t credential_id;        /* with PROJECTED_CREDENTIAL */
	int64_t user_id;              /* with PROJECTED_USER */
};
