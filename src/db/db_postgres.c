/*
 * PostgreSQL, 12 and later, by libpq.
 *
 * A transaction of DB_WRITE begins with the seat: an advisory lock that ends with the transaction, one for each schema of a
 * database.  So whoever writes is the only one, as on SQLite, and each of its statements sees all that was
 * committed by those before it.  Who holds it and says nothing for IDLE_TIMEOUT is put out by the server.  A transaction of
 * DB_QUICK takes no seat, and waits for nobody.
 *
 * Statements that only change something are sent with the next that is asked (db_postgres_private.h); their parameters are copied by libpq
 * at once.  Texts and bytes are sent as they are, numbers as digits; all that comes back is text.
 *
 * When the connection is lost, so is the transaction: each statement in it fails, and db_begin() makes a new connection.  An answer to
 * COMMIT that did not come is told as what it is, a doubt.
 *
 * The kinds of errors of a server that is away, or restarted, or full, are all ERR_UNAVAILABLE.
 */
#include "db/db_driver.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "db/db_postgres_private.h"

#define WRITE_WAIT_MS 5000 /* for the seat included */
#define READ_WAIT_MS  60000
#define IDLE_TIMEOUT  "2s"
#define LOCK_TIMEOUT  "4s" /* less than WRITE_WAIT_MS: nobody goes and leaves a session in line */

#define READ_OPTIONS                                                                    \
	"-c plan_cache_mode=force_custom_plan -c max_parallel_workers_per_gather=0 -c " \
	"jit=off -c default_transaction_read_only=on"

/*
 * Who writes finds rows by their keys.  A plan is made once for a connection, perhaps while a table is empty, when to read
 * all of it is cheapest; and it stays, however many rows there come to be, until the server has looked at the table again.
 * What has no key for it is read as a whole all the same, at a cost that would have the server compile it.
 */
#define WRITE_OPTIONS "-c enable_seqscan=off -c jit=off"

/* Types of the server's catalog (pg_type). */
#define TYPE_BOOL  16
#define TYPE_BYTEA 17

#define NUMBER_SIZE 24
#define LIST_MAX    (1024 * 1024)
#define LISTS_MAX   4 /* of a statement */

struct postgres_db {
	struct db db;
	struct pg_link link;
	bool is_in_doubt;       /* the last commit was sent, and not answered */
	bool is_in_transaction; /* as far as the caller is concerned: until it commits or rolls back */
};

/* Bytes that were read out of their hexadecimal form. */
struct decoded {
	struct decoded *next;
	size_t len;
	uint8_t bytes[];
};

/* A text that was bound, without what PostgreSQL does not take. */
struct mended {
	struct mended *next;
	char *text;
};

struct postgres_stmt {
	struct db_stmt stmt;
	struct pg_text *text; /* the link's */
	const char *values[DB_PARAMETERS_MAX];
	int lengths[DB_PARAMETERS_MAX], formats[DB_PARAMETERS_MAX];
	char numbers[DB_PARAMETERS_MAX][NUMBER_SIZE];
	char *lists[LISTS_MAX]; /* that are bound; NULL: none */
	int misbound;           /* a parameter that it does not have; 0: none */
	struct pg_answer answer;
	bool is_asked;    /* its answer is on its way, or here */
	PGresult *result; /* that, once it is stepped through */
	int row;
	struct decoded *decoded;
	struct mended *mended;
};

static struct postgres_db *postgres_db(const struct db *db)
{
	return container_of((struct db *)(uintptr_t)db, struct postgres_db, db);
}

static struct postgres_stmt *postgres_stmt(const struct db_stmt *stmt)
{
	return container_of((struct db_stmt *)(uintptr_t)stmt, struct postgres_stmt, stmt);
}

/* ---- life cycle ---- */

static void postgres_free(struct db *db)
{
	struct postgres_db *self = postgres_db(db);

	pg_link_release(&self->link);
	free(self);
}

static bool postgres_open(const char *address, enum db_mode mode, struct db **out, struct err *err)
{
	struct postgres_db *self = xcalloc(1, sizeof(*self));

	pg_link_init(&self->link, address, mode == DB_READ ? READ_OPTIONS : WRITE_OPTIONS,
		     mode == DB_READ ? READ_WAIT_MS : WRITE_WAIT_MS);
	if (!pg_link_connect(&self->link, err)) {
		postgres_free(&self->db);
		return false;
	}
	*out = &self->db;
	return true;
}

/* ---- statements ---- */

static bool postgres_prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *err)
{
	struct postgres_stmt *self = xcalloc(1, sizeof(*self));

	self->text = pg_link_text(&postgres_db(db)->link, sql);
	if (self->text->parameters > DB_PARAMETERS_MAX) {
		free(self);
		return err_set(err, ERR_INTERNAL, "a statement has more than %d parameters",
			       DB_PARAMETERS_MAX);
	}
	*out = &self->stmt;
	return true;
}

static void postgres_reset(struct db_stmt *stmt)
{
	struct postgres_stmt *self = postgres_stmt(stmt);

	pg_link_give_up(&postgres_db(stmt->db)->link, &self->answer);
	PQclear(TAKE(self->answer.result));
	PQclear(TAKE(self->result));
	self->is_asked = false;
	for (size_t i = 0; i < LISTS_MAX; i++)
		free(TAKE(self->lists[i]));
	self->misbound = 0;
	memset(self->values, 0, sizeof(self->values));
	while (self->decoded) {
		struct decoded *decoded = self->decoded;

		self->decoded = decoded->next;
		free(decoded);
	}
	while (self->mended) {
		struct mended *mended = self->mended;

		self->mended = mended->next;
		free(mended->text);
		free(mended);
	}
}

static void postgres_finalize(struct db_stmt *stmt)
{
	postgres_reset(stmt);
	free(postgres_stmt(stmt));
}

static void bind(struct postgres_stmt *self, int n, const char *value, size_t len, int format)
{
	assert(n >= 1 && n <= DB_PARAMETERS_MAX);
	if (n > self->text->parameters) {
		self->misbound = n;
		return;
	}
	self->values[n - 1] = value;
	self->lengths[n - 1] = (int)len;
	self->formats[n - 1] = format;
}

/* The binary form of a text, or of bytes, is itself. */
static void postgres_bind_bytes(struct db_stmt *stmt, int n, struct str value)
{
	bind(postgres_stmt(stmt), n, value.at, value.len, 1);
}

/*
 * What others wrote may be no UTF-8, or cut within a character: an error of Twilio's, the name of a browser, a path of ours.  With
 * it the whole transaction would be refused, each time.
 */
static void postgres_bind_str(struct db_stmt *stmt, int n, struct str value)
{
	struct postgres_stmt *self = postgres_stmt(stmt);
	struct mended *mended;

	if (!utf8_is_text(value)) {
		mended = xcalloc(1, sizeof(*mended));
		mended->text = utf8_replace(value);
		mended->next = self->mended;
		self->mended = mended;
		value = str_of(mended->text);
	}
	postgres_bind_bytes(stmt, n, value);
}

static void postgres_bind_int(struct db_stmt *stmt, int n, int64_t value)
{
	struct postgres_stmt *self = postgres_stmt(stmt);
	char *number = self->numbers[n - 1];

	snprintf(number, NUMBER_SIZE, "%lld", (long long)value);
	bind(self, n, number, 0, 0);
}

/* "{"a","b"}"; its end is a NUL, for it goes as text. */
static void postgres_bind_list(struct db_stmt *stmt, int n, const struct str *texts, size_t count)
{
	struct postgres_stmt *self = postgres_stmt(stmt);
	size_t at_list = 0;
	struct buf list;

	buf_init(&list, LIST_MAX);
	buf_add_byte(&list, '{');
	for (size_t i = 0; i < count; i++) {
		buf_add_text(&list, i > 0 ? ",\"" : "\"");
		for (size_t at = 0; at < texts[i].len; at++) {
			if (texts[i].at[at] == '"' || texts[i].at[at] == '\\')
				buf_add_byte(&list, '\\');
			buf_add_byte(&list, texts[i].at[at]);
		}
		buf_add_byte(&list, '"');
	}
	buf_add_byte(&list, '}');
	while (at_list < LISTS_MAX && self->lists[at_list])
		at_list++;
	assert(buf_ok(&list) && at_list < LISTS_MAX);
	self->lists[at_list] = buf_take(&list);
	bind(self, n, self->lists[at_list], 0, 0);
}

static bool fail(const struct postgres_db *self, struct err *err)
{
	*err = self->link.failure;
	return false;
}

/* A connection, and a transaction in it that may go on. */
static bool may_send(struct postgres_db *self, struct err *err)
{
	struct pg_link *link = &self->link;

	if (self->is_in_transaction)
		return !link->has_failed || fail(self, err);
	link->has_failed = false;
	link->relevant = link->sent + 1;
	return pg_link_ready(link, err);
}

static uint64_t send_stmt(struct postgres_stmt *self, struct err *err)
{
	struct postgres_db *db = postgres_db(self->stmt.db);
	uint64_t number;

	if (self->misbound) {
		(void)err_set(err, ERR_INTERNAL, "a statement has no parameter $%d",
			      self->misbound);
		return 0;
	}
	if (!may_send(db, err))
		return 0;
	number = pg_link_send(&db->link, self->text, self->values, self->lengths, self->formats);
	if (number == 0)
		(void)fail(db, err);
	return number;
}

static bool send_question(struct postgres_stmt *self, struct err *err)
{
	uint64_t number = send_stmt(self, err);

	if (number == 0)
		return false;
	pg_link_expect(&postgres_db(self->stmt.db)->link, &self->answer, number);
	self->is_asked = true;
	return true;
}

/* Its connection may be another one by now, or none: then nothing comes. */
static bool ask(struct postgres_stmt *self, struct err *err)
{
	struct postgres_db *db = postgres_db(self->stmt.db);

	if (!self->is_asked && !send_question(self, err))
		return false;
	if ((!self->answer.result && !pg_link_finish(&db->link)) || db->link.has_failed)
		return fail(db, err);
	if (!self->answer.result)
		return err_set(err, ERR_UNAVAILABLE, "PostgreSQL: the connection was lost");
	self->result = TAKE(self->answer.result);
	self->row = -1;
	return true;
}

/* Outside a transaction nobody would come to tell of what failed. */
static bool postgres_ask(struct db_stmt *stmt, struct err *err)
{
	return !postgres_db(stmt->db)->is_in_transaction || send_question(postgres_stmt(stmt), err);
}

static enum db_step postgres_step(struct db_stmt *stmt, struct err *err)
{
	struct postgres_stmt *self = postgres_stmt(stmt);

	if (!self->result && !ask(self, err))
		return DB_FAILED;
	return ++self->row < PQntuples(self->result) ? DB_ROW : DB_DONE;
}

static void postgres_rewind(struct db_stmt *stmt)
{
	postgres_stmt(stmt)->row = -1;
}

/* Outside a transaction nobody would come to tell of it. */
static bool postgres_run(struct db_stmt *stmt, struct err *err)
{
	struct postgres_stmt *self = postgres_stmt(stmt);

	return postgres_db(stmt->db)->is_in_transaction ? send_stmt(self, err) != 0
							: ask(self, err);
}

static bool postgres_catch_up(struct db *db, struct err *err)
{
	struct postgres_db *self = postgres_db(db);

	return (!self->link.has_failed && pg_link_finish(&self->link)) || fail(self, err);
}

static int64_t postgres_changes(const struct db *db)
{
	return postgres_db(db)->link.changes;
}

/* ---- columns ---- */

static bool postgres_column_is_null(const struct db_stmt *stmt, int column)
{
	const struct postgres_stmt *self = postgres_stmt(stmt);

	return PQgetisnull(self->result, self->row, column) != 0;
}

/* "\x" and hexadecimal digits: so they come from every server since 9.0 but where it is told otherwise. */
static struct str decode(struct postgres_stmt *self, struct str text)
{
	size_t len = text.len >= 2 ? (text.len - 2) / 2 : 0;
	struct decoded *decoded = xmalloc(sizeof(*decoded) + len + 1);

	decoded->next = self->decoded;
	decoded->len = len;
	self->decoded = decoded;
	if (len > 0 && !hex_decode(str_after(text, 2), decoded->bytes, len))
		decoded->len = 0;
	return (struct str){ (const char *)decoded->bytes, decoded->len };
}

static struct str postgres_column_str(const struct db_stmt *stmt, int column)
{
	struct postgres_stmt *self = postgres_stmt(stmt);
	struct str text = { PQgetvalue(self->result, self->row, column),
			    (size_t)PQgetlength(self->result, self->row, column) };

	if (postgres_column_is_null(stmt, column))
		return STR_NONE;
	return PQftype(self->result, column) == TYPE_BYTEA ? decode(self, text) : text;
}

static int64_t postgres_column_int(const struct db_stmt *stmt, int column)
{
	const struct postgres_stmt *self = postgres_stmt(stmt);
	struct str text = str_of(PQgetvalue(self->result, self->row, column));
	bool is_negative = str_starts(text, STR("-"));
	uint64_t size; /* that of the least number is no int64_t */

	if (PQftype(self->result, column) == TYPE_BOOL)
		return str_eq(text, STR("t"));
	if (!str_to_u64(str_after(text, is_negative), &size))
		return 0;
	return (int64_t)(is_negative ? 0 - size : size);
}

/* ---- transactions ---- */

static bool run_literal(struct db *db, const char *sql, struct err *err)
{
	struct db_stmt *stmt;

	return db_prepare(db, sql, &stmt, err) && db_run(stmt, err);
}

static bool postgres_in_transaction(const struct db *db)
{
	return postgres_db(db)->is_in_transaction;
}

/* Not waited for. */
static void postgres_rollback(struct db *db)
{
	struct postgres_db *self = postgres_db(db);
	struct err ignored;

	self->link.has_failed = false;
	if (self->link.conn && run_literal(db, "ROLLBACK", &ignored))
		pg_link_flush(&self->link);
	self->is_in_transaction = false;
	self->link.has_failed = false;
	self->link.relevant = self->link.sent + 1;
}

/* Who holds a lock, of either, and says nothing any more, is put out. */
static const char be_brief[] =
	"SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', '" IDLE_TIMEOUT
	"', true)";
static const char take_seat[] =
	"SELECT set_config('idle_in_transaction_session_timeout', '" IDLE_TIMEOUT "', true), "
	"set_config('lock_timeout', '" LOCK_TIMEOUT "', true), "
	"pg_advisory_xact_lock(hashtextextended('callspool ' || current_schema(), 0))";

static bool postgres_begin(struct db *db, struct err *err)
{
	struct postgres_db *self = postgres_db(db);

	if (!may_send(self, err))
		return false;
	self->is_in_transaction = true; /* what is sent from here on waits for who asks */
	if (db->mode == DB_READ
		    ? run_literal(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err)
		    : run_literal(db, "BEGIN ISOLATION LEVEL READ COMMITTED", err) &&
			      run_literal(db, db->mode == DB_WRITE ? take_seat : be_brief, err))
		return true;
	postgres_rollback(db);
	return false;
}

static bool commit(struct postgres_db *self, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;
	struct postgres_stmt *commit_stmt;

	if (!db_prepare(&self->db, "COMMIT", &stmt, err))
		return false;
	commit_stmt = postgres_stmt(stmt);
	stmt->is_used = true;
	if (ask(commit_stmt, err))
		return strcmp(PQcmdStatus(commit_stmt->result), "COMMIT") == 0 ||
		       err_set(err, ERR_INTERNAL, "PostgreSQL: the transaction was rolled back");
	self->is_in_doubt = !self->link.conn;
	return self->is_in_doubt ? err_context(err, "the commit was not answered") : false;
}

static uint64_t postgres_connection(const struct db *db)
{
	const struct pg_link *link = &postgres_db(db)->link;

	return link->conn ? link->connection : 0;
}

static int postgres_socket(const struct db *db)
{
	const struct pg_link *link = &postgres_db(db)->link;

	return link->conn ? PQsocket(link->conn) : -1;
}

static bool postgres_has_notice(struct db *db)
{
	return pg_link_has_notice(&postgres_db(db)->link);
}

static bool postgres_is_nameless(const struct db *db)
{
	return postgres_db(db)->link.is_nameless;
}

static bool postgres_is_unreachable(const struct db *db)
{
	return postgres_db(db)->link.is_unreachable;
}

static uint64_t postgres_waits(const struct db *db)
{
	return postgres_db(db)->link.waits;
}

static bool postgres_is_in_doubt(const struct db *db)
{
	return postgres_db(db)->is_in_doubt;
}

static bool postgres_commit(struct db *db, struct err *err)
{
	struct postgres_db *self = postgres_db(db);

	self->is_in_doubt = false;
	if (!self->is_in_transaction)
		return err_set(err, ERR_INTERNAL, "there is no transaction");
	if (db->mode == DB_READ) {
		postgres_rollback(db);
		return true;
	}
	if (!self->link.has_failed && commit(self, err)) {
		self->is_in_transaction = false;
		return true;
	}
	if (self->link.has_failed && self->link.conn)
		(void)fail(self, err);
	postgres_rollback(db);
	return false;
}

/* ---- the whole ---- */

static bool postgres_exec(struct db *db, const char *sql, struct err *err)
{
	struct postgres_db *self = postgres_db(db);

	return may_send(self, err) && pg_link_exec(&self->link, sql, err);
}

static bool setting_is(struct db *db, const char *sql, const char *name, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;

	if (!db_prepare(db, sql, &stmt, err) || db_step(stmt, err) != DB_ROW)
		return false;
	return !str_eq(db_column_str(stmt, 0), STR("off")) ||
	       err_set(err, ERR_INVALID,
		       "PostgreSQL: %s is off: what is committed could be lost, and callspool promises that it is not",
		       name);
}

/* Nothing is promised on a server that does not write down what it committed. */
static bool postgres_settle(struct db *db, struct err *err)
{
	return setting_is(db, "SELECT setting FROM pg_settings WHERE name = 'fsync'", "fsync",
			  err) &&
	       setting_is(db, "SELECT setting FROM pg_settings WHERE name = 'synchronous_commit'",
			  "synchronous_commit", err);
}

static bool postgres_checkpoint(struct db *db, int64_t *out_left_bytes, struct err *err)
{
	*out_left_bytes = 0;
	return true;
}

static int64_t postgres_log_bytes(const struct db *db)
{
	return 0;
}

static bool postgres_copy(struct db *db, const char *path, struct progress *progress,
			  struct err *err)
{
	return err_set(err, ERR_INVALID, "a ledger on PostgreSQL is copied by pg_dump");
}

const struct db_driver db_postgres_driver = {
	.dialect = DB_POSTGRES,
	.open = postgres_open,
	.free = postgres_free,
	.exec = postgres_exec,
	.prepare = postgres_prepare,
	.finalize = postgres_finalize,
	.bind_str = postgres_bind_str,
	.bind_bytes = postgres_bind_bytes,
	.bind_list = postgres_bind_list,
	.bind_int = postgres_bind_int,
	.ask = postgres_ask,
	.step = postgres_step,
	.rewind = postgres_rewind,
	.run = postgres_run,
	.catch_up = postgres_catch_up,
	.is_in_doubt = postgres_is_in_doubt,
	.connection = postgres_connection,
	.socket = postgres_socket,
	.has_notice = postgres_has_notice,
	.is_nameless = postgres_is_nameless,
	.is_unreachable = postgres_is_unreachable,
	.waits = postgres_waits,
	.reset = postgres_reset,
	.changes = postgres_changes,
	.column_str = postgres_column_str,
	.column_int = postgres_column_int,
	.column_is_null = postgres_column_is_null,
	.begin = postgres_begin,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
	.in_transaction = postgres_in_transaction,
	.settle = postgres_settle,
	.checkpoint = postgres_checkpoint,
	.log_bytes = postgres_log_bytes,
	.copy = postgres_copy,
};
