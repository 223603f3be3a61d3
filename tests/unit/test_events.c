#include "catalog/events.h"

#include <signal.h>
#include <sys/wait.h>

#include "catalog/catalog_private.h"
#include "ledger_fixture.h"
#include "tap.h"

#define NOON 1700000000000

static struct err err;

static struct event some_event(void)
{
	struct event event;

	event_init(&event, EVENT_RECORDING_STATUS, NOON);
	event.call_sid = STR("CA00000000000000000000000000000001");
	event.recording_sid = STR("RE00000000000000000000000000000001");
	event.status = STR("completed");
	return event;
}

static void test_append(struct ledger *ledger)
{
	struct event event = some_event();
	int64_t first = 0, second = 0, last = -1;

	MUST(events_last(ledger->writer, &last, &err));
	IS_INT(last, 0, "an empty log ends at 0");
	MUST(catalog_begin(ledger->writer, &err));
	OK(events_append(ledger->writer, &event, &first, &err) && first > 0, "one event");
	OK(events_append(ledger->writer, &event, &second, &err) && second > first,
	   "the same again, behind it");
	MUST(catalog_commit(ledger->writer, &err));
	MUST(events_last(ledger->writer, &last, &err));
	IS_INT(last, second, "the log ends with the last");
	MUST(catalog_begin(ledger->writer, &err));
	MUST(events_append(ledger->writer, &event, &first, &err));
	catalog_rollback(ledger->writer);
	MUST(events_last(ledger->writer, &last, &err));
	IS_INT(last, second, "what was rolled back is not in it");
	OK(!events_append(ledger->writer, &event, &first, &err), "without a transaction: refused");
}

static void test_last_webhook(struct ledger *ledger)
{
	struct event listed = some_event();
	int64_t seq, at_ms = -1;

	MUST(events_last_webhook_at(ledger->writer, 1, &at_ms, &err));
	IS_INT(at_ms, NOON, "the last event is of a webhook");
	listed.kind = EVENT_RECORDING_LISTED;
	MUST(catalog_begin(ledger->writer, &err));
	MUST(events_append(ledger->writer, &listed, &seq, &err));
	MUST(events_append(ledger->writer, &listed, &seq, &err));
	MUST(events_last_webhook_at(ledger->writer, 3, &at_ms, &err));
	IS_INT(at_ms, NOON, "it is found behind two that were listed");
	MUST(events_last_webhook_at(ledger->writer, INT64_MAX, &at_ms, &err));
	IS_INT(at_ms, NOON, "also among all there are");
	MUST(events_last_webhook_at(ledger->writer, 2, &at_ms, &err));
	IS_INT(at_ms, 0, "and nobody goes back further than was asked");
	catalog_rollback(ledger->writer);
}

/* The watermark must never be in front of a new event. */
static void test_place(struct ledger *ledger)
{
	struct event event = some_event();
	int64_t before = 0, place = 0;

	MUST(events_last(ledger->writer, &before, &err));
	MUST(catalog_begin(ledger->writer, &err));
	number_add(ledger->writer, NUMBER_WATERMARK, before + 10);
	MUST(catalog_commit(ledger->writer, &err));
	MUST(catalog_begin(ledger->writer, &err));
	MUST(events_append(ledger->writer, &event, &place, &err));
	IS_INT(place, before + 11,
	       "a new event is behind the watermark, though those before are gone");
	MUST(events_append(ledger->writer, &event, &place, &err));
	IS_INT(place, before + 12, "and the next behind it");
	catalog_rollback(ledger->writer);
	MUST(catalog_begin(ledger->writer, &err));
	MUST(events_append(ledger->writer, &event, &place, &err));
	IS_INT(place, before + 11, "what was rolled back has used no place");
	number_add(ledger->writer, NUMBER_WATERMARK, -before - 10);
	MUST(catalog_commit(ledger->writer, &err));
}

static void test_refused(struct ledger *ledger)
{
	static const struct {
		const char *name;
		enum event_kind kind;
		const char *call_sid, *recording_sid;
		bool is_kept;
	} cases[] = {
		{ "a recording without its SID", EVENT_RECORDING_STATUS, "CA1", NULL, false },
		{ "a listed one without its SID", EVENT_RECORDING_LISTED, "CA1", NULL, false },
		{ "a call without its SID", EVENT_CALL_STATUS, NULL, "RE1", false },
		{ "a fetched call without its SID", EVENT_CALL_FETCHED, NULL, NULL, false },
		{ "a SID of 35 characters", EVENT_CALL_STATUS,
		  "CA000000000000000000000000000000012", NULL, false },
		{ "a recording without a call", EVENT_RECORDING_LISTED, NULL, "RE1", true },
		{ "a call", EVENT_CALL_STATUS, "CA1", NULL, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct event event;
		int64_t seq;
		bool is_kept;

		event_init(&event, cases[i].kind, NOON);
		event.call_sid = str_of(cases[i].call_sid);
		event.recording_sid = str_of(cases[i].recording_sid);
		MUST(catalog_begin(ledger->writer, &err));
		is_kept = events_append(ledger->writer, &event, &seq, &err);
		catalog_rollback(ledger->writer);
		OK(is_kept == cases[i].is_kept && (is_kept || err.kind == ERR_INVALID), "%s is %s",
		   cases[i].name, cases[i].is_kept ? "kept" : "refused as ERR_INVALID");
	}
}

/* What no database but SQLite would take as text. */
static void test_foreign_bytes(struct ledger *ledger)
{
	struct event event = some_event();
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	int64_t seq;

	event.from = (struct str){ "a\0b\xff", 4 };
	event.to = STR("\xd7\xa9");
	event.raw = (struct str){ "From=a\0b\xff", 9 };
	MUST(catalog_begin(ledger->writer, &err));
	MUST(events_append(ledger->writer, &event, &seq, &err));
	MUST(catalog_commit(ledger->writer, &err));
	MUST(db_prepare(ledger->writer->db,
			"SELECT from_address, to_address, raw FROM events WHERE seq = $1", &find,
			&err));
	db_bind_int(find, 1, seq);
	OK(db_step(find, &err) == DB_ROW, "an event with NUL and bytes that are no UTF-8 is kept");
	IS_STR(db_column_str(find, 0),
	       STR("a\xef\xbf\xbd"
		   "b\xef\xbf\xbd"),
	       "they are U+FFFD in its texts");
	IS_STR(db_column_str(find, 1), event.to, "what is UTF-8 stays");
	IS_STR(db_column_str(find, 2), event.raw, "and the raw body keeps the bytes");
}

static void test_fields(struct ledger *ledger)
{
	static const char raw[] = "RecordingSid=RE1&Unknown=%00&X=\0\xff";
	struct event event = some_event();
	AUTO(db_stmt_reset) struct db_stmt *find = NULL;
	int64_t seq;

	event.raw = (struct str){ raw, sizeof(raw) - 1 };
	event.idempotency = STR("token");
	event.sequence_number = 0;
	MUST(catalog_begin(ledger->writer, &err));
	MUST(events_append(ledger->writer, &event, &seq, &err));
	MUST(catalog_commit(ledger->writer, &err));
	MUST(db_prepare(ledger->writer->db,
			"SELECT raw, idempotency, sequence_number, duration_s, from_address "
			"FROM events WHERE seq = $1",
			&find, &err));
	db_bind_int(find, 1, seq);
	OK(db_step(find, &err) == DB_ROW, "the row is there");
	IS_STR(db_column_str(find, 0), event.raw, "the raw body is kept byte for byte");
	IS_STR(db_column_str(find, 1), STR("token"), "and the token");
	OK(!db_column_is_null(find, 2), "a sequence number of 0 was told");
	OK(db_column_is_null(find, 3), "a duration was not");
	OK(db_column_is_null(find, 4), "nor an address");
}

/*
 * A process that ends without a word right after its commit: what it was told is kept
 * is kept, what was under way is not.
 */
static void test_killed(struct ledger *ledger)
{
	struct event event = some_event();
	struct projection_result result;
	int64_t before, after, seq;
	int status;
	pid_t child;

	MUST(events_last(ledger->writer, &before, &err));
	catalog_free(ledger->writer);
	ledger->writer = NULL;
	child = fork();
	if (child == 0) {
		MUST(catalog_open(ledger->path, CATALOG_WRITE, &ledger->writer, &err));
		for (int i = 0; i < 20; i++) {
			MUST(catalog_begin(ledger->writer, &err));
			MUST(events_append(ledger->writer, &event, &seq, &err));
			if (i == 10)
				MUST(projection_run(ledger->writer, 256, &result, &err));
			MUST(catalog_commit(ledger->writer, &err));
		}
		MUST(catalog_begin(ledger->writer, &err));
		MUST(events_append(ledger->writer, &event, &seq, &err));
		kill(getpid(), SIGKILL);
	}
	OK(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "a writer was killed");
	MUST(catalog_open(ledger->path, CATALOG_WRITE, &ledger->writer, &err));
	MUST(events_last(ledger->writer, &after, &err));
	IS_INT(after, before + 20, "every committed event is there, the open one is not");
	ledger_project(ledger, &result);
	IS_INT(result.watermark, after, "the projection goes on to the end");
	IS_INT(result.events, 9, "from where the committed watermark stood");
}

int main(void)
{
	struct ledger ledger;

	ledger_open(&ledger);
	test_append(&ledger);
	test_last_webhook(&ledger);
	test_place(&ledger);
	test_refused(&ledger);
	test_fields(&ledger);
	test_foreign_bytes(&ledger);
	test_killed(&ledger);
	ledger_remove(&ledger);
	return tap_end();
}
