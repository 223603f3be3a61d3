/*
 * The ledger as a whole: durability, group commit, sequence.
 *
 * What 200 to a webhook means.  The writer appends the events of all webhooks that
 * wait (events.c) and commits once; SQLite syncs its log before the commit returns
 * (db_sqlite.c), and only then is any of them answered.  So an answered event is on
 * the disk, and the cost of the sync is shared by all who came together.  When the
 * commit fails, none of them is kept and all are answered 503; the disk is in doubt
 * after a failed sync, so whoever sees ERR_INTERNAL from catalog_commit() ends the
 * process instead of trying again, and the next start makes durable what it reads (db_settle()).
 *
 * Everything else about a call is derived from its events, behind (projection/),
 * and could be derived again.  What cannot: attempts, and what was stored where.
 * Those are written by the writer too, each before the world may rely on it.
 *
 * The sequence.  Each changed row carries the number of its change, and a new row has
 * it as its id, too (but for attempts), so that no insert has to be asked for one.  Within a
 * write transaction the numbers are counted in memory from the last turn (turns.c); the
 * commit writes the next.  A transaction that is rolled back has used none.
 */
#include "catalog/catalog.h"

#include <poll.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog/catalog_private.h"
#include "catalog/silent_holders.h"
#include "schema/schema.h"

/* A commit that was not answered is looked for so long: a disk that stands still does so for seconds, seldom for more. */
#define DOUBT_MS       20000
#define DOUBT_AGAIN_MS 250

/*
 * What an earlier process wrote and could not sync is settled first.  The checkpoint behind it writes
 * the first page of a file that is new, which would make the log worthless if it were missing; there is always
 * one in the log of a new file.  It needs no room but for what the ledger has grown by, and where there is
 * none the log keeps it.
 */
static bool bring_up_to_date(struct catalog *catalog, struct schema_wait *wait, struct err *err)
{
	if (!db_begin(catalog->db, err))
		return false;
	if (!db_settle(catalog->db, err) || !schema_migrate(catalog->db, wait, err)) {
		db_rollback(catalog->db);
		return false;
	}
	return db_commit(catalog->db, err);
}

static bool set_up_writer(struct catalog *catalog, struct err *err)
{
	struct schema_wait wait = { 0 };
	int64_t left_bytes;

	for (unsigned tries = 1; !bring_up_to_date(catalog, &wait, err); tries++) {
		if (!wait.is_worth_it || err->kind != ERR_UNAVAILABLE || tries == SCHEMA_TRIES)
			return false;
		log_debug(NULL, "the ledger cannot be brought up to date yet: %s", err->text);
		(void)poll(NULL, 0, SCHEMA_AGAIN_MS);
	}
	return db_checkpoint(catalog->db, &left_bytes, err) || err->kind == ERR_UNAVAILABLE;
}

static enum db_mode db_mode_of(enum catalog_mode mode)
{
	switch (mode) {
	case CATALOG_QUICK:
		return DB_QUICK;
	case CATALOG_READ:
		return DB_READ;
	case CATALOG_WRITE:
	case CATALOG_CHECKPOINT:
		break;
	}
	return DB_WRITE;
}

/* On a server others may write at the same time, who are told apart by it; of a process's writer it is the process's id. */
static int64_t random_writer(void)
{
	uint64_t random;

	random_bytes(&random, sizeof(random));
	return -(int64_t)(random >> 2) - 1;
}

bool catalog_open(const char *path, enum catalog_mode mode, struct catalog **out, struct err *err)
{
	AUTO(catalog_free) struct catalog *catalog = xcalloc(1, sizeof(*catalog));
	bool is_ready;

	catalog->mode = mode;
	catalog->doubt_ms = DOUBT_MS;
	buf_init(&catalog->changes, TURN_TEXT_MAX);
	if (!db_open(path, db_mode_of(mode), &catalog->db, err))
		return false;
	if (mode == CATALOG_WRITE && !catalog_is_local(catalog))
		catalog->writer_id = random_writer();
	is_ready = mode == CATALOG_WRITE ? set_up_writer(catalog, err)
					 : schema_check(catalog->db, err);
	if (is_ready && mode == CATALOG_WRITE && !catalog_is_local(catalog))
		is_ready = turns_look_at_server(catalog, err);
	if (!is_ready)
		return err_context(err, "ledger '%s'", path);
	*out = TAKE(catalog);
	return true;
}

bool catalog_is_local(const struct catalog *catalog)
{
	return db_dialect(catalog->db) == DB_SQLITE;
}

bool catalog_is_cut_off(const struct catalog *catalog)
{
	return db_is_unreachable(catalog->db);
}

bool catalog_check(const char *path, struct err *err)
{
	AUTO(db_free) struct db *db = NULL;
	struct err ignored;

	return !db_open(path, DB_READ, &db, &ignored) || schema_is_known(db, err) ||
	       err_context(err, "ledger '%s'", path);
}

static void forget_ahead(struct catalog *catalog)
{
	foresight_end(catalog);
	turn_news_end(catalog);
}

void catalog_free(struct catalog *catalog)
{
	if (!catalog)
		return;
	forget_ahead(catalog);
	foresight_free(catalog->foresight);
	db_free(catalog->db);
	buf_release(&catalog->changes);
	free(catalog->place);
	free(catalog);
}

/* Behind the seat, and before the first answer is waited for, which is that of the last turn. */
static bool begin(struct catalog *catalog, struct catalog_ahead *ahead, struct err *err)
{
	return process_fence(catalog, err) && foresight_ask(catalog, err) &&
	       turn_news_ask(catalog, err) && (!ahead || ahead->ask(ahead, catalog, err)) &&
	       (catalog->mode != CATALOG_WRITE || turn_begin(catalog, err));
}

bool catalog_begin_ahead(struct catalog *catalog, struct catalog_ahead *ahead, struct err *err)
{
	catalog->is_in_doubt = false;
	if (!db_begin(catalog->db, err)) {
		forget_ahead(catalog);
		return false;
	}
	if (catalog->mode == CATALOG_READ || begin(catalog, ahead, err))
		return true;
	catalog_rollback(catalog);
	if (catalog->mode == CATALOG_WRITE && err->kind == ERR_UNAVAILABLE)
		silent_holders_end(catalog); /* it may have waited for one in vain */
	return false;
}

bool catalog_begin(struct catalog *catalog, struct err *err)
{
	return catalog_begin_ahead(catalog, NULL, err);
}

/* The row that this transaction wrote, and no other. */
static bool find_own(struct catalog *catalog, bool *out_found, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	bool is_turn = catalog->last_turn > 0;
	enum db_step step;

	if (!db_prepare(catalog->db,
			is_turn ? "SELECT 1 FROM turns WHERE seq = $1 AND process_id = $2"
				: "SELECT 1 FROM events WHERE seq = $1 AND stream = $2",
			&find, err))
		return false;
	db_bind_int(find, 1, is_turn ? catalog->last_turn : catalog->last_event);
	db_bind_int(find, 2, is_turn ? catalog->writer_id : 0);
	step = db_step(find, err);
	*out_found = step == DB_ROW;
	return step != DB_FAILED;
}

static bool look_for_own(struct catalog *catalog, bool *out_found, struct err *err)
{
	bool is_known;

	if (!db_begin(catalog->db, err))
		return false;
	is_known = find_own(catalog, out_found, err);
	db_rollback(catalog->db);
	return is_known;
}

/*
 * Its COMMIT was not answered.  Who takes the seat now has it after the old connection's transaction has come to its end,
 * one or the other: a row that it wrote tells which.  A server whose disk stands still keeps the seat as long as that
 * takes: it is looked for again and again, and what is not known in the end is neither done nor undone.
 */
static bool was_committed(struct catalog *catalog)
{
	int64_t until_ms = clock_monotonic_ms() + catalog->doubt_ms;
	bool found = false;
	struct err cannot;

	/* What begins or ends an attempt, or moves a lease, and no more, has no number: a row a turn for it would cost more than the doubt. */
	if (catalog->last_turn == 0 && catalog->last_event == 0) {
		catalog->is_in_doubt = catalog->may_have_changed;
		return !catalog->may_have_changed;
	}
	while (!look_for_own(catalog, &found, &cannot)) {
		log_debug(NULL, "whether a commit was done is not known yet: %s", cannot.text);
		if (cannot.kind != ERR_UNAVAILABLE || clock_monotonic_ms() >= until_ms) {
			catalog->is_in_doubt = true;
			return false;
		}
		(void)poll(NULL, 0, DOUBT_AGAIN_MS);
	}
	return found;
}

bool catalog_commit(struct catalog *catalog, struct err *err)
{
	if (catalog->mode == CATALOG_WRITE && !turn_end(catalog, err)) {
		catalog_rollback(catalog);
		return false;
	}
	forget_ahead(catalog);
	if (db_commit(catalog->db, err))
		return true;
	catalog->is_numbered = false;
	return catalog->mode == CATALOG_WRITE && db_is_in_doubt(catalog->db) &&
	       was_committed(catalog);
}

void catalog_be_brief(struct catalog *catalog)
{
	catalog->doubt_ms = 0;
}

bool catalog_is_in_doubt(const struct catalog *catalog)
{
	return catalog->is_in_doubt;
}

void catalog_rollback(struct catalog *catalog)
{
	catalog->is_numbered = false;
	forget_ahead(catalog);
	db_rollback(catalog->db);
}

bool catalog_sequence(struct catalog *catalog, int64_t *out, struct err *err)
{
	if (catalog->mode == CATALOG_QUICK) {
		*out = 0; /* of what it does nobody is told before a turn */
		return true;
	}
	return number_read(catalog, NUMBER_SEQUENCE, out, err);
}

bool catalog_checkpoint(struct catalog *catalog, int64_t *out_left_bytes, struct err *err)
{
	return db_checkpoint(catalog->db, out_left_bytes, err);
}

int64_t catalog_log_bytes(const struct catalog *catalog)
{
	return db_log_bytes(catalog->db);
}

bool catalog_copy(struct catalog *catalog, const char *path, struct progress *progress,
		  struct err *err)
{
	return db_copy(catalog->db, path, progress, err);
}

/* The numbers of attempts are the database's own: it goes on behind the largest that it remembers. */
static bool leap_attempts(struct catalog *catalog, struct err *err)
{
	struct db_stmt *leap;

	if (!db_prepare(catalog->db,
			"UPDATE sqlite_sequence SET seq = seq + $1 WHERE name = 'attempts'", &leap,
			err))
		return false;
	db_bind_int(leap, 1, CATALOG_LEAP);
	if (!db_run_now(leap, err))
		return false;
	if (db_changes(catalog->db) > 0)
		return true;
	if (!db_prepare(catalog->db,
			"INSERT INTO sqlite_sequence (name, seq) VALUES ('attempts', $1)", &leap,
			err))
		return false;
	db_bind_int(leap, 1, CATALOG_LEAP);
	return db_run(leap, err);
}

static bool leap_identity(struct catalog *catalog, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *leap = NULL;

	if (!db_prepare(catalog->db,
			"SELECT setval(pg_get_serial_sequence('attempts', 'id'), "
			"nextval(pg_get_serial_sequence('attempts', 'id')) + $1)",
			&leap, err))
		return false;
	db_bind_int(leap, 1, CATALOG_LEAP);
	return db_step(leap, err) == DB_ROW;
}

bool catalog_leap(struct catalog *catalog, struct err *err)
{
	if (!catalog_may_change(catalog, err))
		return false;
	number_add(catalog, NUMBER_SEQUENCE, CATALOG_LEAP);
	return db_dialect(catalog->db) == DB_SQLITE ? leap_attempts(catalog, err)
						    : leap_identity(catalog, err);
}
