/*
 * The roll: who serves from one ledger, what each has, and how durable the server is that keeps it; for who looks after them.
 *
 * A reader's.  Of a ledger in a file there is none: ERR_INVALID.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "cluster/leases.h"
#include "cluster/members.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

struct roll_row {
	int64_t id, started_at_ms, beat;
	struct member_standing standing; /* as it said with its last beat */
	int64_t leases;                  /* recordings that it fetches, or has claimed */
	int64_t events_waiting;          /* of its webhooks, that are not projected yet */
	char version[32];
	char place[33]; /* "": it did not say */
	char address
		[HOLDER_ADDRESS_SIZE]; /* where others ask it for what it fetches; "": nowhere */
};

struct roll {
	struct roll_row at[MEMBERS_MAX]; /* by id: the first has the duties */
	size_t count;
	int64_t streams_behind; /* of all processes, those that are no more too, with events that are not projected */
};
bool roll_read(struct catalog *catalog, struct roll *out, struct err *err) MUST_CHECK;

/* Of one process: what /metrics tells of it. */
struct roll_sums {
	int64_t processes, leases, streams_behind;
};
bool roll_count(struct catalog *catalog, int64_t process, struct roll_sums *out,
		struct err *err) MUST_CHECK;

/* The server's settings that a commit's promise rests on, as they are for our own connections. */
struct durability {
	bool has_fsync, has_full_page_writes;
	char synchronous_commit[16];
	char standby_names[256]; /* synchronous_standby_names; "": none */
	int64_t standbys;        /* servers that follow it now */
	char server_version[32];
};
bool durability_read(struct catalog *catalog, struct durability *out, struct err *err) MUST_CHECK;
