#include "cluster/listening.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "catalog/catalog_sql.h"
#include "catalog/turn_news.h"

#include <poll.h>
#include <stdlib.h>

static bool listen_on(struct db *db, struct err *err)
{
	AUTO(db_stmt_reset) struct db_stmt *name = NULL;
	AUTO(free) char *sql = NULL;

	if (!db_prepare(db, "SELECT pg_catalog.quote_ident(" TURN_CHANNEL_SQL ")", &name, err) ||
	    db_step(name, err) != DB_ROW)
		return false;
	sql = xasprintf("LISTEN %.*s", STR_ARG(db_column_str(name, 0)));
	return db_exec(db, sql, err);
}

/* Others look for nothing, once a minute. */
static bool ask_for_proof(struct db *db, struct err *err)
{
	struct db_stmt *notify;

	return db_prepare(db, "SELECT pg_notify(" TURN_CHANNEL_SQL ", '')", &notify, err) &&
	       db_run_now(notify, err);
}

/*
 * Not through a pooler: what one says there may be heard by chance, on the connection that it happens to have, and later by somebody else
 * who has it then.
 */
static void see_to_it(struct listening *listening, struct db *db)
{
	int64_t now_ms = clock_monotonic_ms();
	bool is_new = listening->connection != db_connection(db);
	struct err err;

	if (db_connection(db) == 0 || db_is_nameless(db) ||
	    (!is_new && now_ms - listening->asked_at_ms < LISTENING_PROOF_MS))
		return;
	listening->is_proved = false;
	listening->asked_at_ms = now_ms;
	if ((is_new && !listen_on(db, &err)) || !ask_for_proof(db, &err))
		log_debug(NULL, "cannot listen to what others write: %s", err.text);
	else
		listening->connection = db_connection(db);
}

void listening_wait(struct listening *listening, struct catalog *catalog, int wake_fd)
{
	struct db *db = catalog_db(catalog);
	struct pollfd fds[2] = { { .fd = wake_fd, .events = POLLIN }, { .events = POLLIN } };

	see_to_it(listening, db);
	if (db_has_notice(db)) {
		listening->is_proved = !db_is_nameless(db);
		return;
	}
	fds[1].fd = db_socket(db);
	(void)poll(fds, 2, listening->is_proved ? LISTENING_SELDOM_MS : LISTENING_OFTEN_MS);
	listening->is_proved |= db_has_notice(db) && !db_is_nameless(db);
}
