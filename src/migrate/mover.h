/*
 * The thread that moves: what it is asked, and what it tells.
 */
#pragma once

#include "base/compiler.h"
#include "migrate/migration.h"
#include "tables/departure.h"

#include <stdatomic.h>

struct media_move;
struct row_move;

/* The switch begins once what has changed is written, and brought, within this. */
#define MOVER_ROUND_MS 2000

/* Lent by the migration, which tells others what it says. */
struct mover {
	struct migration_server server; /* but for ledger_file */
	char *ledger_file;              /* owned; NULL: it is on a server */
	char to[MIGRATION_ADDRESS_SIZE],
		store[MIGRATION_ADDRESS_SIZE]; /* "": that one stays where it is */
	int64_t begins_after_ms; /* it was so far before, and the switch came to nothing: it waits so long, and for whatever is away */
	bool verifies;           /* what was put is to be read back; until the departure says so */
	atomic_bool reads_back;  /* as asked, or as the departure says: all media is, or was */
	bool gives_up;           /* ends the move in place of going on with it */
	atomic_bool is_to_stop;  /* soon */

	/* Any number of times, on its thread; `waits_for` NULL: it gets on. */
	void (*tell)(struct mover *mover, enum migration_phase phase, const char *table,
		     uint64_t done, uint64_t all, uint64_t changes);
	void (*waits)(struct mover *mover, const struct err *waits_for);

	/* What it leaves. */
	struct departure departure;
	struct row_move *rows;    /* ready for the switch; NULL: the ledger stays where it is */
	struct media_move *media; /* the same; NULL: media stays where it is */
};

/* Blocks until all is there (true), it is to stop (ERR_UNAVAILABLE, "": it was asked to), or cannot go on. */
bool mover_run(struct mover *mover, struct err *err) MUST_CHECK;
void mover_release(struct mover *mover);
