/*
 * Moving SQLite's log into the ledger's file, out of the writer's way.
 *
 * The larger the ledger, the more pages apart the log is moved to, and whatever webhook comes
 * meanwhile would wait for it.  So a thread with a connection of its own
 * moves it while the writer goes on appending; what the writer appended meanwhile is moved by
 * another pass, and the rest, once it is short, by the writer itself between two of its
 * transactions.  Only that last step lets SQLite begin the log anew, because nothing is appended
 * during it.
 *
 * Belongs to the writer's thread, but for start and free.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

struct catalog;
struct checkpointer;

/* `path`: of the ledger, which exists. */
bool checkpointer_start(const char *path, struct checkpointer **out, struct err *err) MUST_CHECK;
/* Waits for the pass that is under way.  NULL does nothing. */
void checkpointer_free(struct checkpointer *checkpointer);

/* After each turn of the writer, outside a transaction, with the writer's own catalog. */
void checkpointer_turn(struct checkpointer *checkpointer, struct catalog *writers);
