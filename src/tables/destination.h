/*
 * The database to which a ledger is to move, before anything is written there: is it one from which can be served?
 *
 * What it says of itself is asked at the begin, for afterwards it would be found out in the middle, and once more right before the old ledger
 * is marked, for afterwards nobody could go back.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>

struct db;

/*
 * The server, its settings, the role and the schema, in connections of its own: with the one that is open as many as a process serves
 * with.  ERR_INVALID: what is wrong, and what would mend it.  ERR_UNAVAILABLE: there are fewer.
 */
bool destination_look(const char *address, struct err *err) MUST_CHECK;
/*
 * Something lies there that is not of this move: ERR_CONFLICT, with what it is; false always.  Outside a transaction.
 */
bool destination_refuse(struct db *db, struct err *err);

#define DESTINATION_REMEDY \
	"give it an empty one: DROP SCHEMA public CASCADE; CREATE SCHEMA public; empties it"
