/*
 * Waiting until others have had a turn: by LISTEN, where that is proved to work, else by looking often.
 *
 * A pooler says yes to LISTEN and delivers nothing.  So who listens tells himself something, too, and believes in it once that has
 * come; he does so again every LISTENING_PROOF_MS, and after each new connection.  Where a pooler was noticed (db_is_nameless()) he only looks.
 *
 * Belongs to the thread of the catalog.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct catalog;

#define LISTENING_PROOF_MS  60000
#define LISTENING_OFTEN_MS  250  /* between two looks, where it is not proved */
#define LISTENING_SELDOM_MS 2000 /* where it is */

struct listening {           /* all 0 at first */
	uint64_t connection; /* that listens */
	int64_t asked_at_ms; /* monotonic: when it was put to the proof */
	bool is_proved;
};

/*
 * Returns when others may have had a turn, `wake_fd` can be read, or it is time to look anyway.  CATALOG_WRITE, outside a
 * transaction.
 */
void listening_wait(struct listening *listening, struct catalog *catalog, int wake_fd);
