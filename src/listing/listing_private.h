/*
 * What the list and the search of calls share, and what tests look at; no other room includes it.
 */
#pragma once

#include "catalog/catalog_sql.h"
#include "catalog/rows.h"
#include "db/db.h"
#include "listing/calls_list.h"

/* The way that a page takes: from `start`, which is not in it, as far as the filter's other end. */
enum call_side { CALLS_OLDER, CALLS_NEWER, CALL_SIDES };
struct call_walk {
	enum call_side side;
	struct call_cursor start; /* the cursor, or the filter's nearer end */
	int64_t end_ms; /* OLDER: the last instant that is reached; NEWER: the first that is not */
	bool has_direction; /* of that one alone, which may be the unknown one */
	enum call_direction direction;
};
struct call_walk call_walk_of(enum call_side side, const struct call_filter *filter,
			      const struct call_cursor *cursor);
/* Does a walk come to `a` before it comes to `b`? */
bool call_is_nearer(enum call_side side, const struct call_cursor *a, const struct call_cursor *b);
/* The same filter, narrowed to the instants at which its fate is possible at all. */
struct call_filter call_filter_narrow(const struct call_filter *filter);
/* The values of calls.recording_group that the filter asks for; 0: any. */
#define CALL_CODES_MAX 5
size_t call_filter_codes(const struct call_filter *filter, int out[CALL_CODES_MAX]);
/* As it is shown, whichever way it was read. */
void call_rows_reverse(struct call_row *rows, size_t count);
/* A row of CALL_COLUMNS and RECORDING_COLUMNS. */
void call_row_read(const struct db_stmt *row, struct call_row *out);
/* The statement of a page, for its plan to be tested. */
const char *calls_list_sql(enum call_side side, const struct call_filter *filter);
/* A page's rows in the order of the walk: nearest to its start first.  By an index of the list, and of numbers. */
bool calls_read_page(struct catalog *catalog, const struct call_filter *filter,
		     const struct call_walk *walk, struct call_row *out, size_t size,
		     struct call_page *out_page, struct err *err) MUST_CHECK;
/*
 * A page of those of the filter, its number included, that are found by walking the list: looks at `most` calls, and then ends, short,
 * with a place to go on from.
 */
bool calls_walk_list(struct catalog *catalog, const struct call_filter *filter,
		     const struct call_walk *walk, size_t most, struct call_row *out, size_t size,
		     struct call_page *out_page, struct err *err) MUST_CHECK;
/* A page of CALLS_EXPIRED, without a number or a SID. */
bool calls_read_expired(struct catalog *catalog, const struct call_filter *filter,
			enum call_side side, const struct call_cursor *cursor, struct call_row *out,
			size_t size, struct call_page *out_page, struct err *err) MUST_CHECK;
bool calls_search(struct catalog *catalog, const struct call_filter *filter,
		  const struct call_walk *walk, struct call_row *out, size_t size,
		  struct call_page *out_page, struct err *err) MUST_CHECK;

/* ---- recordings_list.c: its statements, for their plans to be tested ---- */

#define RECORDINGS_LIST_SQLS 3
extern const char *const recordings_list_sql[RECORDINGS_LIST_SQLS];
