/*
 * A row for each transaction that changed something: a turn.
 *
 * It holds the last number of the sequence that was given in it, the watermark, and what the
 * counters were at its end.  Counters are needed because counting ten million rows takes seconds, so that
 * /health would time out where it matters most; a partial index a state was rejected, for it has to be
 * walked to be counted.  The row is written in the transaction that it tells of, so it cannot drift from it.
 *
 * On a server a row says, too, in which life of the server it was written: its timeline, which is another one after a standby took the
 * place of a server, or a backup was brought back.  What was committed at last may be gone then, and its numbers with it, which
 * somebody was told.  So the first turn of another life leaps (catalog_leap()): no number is given twice, but where two lives have
 * the same number (docs/decisions.md).
 *
 * A row is appended and none is changed.  A counter row that is updated grows a chain of dead versions on
 * PostgreSQL while anybody holds a snapshot, and every turn walks it.  Old turns are removed from time to
 * time; a reader has the newest of its snapshot.
 */
#include "catalog/turns.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

/*
 * Nobody reads an old turn but in an older snapshot, which keeps it anyway.  One statement removes as many
 * as this at once, so that most turns only append; up to twice as many are there.
 */
#define TURNS_KEPT 256
/* Of a ledger on a server others read them, too, and have done so long before there are so many more; who has but a few turns removes none. */
#define TURNS_KEPT_SHARED    8192
#define TURNS_BETWEEN_SHARED (TURNS_KEPT_SHARED / 8)

#define COUNT_TEXT_MAX 24 /* "15=-9223372036854775808 " */

/* "2=10 3=4096": each counter that is not 0. */
static bool counts_read(struct str text, int64_t numbers[CATALOG_NUMBERS], struct err *err)
{
	struct str piece, name;
	uint64_t number;

	while (text.len > 0 && str_cut(&text, ' ', &piece)) {
		int64_t value;

		if (!str_cut(&piece, '=', &name) || !str_to_u64(name, &number) ||
		    !str_to_i64(piece, &value))
			return err_set(err, ERR_INTERNAL, "the counters of a turn are unreadable");
		if (number < CATALOG_NUMBERS)
			numbers[number] = value;
	}
	return true;
}

static void counts_write(const int64_t numbers[CATALOG_NUMBERS], struct buf *out)
{
	for (int i = NUMBER_COUNTERS; i < CATALOG_NUMBERS; i++)
		if (numbers[i] != 0)
			buf_addf(out, "%s%d=%lld", buf_str(out).len > 0 ? " " : "", i,
				 (long long)numbers[i]);
}

/* The timeline is the first part of the name of the file that is written now. */
#define TIMELINE "('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint"

bool turns_look_at_server(struct catalog *catalog, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *look = NULL;

	catalog->tells_timeline = db_prepare(catalog->db, "SELECT " TIMELINE, &look, err) &&
				  db_step(look, err) == DB_ROW;
	if (catalog->tells_timeline)
		return true;
	if (err->kind == ERR_UNAVAILABLE)
		return false; /* it says nothing just now, and may in a moment */
	/* Some that speak as PostgreSQL does write no such files. */
	log_info(NULL, "the server does not tell its timeline: %s", err->text);
	return true;
}

static const char *last_turn_of(const struct catalog *catalog)
{
	if (catalog_is_local(catalog))
		return "SELECT seq, watermark, counts, streams FROM turns ORDER BY seq DESC LIMIT 1";
	if (catalog->tells_timeline)
		return "SELECT seq, watermark, counts, streams, seq, at_ms, process_id, timeline, " TIMELINE
		       " FROM turns ORDER BY seq DESC LIMIT 1";
	return "SELECT seq, watermark, counts, streams, seq, at_ms, process_id FROM turns "
	       "ORDER BY seq DESC LIMIT 1";
}

static bool read_last(struct catalog *catalog, int64_t numbers[CATALOG_NUMBERS], struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	memset(numbers, 0, sizeof(int64_t[CATALOG_NUMBERS]));
	catalog->newest = (struct turn_stamp){ 0 };
	catalog->timeline = 0;
	catalog->is_another_life = false;
	if (!db_prepare(catalog->db, last_turn_of(catalog), &find, err))
		return false;
	switch (db_step(find, err)) {
	case DB_ROW:
		if (!catalog_is_local(catalog))
			catalog->newest = turn_stamp_read(find, 4);
		if (catalog->tells_timeline) {
			catalog->timeline = db_column_int(find, 8);
			catalog->is_another_life = !db_column_is_null(find, 7) &&
						   db_column_int(find, 7) != catalog->timeline;
		}
		numbers[NUMBER_SEQUENCE] = db_column_int(find, 0);
		numbers[NUMBER_WATERMARK] = db_column_int(find, 1);
		return counts_read(db_column_str(find, 2), numbers, err) &&
		       streams_read(db_column_str(find, 3), catalog, err);
	case DB_DONE:
		catalog->stream_count = 0;
		return true;
	case DB_FAILED:
		break;
	}
	return false;
}

bool turn_leap(struct catalog *catalog, struct err *err)
{
	if (catalog->has_leapt)
		return true;
	catalog->has_leapt = true;
	return catalog_leap(catalog, err);
}

bool numbers_read(struct catalog *catalog, int64_t out[CATALOG_NUMBERS], struct err *err)
{
	if (catalog->mode != CATALOG_WRITE || !db_in_transaction(catalog->db))
		return read_last(catalog, out, err);
	for (int i = 0; i < CATALOG_NUMBERS; i++)
		out[i] = catalog->numbers[i] + catalog->added[i];
	return true;
}

bool number_read(struct catalog *catalog, enum catalog_number number, int64_t *out, struct err *err)
{
	int64_t numbers[CATALOG_NUMBERS];

	if (!numbers_read(catalog, numbers, err))
		return false;
	*out = numbers[number];
	return true;
}

bool turn_begin(struct catalog *catalog, struct err *err)
{
	memset(catalog->added, 0, sizeof(catalog->added));
	catalog->last_event = catalog->last_turn = 0;
	catalog->may_have_changed = false;
	catalog->told = 0;
	buf_clear(&catalog->changes);
	catalog->has_leapt = false;
	if (!read_last(catalog, catalog->numbers, err) ||
	    (catalog->is_another_life && !turn_leap(catalog, err)))
		return false;
	if (catalog->turns_kept_from == 0) {
		catalog->turns_kept_from = catalog->numbers[NUMBER_SEQUENCE];
		if (!catalog_is_local(catalog))
			catalog->turns_left = TURNS_BETWEEN_SHARED;
	}
	return true;
}

static bool is_changed(const struct catalog *catalog)
{
	for (int i = 0; i < CATALOG_NUMBERS; i++)
		if (catalog->added[i] != 0)
			return true;
	return false;
}

bool catalog_has_appended(const struct catalog *catalog)
{
	return catalog->last_event > 0;
}

/* Events alone are no turn. */
bool catalog_has_changed(const struct catalog *catalog)
{
	return catalog->last_event > 0 || is_changed(catalog);
}

/* The others may have more to read than this one has written: so the newest are counted, whoever wrote them. */
static bool remove_old_shared(struct catalog *catalog, struct err *err)
{
	struct db_stmt *remove;

	if (!db_prepare(catalog->db,
			"DELETE FROM turns WHERE seq < "
			"(SELECT seq FROM turns ORDER BY seq DESC LIMIT 1 OFFSET $1)",
			&remove, err))
		return false;
	db_bind_int(remove, 1, TURNS_KEPT_SHARED);
	catalog->turns_left = TURNS_BETWEEN_SHARED;
	return db_run(remove, err);
}

static bool remove_old(struct catalog *catalog, int64_t seq, struct err *err)
{
	struct db_stmt *remove;

	if (catalog->turns_left-- > 0)
		return true;
	if (!catalog_is_local(catalog))
		return remove_old_shared(catalog, err);
	if (!db_prepare(catalog->db, "DELETE FROM turns WHERE seq < $1", &remove, err))
		return false;
	/* A removal that was rolled back may have left a number that is still to come. */
	db_bind_int(remove, 1, catalog->turns_kept_from < seq ? catalog->turns_kept_from : seq);
	catalog->turns_kept_from = seq;
	catalog->turns_left = TURNS_KEPT;
	return db_run(remove, err);
}

int64_t catalog_next_sequence(struct catalog *catalog)
{
	number_add(catalog, NUMBER_SEQUENCE, 1);
	return catalog->numbers[NUMBER_SEQUENCE] + catalog->added[NUMBER_SEQUENCE];
}

bool turn_end(struct catalog *catalog, struct err *err)
{
	char text[CATALOG_NUMBERS * COUNT_TEXT_MAX], streams_text[STREAMS_TEXT_MAX];
	int64_t numbers[CATALOG_NUMBERS];
	struct db_stmt *append;
	struct buf counts, streams;

	/* Whether an answer that did not come was one is told by a turn: events are other processes' as well. */
	if (!is_changed(catalog) && (catalog->process_id == 0 || catalog->last_event == 0))
		return true;
	if (catalog->added[NUMBER_SEQUENCE] == 0)
		(void)catalog_next_sequence(catalog); /* the row's own */
	if (!numbers_read(catalog, numbers, err) ||
	    !db_prepare(
		    catalog->db,
		    "INSERT INTO turns (seq, at_ms, watermark, counts, process_id, streams, changes, "
		    "timeline) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		    &append, err))
		return false;
	catalog->last_turn = numbers[NUMBER_SEQUENCE];
	catalog->heard =
		(struct turn_stamp){ catalog->last_turn, clock_wall_ms(), catalog->writer_id };
	buf_over(&counts, text, sizeof(text));
	counts_write(numbers, &counts);
	buf_over(&streams, streams_text, sizeof(streams_text));
	streams_write(catalog, &streams);
	db_bind_int(append, 1, numbers[NUMBER_SEQUENCE]);
	db_bind_int(append, 2, catalog->heard.at_ms);
	db_bind_int(append, 3, numbers[NUMBER_WATERMARK]);
	db_bind_str(append, 4, buf_str(&counts));
	bind_known(append, 5, catalog->writer_id);
	bind_text(append, 6, streams.at);
	db_bind_str(append, 7, turn_changes(catalog));
	bind_known(append, 8, catalog->timeline);
	return db_run(append, err) && turn_notify(catalog, err) &&
	       remove_old(catalog, numbers[NUMBER_SEQUENCE], err);
}
