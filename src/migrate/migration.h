/*
 * Moving the ledger of this process, while it serves, to a server; and media into a bucket with it, or alone.
 *
 *	NONE -> RUNNING <-> PAUSED
 *	           \-> FAILED -> RUNNING      asked again it goes on where it was
 *	           \-> SWITCHING -> MOVED     the process is taken apart and put together on the other ledger
 *	                    \-> RUNNING       ... on its own, as it was; the next switch is tried later, a few times: then FAILED
 *
 * It belongs to the process and outlives the server in it (server/server.h): a server lends itself by migration_attach().  The
 * work is done by a thread of its own (mover.h), of low priority.
 *
 * Threads: any may ask; the rest is that of the process's main loop.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "s3/s3_options.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger;
struct loop;
struct migration;

/* The least that a switch has, once replies are sent. */
#define MIGRATION_SWITCH_LEAST_MS 5000

#define MIGRATION_ADDRESS_SIZE 768 /* as departure.h has it */
#define MIGRATION_TABLE_SIZE   48

enum migration_state {
	MIGRATION_NONE,
	MIGRATION_RUNNING,
	MIGRATION_PAUSED,
	MIGRATION_FAILED,
	MIGRATION_SWITCHING,
	MIGRATION_MOVED,
};

enum migration_phase {
	MIGRATION_BEGINS,
	MIGRATION_MEDIA,
	MIGRATION_VERIFIES, /* media */
	MIGRATION_ROWS,
	MIGRATION_COMPARES,
	MIGRATION_FOLLOWS, /* until little enough changes */
};

/* A plain value. */
struct migration_status {
	enum migration_state state;
	enum migration_phase phase;
	char to[MIGRATION_ADDRESS_SIZE], store[MIGRATION_ADDRESS_SIZE]; /* "": as it is */
	char table[MIGRATION_TABLE_SIZE];
	uint64_t done, all; /* rows, or recordings, of the phase */
	uint64_t changes;   /* written behind */
	struct err err;     /* FAILED: why; RUNNING: what it waits for, "": nothing */
};

struct migration_callbacks {
	/*
	 * All is there: the server is to be ended, migration_switch() called, and one put together anew, as that says.  On the main
	 * loop.
	 */
	void (*switch_over)(void *owner);
	void *owner;
};

bool migration_open(struct loop *loop, const struct migration_callbacks *on, struct migration **out,
		    struct err *err) MUST_CHECK;
void migration_free(struct migration *migration); /* after migration_detach(); NULL does nothing */
DEFINE_AUTO(struct migration *, migration_free)

/* What a server lends; borrowed until migration_detach(). */
struct migration_server {
	const char *ledger_file; /* NULL: it is on a server already, and moves no further */
	struct ledger *ledger;
	struct s3_options
		s3;    /* with which a bucket is reached; s3.store NULL: media lies in files */
	unsigned puts; /* files at once */
	const char *data_dir;
	uint64_t min_free_bytes;
};
void migration_attach(struct migration *migration, const struct migration_server *server);
/*
 * It serves by now: what was moved has arrived, and a start with the settings of before is refused from now on (migration_awaits()).
 * `ledger_file`: the one in data_dir, which the ledger may have left.
 */
void migration_arrived(struct migration *migration, const char *ledger_file);
/* The server is about to stop: the thread ends soon, and nobody waits for it.  Before migration_detach(). */
void migration_expect_stop(struct migration *migration);
/* The thread has ended.  Before ledger_stop(). */
void migration_detach(struct migration *migration);

/* verifies: all media in the bucket is read before it is served from.  `store` "": media stays where it is; `to` "": the ledger does.  ERR_CONFLICT: another one is under way, or this one is without that. */
bool migration_ask(struct migration *migration, const char *to, const char *store, bool verifies,
		   struct err *err) MUST_CHECK;
/* ERR_CONFLICT: it cannot be any more. */
bool migration_pause(struct migration *migration, struct err *err) MUST_CHECK;
/* It is given up: the ledger stays as if nothing had been begun; what was written elsewhere is its owner's. */
bool migration_cancel(struct migration *migration, struct err *err) MUST_CHECK;
void migration_read(struct migration *migration, struct migration_status *out);

/*
 * In switch_over(), once the server is freed.  True: the ledger was moved, and whoever opens it is told so: *out says where to.
 * False: nothing has changed; what failed for want of an answer is tried again once a server is attached.  `until_ms`, monotonic: later than
 * that rather not.
 */
bool migration_switch(struct migration *migration, int64_t until_ms, struct migration_status *out,
		      struct err *err) MUST_CHECK;
/* There will be no switch: why. */
void migration_refuse(struct migration *migration, const struct err *why);

/*
 * At a start: was that ledger moved, or its media, and nobody has been served from there yet?  Then that is where the move goes on: *to,
 * *store ("": that one stays where it is).
 */
bool migration_awaits(const char *ledger_file, char to[MIGRATION_ADDRESS_SIZE],
		      char store[MIGRATION_ADDRESS_SIZE]);

/*
 * At a start, before anything is opened: what of a move is to be done yet, after the switch.  ERR_CONFLICT: the folder's ledger was
 * moved elsewhere.
 */
bool migration_settle(const char *data_dir, const char *ledger_file, const char *database,
		      const char *store, bool *out_was_moved, struct err *err) MUST_CHECK;
