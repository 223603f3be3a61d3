/*
 * What is done, perhaps, is not done again: jobs whose commit the server is still at when the writer has ceased to wait.  Run by
 * tests/tools/postgres.
 */
#include "base/own.h"
#include "catalog/catalog_private.h"
#include "catalog/events.h"
#include "ledger/writer.h"
#include "must.h"
#include "tap.h"
#include "test_database.h"

#include <poll.h>
#include <pthread.h>

#define LOCK "4711, 4713"

static struct err err;
static unsigned runs;

static bool run_append(struct ledger_job *job, struct catalog *catalog, struct err *cause)
{
	struct event event;
	int64_t seq;

	runs++;
	event_init(&event, EVENT_CALL_STATUS, 1700000000000);
	event.call_sid = STR("CA00000000000000000000000000000001");
	(void)catalog_next_sequence(catalog);
	return events_append(catalog, &event, &seq, cause);
}

static int64_t count(struct catalog *catalog, const char *sql)
{
	AUTO(db_stmt_reset) struct db_stmt *stmt = NULL;
	struct err cause;

	if (!db_prepare(catalog->db, sql, &stmt, &cause) || db_step(stmt, &cause) != DB_ROW)
		return -1;
	return db_column_int(stmt, 0);
}

/* The disk turns again while somebody waits for the seat once more: the commit, who looked for it, and that one. */
struct disk {
	struct catalog *catalog;
	bool is_over;
};

static void *turn_again(void *argument)
{
	struct disk *disk = argument;

	while (!__atomic_load_n(&disk->is_over, __ATOMIC_SEQ_CST) &&
	       count(disk->catalog, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND "
				    "locktype = 'advisory'") < 3)
		(void)poll(NULL, 0, 20);
	(void)count(disk->catalog, "SELECT pg_advisory_unlock(" LOCK ")");
	return NULL;
}

int main(void)
{
	char folder[] = "/tmp/callspool-test.XXXXXX", address[TEST_DATABASE_SIZE];
	struct trouble trouble = TROUBLE_NONE;
	struct writer writer = { .trouble = &trouble };
	struct ledger_job second = { .run = run_append },
			  first = { .run = run_append, .next = &second };
	struct disk disk = { .is_over = false };
	pthread_t thread;
	int64_t sequence;

	if (!mkdtemp(folder))
		return 1;
	test_database_make(folder, address);
	writer_init(&writer);
	MUST(catalog_open(address, CATALOG_WRITE, &writer.catalog, &err));
	MUST(catalog_open(address, CATALOG_WRITE, &disk.catalog, &err));
	MUST(db_exec(disk.catalog->db,
		     "CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql "
		     "SET lock_timeout = 0 AS "
		     "'BEGIN PERFORM pg_advisory_xact_lock(" LOCK "); RETURN NULL; END'; "
		     "CREATE CONSTRAINT TRIGGER stand_still AFTER INSERT ON events DEFERRABLE "
		     "INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stand_still(); "
		     "SELECT pg_advisory_lock(" LOCK ")",
		     &err));
	writer.catalog->doubt_ms = 1;
	if (pthread_create(&thread, NULL, turn_again, &disk) != 0)
		return 1;
	OK(!writer_write_now(&writer, &first, &sequence, &err) && err.kind == ERR_UNAVAILABLE,
	   "a commit whose end is not known has failed: %s", err.text);
	IS_INT(runs, 2, "each job ran once");
	__atomic_store_n(&disk.is_over, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	OK(writer_write_now(&writer, &second, &sequence, &err), "the next is written: %s",
	   err.text);
	IS_INT(count(writer.catalog, "SELECT COUNT(*) FROM events"), 3,
	       "behind what was done after all");
	catalog_free(disk.catalog);
	writer_release(&writer);
	test_database_remove(folder, address);
	rmdir(folder);
	return tap_end();
}
