#include "ledger/projector.h"

#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "db/db.h"
#include "ledger_fixture.h"
#include "tap.h"

#define NOON 1700000000000

static struct err err;
static struct projector projector;
static int64_t now_ms;

static struct str call_sid(unsigned number)
{
	static char sid[SID_SIZE];

	return sid_text("CA", number, sid);
}

static void append(struct ledger *ledger, unsigned number)
{
	struct event event;

	event_init(&event, EVENT_CALL_STATUS, NOON);
	event.call_sid = call_sid(number);
	event.status = STR("completed");
	ledger_append(ledger, &event);
}

/* Calls of that number cannot be written: a fault of the database that is always the same. */
static void refuse(struct ledger *ledger, const char *sql)
{
	AUTO(db_free) struct db *db = NULL;

	MUST(db_open(ledger->path, DB_WRITE, &db, &err));
	MUST(db_exec(db, sql, &err));
}

#define REFUSE_2                                        \
	"CREATE TRIGGER refuse BEFORE INSERT ON calls " \
	"WHEN NEW.call_sid LIKE 'CA%2' BEGIN SELECT RAISE(ABORT, 'no such call'); END"
#define REFUSE_ALL                                      \
	"CREATE TRIGGER refuse BEFORE INSERT ON calls " \
	"BEGIN SELECT RAISE(ABORT, 'no calls'); END"
#define REFUSE_NONE "DROP TRIGGER refuse"

static bool is_known(struct ledger *ledger, unsigned number)
{
	struct call call;

	return calls_find(ledger->writer, call_sid(number), &call, &err);
}

static struct catalog_counts counts(struct ledger *ledger)
{
	struct catalog_counts found;

	MUST(catalog_counts(ledger->writer, &found, &err));
	return found;
}

/* All turns that are due, time standing still; how many changes there were. */
static size_t turns(struct ledger *ledger, bool was_written)
{
	size_t changes = 0;
	bool more;

	do {
		more = projector_turn(&projector, ledger->writer, was_written, now_ms);
		changes += projector.done.count;
	} while (more);
	return changes;
}

static void wait_for_it(void)
{
	int64_t wait_ms = projector_wait_ms(&projector, now_ms);

	OK(wait_ms > 0 && wait_ms <= PROJECTOR_MOST_MS, "it waits for %lld ms", (long long)wait_ms);
	now_ms += wait_ms;
}

static void test_well(struct ledger *ledger)
{
	append(ledger, 1);
	IS_INT(turns(ledger, true), 1, "an event is projected");
	IS_INT(projector_wait_ms(&projector, now_ms), -1, "nothing is to be tried again");
	IS_INT(turns(ledger, false), 0, "and nothing waits");
}

static void test_again(struct ledger *ledger)
{
	refuse(ledger, REFUSE_ALL);
	append(ledger, 3);
	IS_INT(turns(ledger, true), 0, "what cannot be written is not projected");
	IS_INT(counts(ledger).events_waiting, 1, "it waits");
	IS_INT(turns(ledger, true), 0, "another write does not bring it forward");
	wait_for_it();
	IS_INT(turns(ledger, false), 0, "nor has it become better");
	refuse(ledger, REFUSE_NONE);
	IS_INT(turns(ledger, false), 0, "it waits its time");
	wait_for_it();
	IS_INT(turns(ledger, false), 1, "then it is projected, without another write");
	OK(is_known(ledger, 3), "the call is there");
	IS_INT(projector_wait_ms(&projector, now_ms), -1, "nothing is to be tried again");
	IS_INT(counts(ledger).events_set_aside, 0, "nothing was set aside");
}

static void test_set_aside(struct ledger *ledger)
{
	int64_t before_ms = now_ms;

	refuse(ledger, REFUSE_2);
	append(ledger, 0x11);
	append(ledger, 0x12);
	append(ledger, 0x13);
	IS_INT(turns(ledger, true), 1, "what comes before the event that fails is projected");
	OK(is_known(ledger, 0x11), "its call is there");
	for (int tries = 1; tries < PROJECTOR_TRIES; tries++) {
		IS_INT(counts(ledger).events_set_aside, 0, "after %d tries it still waits", tries);
		wait_for_it();
		IS_INT(turns(ledger, false), tries + 1 == PROJECTOR_TRIES, "try %d", tries + 1);
	}
	IS_INT(counts(ledger).events_set_aside, 1, "then it is set aside");
	IS_INT(counts(ledger).events_waiting, 0, "and nothing waits behind it");
	OK(is_known(ledger, 0x13) && !is_known(ledger, 0x12), "what came behind it is there");
	OK(now_ms - before_ms >= 3000, "it had %lld ms", (long long)(now_ms - before_ms));
	append(ledger, 0x22);
	IS_INT(turns(ledger, true), 0, "another");
	IS_INT(counts(ledger).events_set_aside, 1, "has tries of its own");
	refuse(ledger, REFUSE_NONE);
	wait_for_it();
	IS_INT(turns(ledger, false), 1, "and is projected when it can be");
}

static void test_reason(struct ledger *ledger)
{
	AUTO(db_free) struct db *db = NULL;
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;

	MUST(db_open(ledger->path, DB_READ, &db, &err));
	MUST(db_prepare(db,
			"SELECT e.call_sid, s.reason FROM events_set_aside s "
			"JOIN events e ON e.seq = s.event_seq",
			&find, &err));
	OK(db_step(find, &err) == DB_ROW, "the ledger names it");
	IS_STR(db_column_str(find, 0), call_sid(0x12), "which");
	OK(str_find_str(db_column_str(find, 1), STR("no such call")) < db_column_str(find, 1).len,
	   "and why: %.*s", STR_ARG(db_column_str(find, 1)));
}

int main(void)
{
	struct ledger ledger;

	now_ms = 1000;
	ledger_open(&ledger);
	test_well(&ledger);
	test_again(&ledger);
	test_set_aside(&ledger);
	test_reason(&ledger);
	ledger_remove(&ledger);
	return tap_end();
}
