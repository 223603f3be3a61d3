/*
 * Who writes to a ledger that is on a server.
 *
 * A process that serves from it enlists: it gets a row, and those of all before it are gone.  Each of its transactions begins with a look
 * at its own row, so that one whose row is gone commits nothing, whatever it believes: ERR_UNAVAILABLE, and the text says why.
 * Nobody's clock counts, and nobody has to be asked whether he still lives.
 *
 * A command that changes something beside it is not enlisted, and ends nobody.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct catalog;

/* CATALOG_WRITE, outside a transaction.  A ledger in a file has its lock: there it does nothing. */
bool catalog_enlist(struct catalog *catalog, struct err *err) MUST_CHECK;
