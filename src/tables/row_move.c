#include "tables/row_move.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/db.h"
#include "schema/schema.h"
#include "tables/arrival.h"
#include "tables/destination.h"
#include "tables/tables_private.h"

#include <string.h>

#define COPY_PAGE    2000 /* a transaction there, and what a kill does anew */
#define COMPARE_PAGE 10000
#define TURN_MS      250 /* pages are added to a turn for so long */
/*
 * All is found by its key, and read in the order of it; a plan from when a table was empty would read all of it for one row.  Nobody else
 * writes there yet; finding out here what has changed may take longer than others may be silent (db_postgres.c).  For a transaction
 * alone: a pooler gives the session to others.
 */
#define AS_OURS                                                                              \
	"SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL jit = off; " \
	"SET LOCAL max_parallel_workers_per_gather = 0; "                                    \
	"SET LOCAL idle_in_transaction_session_timeout = '60s'"
/* In the switch all is compared once more where it took no longer; else what has changed since. */
#define COMPARE_AGAIN_MS 2000

struct row_move {
	char *address; /* of the other one */
	struct db *from, *to;
	struct tables *tables;
	struct departure departure; /* once it has begun */
	enum row_move_phase phase;
	size_t table; /* at which copying, or comparing, is */
	struct table_place place;
	const atomic_bool *is_to_stop; /* NULL: nobody stops it */
	int64_t until_ms;              /* monotonic; of the switch: INT64_MAX in a turn */
	size_t learnt; /* tables of which the other database has counted what they have */
	struct table_place there; /* of comparing, on the other side */
	int64_t compared_ms;      /* what comparing all took */
};

void row_move_free(struct row_move *move)
{
	if (!move)
		return;
	db_free(move->from);
	db_free(move->to);
	tables_free(move->tables); /* the connections knew its texts */
	free(move->address);
	free(move);
}

bool row_move_open(const char *from, const char *to, struct row_move **out, struct err *err)
{
	AUTO(row_move_free) struct row_move *move = xcalloc(1, sizeof(*move));

	move->address = xstrdup(to);
	move->until_ms = INT64_MAX;
	if (!db_open(from, DB_READ, &move->from, err) || !schema_check(move->from, err) ||
	    !tables_read(move->from, &move->tables, err) || !db_open(to, DB_WRITE, &move->to, err))
		return false;
	*out = TAKE(move);
	return true;
}

void row_move_stop_by(struct row_move *move, const atomic_bool *is_to_stop)
{
	move->is_to_stop = is_to_stop;
}

static bool is_to_stop(const struct row_move *move)
{
	return move->is_to_stop && atomic_load(move->is_to_stop);
}

bool row_move_look(struct row_move *move, const struct departure *departure, struct err *err)
{
	return destination_look(move->address, err) &&
	       arrival_begin(move->to, departure, true, err);
}

bool row_move_begin(struct row_move *move, const struct departure *departure, struct err *err)
{
	move->departure = *departure;
	if (!arrival_begin(move->to, departure, false, err) ||
	    !arrival_find(move->to, move->tables, &move->table, &move->place, err))
		return false;
	move->phase = ROWS_COPYING;
	return true;
}

enum row_move_phase row_move_phase(const struct row_move *move)
{
	return move->phase;
}

bool row_move_find_media(struct row_move *move, int64_t *out, struct err *err)
{
	return arrival_find_media(move->to, out, err);
}

bool row_move_set_media(struct row_move *move, int64_t id, struct err *err)
{
	return arrival_set_media(move->to, id, err);
}

bool row_move_count(struct row_move *move, int64_t *out, struct err *err)
{
	int64_t all = 0;

	for (size_t i = 0; i < move->tables->count; i++) {
		int64_t rows;

		if (!table_count(move->tables, i, move->from, &rows, err))
			return false;
		all += rows;
	}
	*out = all;
	return true;
}

/* ---- a turn ---- */

static void begin_table(struct row_move *move, size_t table)
{
	move->table = table;
	move->place = move->there = (struct table_place){ .is_begun = false };
}

static bool has_time(const struct row_move *move, int64_t began_ms)
{
	return !is_to_stop(move) && clock_monotonic_ms() - began_ms < TURN_MS;
}

static bool copy_page(struct row_move *move, struct row_move_turn *out, struct err *err)
{
	struct table_page page;

	if (!table_copy(move->tables, move->table, move->from, move->to, COPY_PAGE, &move->place,
			&page, err))
		return false;
	out->rows += page.rows;
	if (page.is_last)
		begin_table(move, move->table + 1);
	return true;
}

/* Of one table: in the next one are rows, perhaps, of which the changes were left out. */
static bool copy_pages(struct row_move *move, struct row_move_turn *out, struct err *err)
{
	int64_t began_ms = clock_monotonic_ms();
	size_t table = move->table;

	while (move->table == table && table < move->tables->count && has_time(move, began_ms))
		if (!copy_page(move, out, err))
			return false;
	return arrival_set(move->to, move->tables, move->table, &move->place, err);
}

/* What is not copied yet needs no change. */
static size_t changed_tables(const struct row_move *move)
{
	return move->phase == ROWS_COPYING && move->table < move->tables->count
		       ? move->table + 1
		       : move->tables->count;
}

static bool begin_there(struct row_move *move, struct err *err)
{
	if (!db_begin(move->to, err))
		return false;
	if (db_exec(move->to, AS_OURS, err))
		return true;
	db_rollback(move->to);
	return false;
}

static bool apply_changes(const struct row_move *move, struct row_move_turn *out, struct err *err)
{
	struct table_changes changes = { .tables = move->tables,
					 .count = changed_tables(move),
					 .from = move->from,
					 .to = move->to,
					 .compares = move->phase != ROWS_COPYING,
					 .is_to_stop = move->is_to_stop,
					 .until_ms = move->until_ms };

	if (!table_changes_apply(&changes, err))
		return false;
	out->changes = changes.keys;
	return true;
}

static bool write_turn(struct row_move *move, struct row_move_turn *out, struct err *err)
{
	if (!begin_there(move, err))
		return false;
	if (apply_changes(move, out, err) &&
	    (move->phase != ROWS_COPYING || copy_pages(move, out, err)))
		return db_commit(move->to, err);
	db_rollback(move->to);
	return false;
}

static bool differs(const struct row_move *move, const struct table_place *before, struct err *err)
{
	char from[TABLE_KEYS_MAX][TABLE_KEY_TEXT] = { "" }, to[TABLE_KEYS_MAX][TABLE_KEY_TEXT];

	if (before->is_begun)
		table_place_write(move->tables, move->table, before, from);
	table_place_write(move->tables, move->table, &move->place, to);
	return err_set(err, ERR_CONFLICT, "table %s differs behind %s '%s', up to '%s'",
		       table_at(move->tables, move->table)->entry->name,
		       table_at(move->tables, move->table)->entry->key[0], from[0], to[0]);
}

static bool compare_page(struct row_move *move, struct row_move_turn *out, struct err *err)
{
	uint8_t here[SHA256_BYTES], there[SHA256_BYTES];
	struct table_place before = move->place;
	struct table_page page, page_there;

	if (!table_digest(move->tables, move->table, move->from, COMPARE_PAGE, &move->place, &page,
			  here, err) ||
	    !table_digest(move->tables, move->table, move->to, COMPARE_PAGE, &move->there,
			  &page_there, there, err))
		return false;
	if (page.rows != page_there.rows || memcmp(here, there, sizeof(here)) != 0)
		return differs(move, &before, err);
	out->rows += page.rows;
	if (page.is_last)
		begin_table(move, move->table + 1);
	return true;
}

/* `why`: it could not be learnt, and that is no reason not to go on; "": it was. */
static bool learn(struct row_move *move, const char *within, struct err *why, struct err *err)
{
	why->text[0] = '\0';
	if (!db_begin(move->to, err))
		return false;
	if (db_exec(move->to, within, why) &&
	    table_analyze(move->tables, move->learnt, move->to, why))
		return db_commit(move->to, err);
	db_rollback(move->to);
	return true;
}

#define LEARNS_WITHIN "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '4s'"

/*
 * Who serves from it begins with what the database knows of its tables: that is learnt here.  It is nothing to wait for, and the server
 * learns it by itself later: first as well as it can within seconds, else from fewer rows.
 */
static bool learn_tables(struct row_move *move, struct err *err)
{
	struct err why;

	for (; move->learnt < move->tables->count && !is_to_stop(move); move->learnt++) {
		if (!learn(move, LEARNS_WITHIN, &why, err) ||
		    (why.text[0] &&
		     !learn(move, LEARNS_WITHIN "; SET LOCAL default_statistics_target = 10", &why,
			    err)))
			return false;
		if (why.text[0])
			log_info(NULL,
				 "of table %s the new database knows nothing for its plans yet: %s",
				 table_at(move->tables, move->learnt)->entry->name, why.text);
	}
	return !is_to_stop(move) || err_set(err, ERR_UNAVAILABLE, "%s", "");
}

static bool next_phase(struct row_move *move, struct err *err)
{
	if (move->table < move->tables->count || move->phase == ROWS_FOLLOWING)
		return true;
	if (move->phase == ROWS_COMPARING) {
		move->phase = ROWS_FOLLOWING;
		return true;
	}
	if (!learn_tables(move, err))
		return false;
	move->phase = ROWS_COMPARING;
	begin_table(move, 0);
	return true;
}

static bool compare_pages(struct row_move *move, struct row_move_turn *out, struct err *err)
{
	int64_t began_ms = clock_monotonic_ms();
	bool is_good = true;

	if (!begin_there(move, err))
		return false;
	while (is_good && move->table < move->tables->count && has_time(move, began_ms))
		is_good = compare_page(move, out, err);
	db_rollback(move->to);
	move->compared_ms += clock_monotonic_ms() - began_ms;
	return is_good;
}

static bool run_turn(struct row_move *move, struct row_move_turn *out, struct err *err)
{
	int64_t began_ms = clock_monotonic_ms();

	if (!table_changes_last(move->from, &out->noted_up_to, err) ||
	    !write_turn(move, out, err) ||
	    (move->phase == ROWS_COMPARING && !compare_pages(move, out, err)))
		return false;
	out->took_ms = clock_monotonic_ms() - began_ms;
	return next_phase(move, err);
}

bool row_move_turn(struct row_move *move, struct row_move_turn *out, struct err *err)
{
	bool is_good;

	*out = (struct row_move_turn){ .rows = 0 };
	if (!db_begin(move->from, err))
		return false;
	is_good = run_turn(move, out, err);
	db_rollback(move->from);
	out->phase = move->phase;
	out->table = move->table < move->tables->count
			     ? table_at(move->tables, move->table)->entry->name
			     : NULL;
	return is_good;
}

/* ---- the switch ---- */

static bool has_time_left(const struct row_move *move, struct err *err)
{
	if (is_to_stop(move))
		return err_set(err, ERR_UNAVAILABLE, "%s", "");
	return clock_monotonic_ms() <= move->until_ms ||
	       err_set(err, ERR_UNAVAILABLE, TABLE_CHANGES_LATE);
}

static bool compare_all(struct row_move *move, struct err *err)
{
	struct row_move_turn turn = { .rows = 0 };
	bool is_good = true;

	if (!begin_there(move, err))
		return false;
	begin_table(move, 0);
	while (is_good && move->table < move->tables->count)
		is_good = has_time_left(move, err) && compare_page(move, &turn, err);
	db_rollback(move->to);
	return is_good;
}

static bool complete(struct row_move *move, struct err *err)
{
	if (!db_begin(move->to, err))
		return false;
	if (arrival_complete(move->to, move->from, &move->departure, err))
		return db_commit(move->to, err);
	db_rollback(move->to);
	return false;
}

bool row_move_complete(struct row_move *move, int64_t until_ms, struct err *err)
{
	struct row_move_turn last = { .rows = 0 };
	bool is_good;

	if (!db_begin(move->from, err))
		return false;
	move->until_ms = until_ms;
	is_good = run_turn(move, &last, err) &&
		  (move->compared_ms > COMPARE_AGAIN_MS || compare_all(move, err)) &&
		  has_time_left(move, err) && complete(move, err) &&
		  destination_look(move->address, err);
	move->until_ms = INT64_MAX;
	db_rollback(move->from);
	return is_good;
}
