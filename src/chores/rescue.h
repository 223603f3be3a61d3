/*
 * Rows of a damaged ledger, put as they were into a new one (rebuild/rebuild.h): what nothing else tells of.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"
#include "catalog/catalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rescue_table {
	RESCUE_EVENTS, /* `id` is their seq, and not among the values */
	RESCUE_USERS,
	RESCUE_CREDENTIALS,
	RESCUE_AUDIT,
	RESCUE_AUDIT_CHAINS,
	RESCUE_TABLES,
};

struct rescue_value {
	enum { RESCUE_NULL, RESCUE_INT, RESCUE_TEXT, RESCUE_BYTES } type;
	int64_t number;
	struct str bytes;
};

/* Columns of that table, as they stand in its row. */
size_t rescue_columns(enum rescue_table table);
/*
 * The writer.  What is there already stays.  *out_taken: whether it was put there.  ERR_CONFLICT: the row cannot be so
 * (something that it needs is missing, as a user of whom it is).
 */
bool rescue_put(struct catalog *catalog, enum rescue_table table, int64_t id,
		const struct rescue_value *values, size_t count, bool *out_taken,
		struct err *err) MUST_CHECK;

/*
 * The writer: the call's address means this recording, as it did, whichever of its events are left.  Where one of both is not
 * known, or it is so already, nothing happens.  Before the recording's state changes: the call's group follows that.
 */
bool rescue_main(struct catalog *catalog, struct str call_sid, struct str recording_sid,
		 struct err *err) MUST_CHECK;

/* The writer: catalog_leap() until nothing that is numbered from now on comes near `highest`. */
bool rescue_leap(struct catalog *catalog, int64_t highest, struct err *err) MUST_CHECK;

/* Does SQLite find anything wrong with it?  Reads all of it.  *out_why, of `size`: "" where not. */
bool rescue_examine(const char *path, char *out_why, size_t size, struct err *err) MUST_CHECK;
